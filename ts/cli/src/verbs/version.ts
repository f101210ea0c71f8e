/** `ctr-ts version`: what is installed and what it runs on. */

import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineVerb } from '../verb.ts';
import { VERSION_FLAGS } from './version.flags.ts';

/** Versions of the parts, by name. */
export interface Versions {
  'ctr-ts': string;
  node: string;
  kernel: string;
  platform: string;
}

export const verb = defineVerb({
  id: 'version',
  summary: 'show versions',
  flags: VERSION_FLAGS,
  positionals: { usage: '', min: 0, max: 0 },
  examples: ['version', 'version --json'],
  async execute({ flags }, io) {
    const found = versions();
    if (flags.json) io.printJson(found);
    else for (const [part, version] of Object.entries(found)) io.print(`${part} ${version}`);
    return 0;
  },
});

/** Needs neither the addon nor a working machine: a report about a broken one begins with it. */
export function versions(): Versions {
  return {
    'ctr-ts': ownVersion(),
    node: process.versions.node,
    kernel: release(),
    platform: `${process.platform}-${process.arch}`,
  };
}

function ownVersion(): string {
  const path = fileURLToPath(new URL('../../package.json', import.meta.url));
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
