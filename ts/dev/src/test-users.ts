/**
 * The ordinary users that rootless tests run as. They are real: a home, no privilege, and with or
 * without a range of subordinate ids. Made once, as root, and left in place.
 */
import { readFileSync } from 'node:fs';

import { runStep } from './command.ts';

export interface TestUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

export const testUserNames = {
  /** Has a range in /etc/subuid and /etc/subgid. */
  withSubordinateIds: 'ctr-test',
  /** Has none: a single id is all it can map. */
  withoutSubordinateIds: 'ctr-test-nosub',
} as const;

const rangeSize = 65_536;
const firstSubordinateId = 100_000;

/** Does nothing unless root; makes what is missing. */
export async function makeTestUsers(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const name of Object.values(testUserNames)) {
    if (findTestUser(name)) continue;
    // Ranges are given explicitly below, so that useradd's defaults do not matter.
    const noRanges = ['-K', 'SUB_UID_COUNT=0', '-K', 'SUB_GID_COUNT=0'];
    await runStep(`setup: useradd ${name}`, 'useradd', ['-m', '-s', '/bin/sh', ...noRanges, name]);
  }
  for (const [file, option] of [
    ['/etc/subuid', '--add-subuids'],
    ['/etc/subgid', '--add-subgids'],
  ] as const) {
    const rows = subordinateRanges(file);
    const name = testUserNames.withSubordinateIds;
    if (rows.some((row) => row.name === name && row.size > 0)) continue;
    const first = Math.max(firstSubordinateId, ...rows.map((row) => row.first + row.size));
    const range = `${first}-${first + rangeSize - 1}`;
    await runStep(`setup: ${name} ${range} in ${file}`, 'usermod', [option, range, name]);
  }
}

/** Read from /etc/passwd; undefined when setup never ran as root. */
export function findTestUser(name: string): TestUser | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid, , home] = line.split(':');
    if (user === name && home) return { name, uid: Number(uid), gid: Number(gid), home };
  }
  return undefined;
}

/**
 * Options for `child_process.spawn`: run as that user with that user's environment and nothing of
 * ours. Node clears supplementary groups when it is given a uid.
 */
export function spawnOptionsOf(user: TestUser): {
  uid: number;
  gid: number;
  cwd: string;
  env: Record<string, string>;
} {
  return {
    uid: user.uid,
    gid: user.gid,
    cwd: user.home,
    env: {
      HOME: user.home,
      USER: user.name,
      LOGNAME: user.name,
      SHELL: '/bin/sh',
      PATH: '/usr/local/bin:/usr/bin:/bin',
    },
  };
}

function subordinateRanges(file: string): { name: string; first: number; size: number }[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return text
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => {
      const [name = '', first, size] = line.split(':');
      return { name, first: Number(first), size: Number(size) };
    });
}
