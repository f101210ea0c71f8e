/** Which ids an ordinary user's containers can have: subuid(5), subgid(5) and their helpers. */

import { accessSync, constants, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { LauncherOptions } from './addon.ts';

export type Holder = NonNullable<LauncherOptions['holder']>;
type MapLine = [inside: number, outside: number, count: number];

/** Who asks, and what the machine gives them. */
export interface Subordinates {
  uid: number;
  gid: number;
  /** Login name, when the user has one. */
  name?: string | undefined;
  /** Texts of /etc/subuid and /etc/subgid. */
  subuid: string;
  subgid: string;
  newuidmap?: string | undefined;
  newgidmap?: string | undefined;
}

/**
 * The maps of the holder user namespace: id 0 is the user, and the ids from 1 up are the user's
 * subordinate ids. Without a range or without both helpers, id 0 is all there is.
 */
export function holderFor(machine: Subordinates): Holder {
  const { uid, gid, newuidmap, newgidmap } = machine;
  const users = subordinateRanges(machine.subuid, machine);
  const groups = subordinateRanges(machine.subgid, machine);
  if (newuidmap === undefined || newgidmap === undefined || !users.length || !groups.length) {
    return { uidMap: [[0, uid, 1]], gidMap: [[0, gid, 1]] };
  }
  return { uidMap: stack(uid, users), gidMap: stack(gid, groups), newuidmap, newgidmap };
}

/** The holder of the calling user, `undefined` for root. */
export function currentHolder(): Holder | undefined {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  if (uid === 0) return undefined;
  return holderFor({
    uid,
    gid,
    name: loginName(),
    subuid: readOr('/etc/subuid', ''),
    subgid: readOr('/etc/subgid', ''),
    newuidmap: helper('newuidmap'),
    newgidmap: helper('newgidmap'),
  });
}

/** Lines `owner:start:count` whose owner is the user's name or number; the rest is not ours. */
export function subordinateRanges(
  text: string,
  user: { uid: number; name?: string | undefined },
): { start: number; count: number }[] {
  return text.split('\n').flatMap((line) => {
    const [owner, start, count, extra] = line.trim().split(':');
    const ours = owner !== '' && (owner === user.name || owner === String(user.uid));
    if (!ours || extra !== undefined) return [];
    const range = { start: readId(start), count: readId(count) };
    const possible = range.start + range.count <= MAX_ID && range.start > 0 && range.count > 0;
    return possible ? [range] : [];
  });
}

/** 2^32 - 1 is no id but "none". */
const MAX_ID = 2 ** 32 - 1;

function readId(text: string | undefined): number {
  return /^\d{1,10}$/.test(text ?? '') ? Number(text) : Number.NaN;
}

function stack(own: number, ranges: { start: number; count: number }[]): MapLine[] {
  const lines: MapLine[] = [[0, own, 1]];
  let inside = 1;
  for (const { start, count } of ranges) {
    lines.push([inside, start, count]);
    inside += count;
  }
  return lines;
}

/** SECURITY: fixed directories, never PATH: the helpers are set-user-ID and get our id map. */
function helper(name: string): string | undefined {
  return ['/usr/bin', '/bin', '/usr/local/bin']
    .map((directory) => `${directory}/${name}`)
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function loginName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the user database: its ranges go by number.
    return undefined;
  }
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
}
