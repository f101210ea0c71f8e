/** Which capabilities a container's root keeps: ten of docker's fourteen, and what changes them. */

import { CtrError } from './errors.ts';
import type { SpecCapabilities } from './oci.ts';

/** capabilities(7), in the kernel's numbering: the index is the bit. */
export const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

/** A capability without its `CAP_` prefix. */
export type Capability = (typeof CAPABILITIES)[number];

/** What the container's root may do unless the caller says else, and why. */
export const DEFAULT_CAPABILITIES: readonly { name: Capability; reason: string }[] = [
  { name: 'CHOWN', reason: 'package managers give files to service users' },
  { name: 'DAC_OVERRIDE', reason: 'root reads and writes every file of its own root file system' },
  { name: 'FOWNER', reason: 'root changes modes and times of files it does not own' },
  { name: 'FSETID', reason: 'set-id bits survive a write by root, as installers expect' },
  { name: 'KILL', reason: 'root signals the processes of its own PID namespace' },
  { name: 'NET_BIND_SERVICE', reason: 'servers bind ports below 1024 of their own network' },
  { name: 'SETFCAP', reason: 'packages set file capabilities' },
  { name: 'SETGID', reason: 'services switch to their own group' },
  { name: 'SETPCAP', reason: 'services drop capabilities from their bounding set' },
  { name: 'SETUID', reason: 'services switch to their own user' },
];

/** Capabilities docker grants and we do not, and why. */
export const WITHHELD_CAPABILITIES: readonly { name: Capability; reason: string }[] = [
  { name: 'AUDIT_WRITE', reason: 'writes to the host audit log; only login programs miss it' },
  { name: 'MKNOD', reason: 'makes device nodes; the device rules would be the only barrier left' },
  { name: 'NET_RAW', reason: 'forges packets on a shared network; ping works without it' },
  { name: 'SYS_CHROOT', reason: 'chroot and setns are the first step of known escapes' },
];

export interface CapabilityOptions {
  privileged?: boolean | undefined;
  capAdd?: readonly string[] | undefined;
  capDrop?: readonly string[] | undefined;
}

/**
 * The set the options ask for, in the kernel's order. `ALL` stands for every capability that can be
 * had (`available`); what is named beside it wins over it. A capability that is named but cannot
 * be had stays in, so that starting refuses it.
 *
 * @throws CtrError `UNKNOWN_CAPABILITY`
 */
export function resolveCapabilities(
  options: CapabilityOptions,
  available: readonly string[] = CAPABILITIES,
): Capability[] {
  const added = (options.capAdd ?? []).map(parseCapability);
  const dropped = (options.capDrop ?? []).map(parseCapability);
  const kept = new Set<string>();
  if (options.privileged === true || added.includes('ALL')) {
    for (const name of available) kept.add(name);
  } else if (!dropped.includes('ALL')) {
    for (const row of DEFAULT_CAPABILITIES) kept.add(row.name);
  }
  for (const name of added) kept.add(name);
  for (const name of dropped) kept.delete(name);
  return CAPABILITIES.filter((name) => kept.has(name));
}

/** The five sets of a first process. Inheritable and ambient stay empty (CVE-2022-24769). */
export function capabilitySets(names: readonly Capability[]): SpecCapabilities {
  const all = names.map((name) => `CAP_${name}`);
  return { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] };
}

/** The names in a capability mask as /proc/<pid>/status prints it (hexadecimal). */
export function decodeCapabilities(hex: string): string[] {
  const mask = BigInt(`0x${hex}`);
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit += 1) {
    if (((mask >> BigInt(bit)) & 1n) === 1n) names.push(CAPABILITIES[bit] ?? `CAP_${bit}`);
  }
  return names;
}

function parseCapability(text: string): Capability | 'ALL' {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  const known = CAPABILITIES.find((candidate) => candidate === name);
  if (known) return known;
  if (name === 'ALL') return name;
  throw new CtrError('UNKNOWN_CAPABILITY', `unknown capability ${JSON.stringify(text)}`, {
    hint: 'capabilities(7) lists the names, for example NET_ADMIN; ALL stands for every one',
  });
}
