/** What a user can name as a plugin to install. */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';

/** A package of the registry (as npm writes it), or an absolute path of a packed one. */
export type Source = { type: 'package'; spec: string } | { type: 'file'; path: string };

/** npm's names, and after the @ a version, a range or a tag; no `npm:`, `git:` or `file:`. */
const PACKAGE = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*(?:@[\w.^~<>=*|+ -]+)?$/;

/**
 * Reads what was named.
 *
 * @throws CtrError `INVALID_ARGUMENT`, `FILE_NOT_FOUND`
 */
export function readSource(text: string): Source {
  const isPath = /^(?:\.{0,2}\/|\.{1,2}$)/.test(text) || /\.(?:tgz|tar\.gz)$/.test(text);
  if (isPath && !text.includes('://')) return { type: 'file', path: packedFile(text) };
  if (PACKAGE.test(text)) return { type: 'package', spec: text };
  throw new CtrError('INVALID_ARGUMENT', `install ${text}: it names no package and no file`, {
    hint: 'ctr-ts plugins install NAME[@VERSION], or ./FILE.tgz made by npm pack',
  });
}

function packedFile(text: string): string {
  const path = resolve(text);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    throw new CtrError('INVALID_ARGUMENT', `install ${text}: it is a folder`, {
      hint: `ctr-ts plugins link ${text}`,
    });
  }
  if (found?.isFile()) return path;
  throw new CtrError('FILE_NOT_FOUND', `install ${text}: no such file`, {
    hint: 'check the path; a package of the registry is named without a slash',
  });
}
