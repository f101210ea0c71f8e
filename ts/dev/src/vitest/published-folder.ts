/** vitest's global set-up of the whole-product suites: one folder for `publishBuild()`, removed at the end. */
import { rmSync } from 'node:fs';

import { makePublishedFolder, publishedFolderVariable } from '../publish.ts';

export function setup(): () => void {
  const directory = makePublishedFolder();
  process.env[publishedFolderVariable] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
