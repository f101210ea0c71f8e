/** The Debian packages that building and testing need, and their installation. */
import { existsSync } from 'node:fs';

import { runCommand, runStep, StepFailure } from './command.ts';

/** `build` is what a contributor needs for an executable; `test` adds peers and fixtures. */
export type Purpose = 'build' | 'test';

interface Row {
  name: string;
  purpose: Purpose;
  reason: string;
}

export const debianPackages: readonly Row[] = [
  { name: 'gcc', purpose: 'build', reason: 'links the executable and the addon' },
  { name: 'libc6-dev', purpose: 'build', reason: 'libc.a for the static executable' },
  { name: 'libseccomp-dev', purpose: 'build', reason: 'libseccomp.a, linked into both' },
  { name: 'busybox-static', purpose: 'test', reason: 'the smallest root file system that runs' },
  { name: 'mmdebstrap', purpose: 'test', reason: 'makes a real Debian root file system' },
  { name: 'umoci', purpose: 'test', reason: 'makes OCI layouts that are not our own' },
  { name: 'skopeo', purpose: 'test', reason: 'copies and checks OCI layouts' },
  { name: 'docker-registry', purpose: 'test', reason: 'a real registry to pull from' },
  { name: 'tmux', purpose: 'test', reason: 'a terminal to type at' },
  { name: 'openssl', purpose: 'test', reason: 'makes the certificate of a token server' },
  { name: 'libcap2-bin', purpose: 'test', reason: 'gives a file of an image capabilities' },
  { name: 'uidmap', purpose: 'test', reason: 'newuidmap and newgidmap for subordinate ids' },
  { name: 'procps', purpose: 'test', reason: 'ps, to look at a container from outside' },
  { name: 'python3', purpose: 'test', reason: 'a real program to run on host:' },
  { name: 'strace', purpose: 'test', reason: 'shows which system calls were made' },
  { name: 'bubblewrap', purpose: 'test', reason: 'a peer in the benchmark' },
  {
    name: 'qemu-system-x86',
    purpose: 'test',
    reason: 'machines with another kernel and cgroup v2',
  },
  { name: 'kmod', purpose: 'test', reason: 'lists which modules these kernels need' },
  { name: 'e2fsprogs', purpose: 'test', reason: 'makes the disks of these machines' },
  { name: 'runc', purpose: 'test', reason: 'a peer in the benchmark' },
  { name: 'podman', purpose: 'test', reason: 'a peer in the benchmark' },
  { name: 'docker.io', purpose: 'test', reason: 'a peer in the benchmark' },
];

export interface InstallOptions {
  purposes: readonly Purpose[];
  /** Install what is missing; otherwise say how and fail. */
  install: boolean;
}

/** Makes sure that the packages are there. Machines without dpkg are told once and trusted. */
export async function requireDebianPackages({ purposes, install }: InstallOptions): Promise<void> {
  const wanted = debianPackages.filter((row) => purposes.includes(row.purpose));
  if (!existsSync('/usr/bin/dpkg-query')) {
    process.stderr.write("setup: no dpkg here; the equivalents of Debian's packages are assumed\n");
    return;
  }
  const missing = await missingOf(wanted.map((row) => row.name));
  if (missing.length === 0) return;
  if (!install) throw refusal(wanted.filter((row) => missing.includes(row.name)));

  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runStep('setup: apt-get update', 'apt-get', ['update', '-q'], { env, output: 'capture' });
  await runStep(
    `setup: apt-get install ${missing.join(' ')}`,
    'apt-get',
    ['install', '-y', '-q', '--no-install-recommends', ...missing],
    { env, output: 'capture' },
  );
}

async function missingOf(names: readonly string[]): Promise<string[]> {
  const { output } = await runCommand(
    'dpkg-query',
    ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names],
    { output: 'capture' },
  );
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function refusal(rows: readonly Row[]): StepFailure {
  const lines = rows.map((row) => `  ${row.name.padEnd(16)} ${row.reason}`);
  const names = rows.map((row) => row.name).join(' ');
  return new StepFailure(
    `Debian packages are missing:\n${lines.join('\n')}`,
    `apt-get install --no-install-recommends ${names}\n      or say --yes (npm test -- --yes) to have it done`,
  );
}
