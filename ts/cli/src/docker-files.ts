/** Files of variables and labels, one a line, as docker reads them. */

import { readFileSync } from 'node:fs';
import { CtrError } from '@ctr-ts/sdk';

/** One line: a name, and a value where it has one. */
export type FileEntry = readonly [name: string, value: string | undefined];

/**
 * The entries of a file. Empty lines and those that begin with `#` are left out; blanks before a
 * name are, all else is kept: there are no quotes and no continued lines.
 *
 * @throws CtrError `FILE_NOT_FOUND`, `INVALID_ARGUMENT`
 */
export function readEntries(path: string, what: string): FileEntry[] {
  const lines = readText(path, what).split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const text = line.trimStart();
    if (text === '' || text.startsWith('#')) return [];
    const [name = '', value] = text.split(/=(.*)/s);
    if (name !== '' && !/\s/.test(name)) return [[name, value] as const];
    throw new CtrError('INVALID_ARGUMENT', `invalid line ${index + 1} of ${what} ${path}`, {
      hint: 'write NAME=VALUE without blanks in the name',
    });
  });
}

function readText(path: string, what: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new CtrError('FILE_NOT_FOUND', `cannot read ${what} ${path}`, {
      hint: 'give a readable file of NAME=VALUE lines',
      cause,
    });
  }
  try {
    // Strips a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CtrError('INVALID_ARGUMENT', `${what} ${path} is not UTF-8`, {
      hint: 'convert it, for example with iconv',
      cause,
    });
  }
}
