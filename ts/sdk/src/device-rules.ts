/** Which devices a rootful container may open: the cgroup's device rules as data. */

import type { SpecDeviceRule } from './oci.ts';

/** One rule with the reason it is there. */
export interface DeviceRuleRow {
  rule: SpecDeviceRule;
  reason: string;
}

function open(major: number, minor: number | undefined, reason: string): DeviceRuleRow {
  const rule: SpecDeviceRule = { allow: true, type: 'c', major, access: 'rwm' };
  return { rule: minor === undefined ? rule : { ...rule, minor }, reason };
}

/** Applied in order; the first denies everything. /dev/fuse and /dev/net/tun stay denied. */
export const DEVICE_RULES: readonly DeviceRuleRow[] = [
  {
    rule: { allow: false, access: 'rwm' },
    reason: 'SECURITY: without this a container with MKNOD opens the disks of the host',
  },
  {
    rule: { allow: true, type: 'c', access: 'm' },
    reason: 'archives with device nodes unpack; opening them needs a further rule',
  },
  {
    rule: { allow: true, type: 'b', access: 'm' },
    reason: 'archives with device nodes unpack; opening them needs a further rule',
  },
  open(1, 3, '/dev/null'),
  open(1, 5, '/dev/zero'),
  open(1, 7, '/dev/full'),
  open(1, 8, '/dev/random'),
  open(1, 9, '/dev/urandom'),
  open(5, 0, '/dev/tty is the controlling terminal of whoever opens it'),
  open(5, 1, '/dev/console is a pty of the container'),
  open(5, 2, '/dev/ptmx of the container’s own devpts'),
  open(136, undefined, 'terminals of the container’s own devpts'),
];
