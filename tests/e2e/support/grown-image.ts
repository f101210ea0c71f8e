/** A Debian that grew by single files, whose layers take the directories below them for granted. */
import { chmodSync, chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { must } from './command.ts';
import { debian } from './images.ts';

/**
 * Directories of it that are made anew without an entry of their own: when, nobody says. Of the
 * one above, umoci keeps the time of the making.
 */
export const undated = ['srv', 'srv/deep', 'usr/share', 'usr/share/brought'];

/**
 * A layout below `directory`, tag `latest`. Its layers on top of Debian's name no parents: of
 * /tmp, which is open to all, of /lib, which is a link, and of what was removed on the way.
 */
export async function makeGrownImage(directory: string): Promise<string> {
  const base = await debian();
  if (typeof base === 'string') throw new Error(base);
  const layout = join(directory, 'grown');
  cpSync(base.layout, layout, { recursive: true });
  const insert = (...words: string[]) =>
    must('umoci', ['insert', '--image', `${layout}:latest`, ...words]);

  const file = join(directory, 'grown-file');
  writeFileSync(file, 'grown\n');
  const noted = join(directory, 'grown-directory');
  mkdirSync(noted);
  chownSync(noted, 1234, 33);
  chmodSync(noted, 0o2711);
  await must('python3', ['-c', `import os; os.setxattr('${noted}', 'user.note', b'kept')`]);
  await must('touch', ['-d', '2001-02-03 04:05:06', noted]);

  await insert(file, '/tmp/file');
  await insert(file, '/lib/file');
  await insert(file, '/lib/systemd/brought');
  await insert(file, '/var/lock/file');
  await insert(file, '/root/file');
  await insert(noted, '/opt/noted');
  await insert(file, '/opt/noted/file');
  await insert('--whiteout', '/srv');
  await insert(file, '/srv/deep/file');
  // An entry for a directory takes the place of a link.
  await insert(noted, '/lib64');
  await insert(file, '/lib64/file');
  await insert(file, '/usr/share/brought/file');
  await must('chmod', ['-R', 'a+rX', layout]);
  return layout;
}
