/** Every flag of docker's `run` and `exec` does what it does there, or says what to do instead. */
import { expect, test } from 'vitest';
import { EXEC_NOT_YET, RUN_NOT_YET } from './docker-flags.ts';
import type { Flag } from './flags.ts';
import { EXEC_FLAGS } from './verbs/exec.flags.ts';
import { RUN_FLAGS } from './verbs/run.flags.ts';

/** As `docker run --help` of version 28 lists them on Linux, with their short forms. */
const DOCKER_RUN = `add-host annotation attach:a blkio-weight blkio-weight-device cap-add cap-drop
cgroup-parent cgroupns cidfile cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares:c cpus
cpuset-cpus cpuset-mems detach:d detach-keys device device-cgroup-rule device-read-bps
device-read-iops device-write-bps device-write-iops dns dns-option dns-search domainname entrypoint
env:e env-file expose gpus group-add health-cmd health-interval health-retries
health-start-interval health-start-period health-timeout hostname:h init interactive:i ip ip6 ipc
label:l label-file link link-local-ip log-driver log-opt mac-address memory:m memory-reservation
memory-swap memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable
oom-score-adj pid pids-limit platform privileged publish:p publish-all:P pull quiet:q read-only
restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl
tmpfs tty:t ulimit use-api-socket user:u userns uts volume:v volume-driver volumes-from workdir:w`;

/** Those that docker still reads and no longer lists. */
const DOCKER_RUN_HIDDEN = 'net net-alias dns-opt disable-content-trust kernel-memory';

const DOCKER_EXEC =
  'detach:d detach-keys env:e env-file interactive:i privileged tty:t user:u workdir:w';

const words = (text: string) =>
  text.split(/\s+/).map((word) => word.split(':') as [string, string?]);

function byName(table: readonly Flag[], name: string): Flag | undefined {
  return table.find((flag) => flag.name === name || flag.aliases?.includes(name));
}

test.each(words(`${DOCKER_RUN} ${DOCKER_RUN_HIDDEN}`))('run --%s', (name, short) => {
  const flag = byName(RUN_FLAGS, name);
  expect(flag, 'neither a flag nor a reason').toBeDefined();
  if (short !== undefined) expect(flag?.short).toBe(short);
});

test.each(words(DOCKER_EXEC))('exec --%s', (name, short) => {
  const flag = byName(EXEC_FLAGS, name);
  expect(flag, 'neither a flag nor a reason').toBeDefined();
  if (short !== undefined) expect(flag?.short).toBe(short);
});

test('no flag stands in a table twice, nor a short form', () => {
  for (const table of [RUN_FLAGS, EXEC_FLAGS]) {
    const names = (table as readonly Flag[]).flatMap(({ name, aliases = [], short }) => [
      name,
      ...aliases,
      ...(short === undefined ? [] : [`-${short}`]),
    ]);
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  }
});

test('what is not there says in one line what to do', () => {
  for (const { name, notYet } of [...RUN_NOT_YET, ...EXEC_NOT_YET]) {
    expect(notYet, name).toMatch(/^\S.{8,}\S$/);
  }
});
