/** `ctr-ts which PROGRAM IMAGE...`: flags, one question to each image, one answer. */

import { defineCommand } from '@ctr-ts/plugin';
import { CtrError } from '@ctr-ts/sdk';
import { type Found, findProgram } from './find.ts';

/** Programs that do not know --version sometimes wait for input for ever. */
const DEFAULT_SECONDS = '5';

export const which = defineCommand({
  id: 'which',
  summary: 'say which images have a program, where, and what version',
  flags: [
    {
      name: 'timeout',
      type: 'string',
      metavar: 'SECONDS',
      help: `how long a program may take to say its version (default ${DEFAULT_SECONDS})`,
    },
  ],
  positionals: { usage: 'PROGRAM IMAGE...', min: 2 },
  examples: ['which python3 host: rootfs:./debian', 'which --json sh oci:./alpine'],
  async execute({ flags: { json, timeout }, positionals: [program = '', ...images] }, io) {
    const timeoutMs = readSeconds(timeout ?? DEFAULT_SECONDS) * 1000;
    const found = await Promise.all(
      images.map((image) => findProgram(image, program, { timeoutMs })),
    );
    if (json) io.printJson(found);
    else io.print(present(found));
    return found.every(({ path }) => path !== null) ? 0 : 1;
  },
});

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds > 0 && Number.isFinite(seconds)) return seconds;
  // A CtrError becomes one line with its code, and the next step on a line of its own.
  throw new CtrError('INVALID_VALUE', `--timeout ${text} is no number of seconds`, {
    hint: 'for example --timeout 2.5',
  });
}

function present(found: readonly Found[]): string {
  const width = Math.max(...found.map(({ image }) => image.length));
  return found
    .map(({ image, path, version }) => {
      const answer =
        path === null ? '-' : [path, version].filter((part) => part !== null).join('   ');
      return `${image.padEnd(width)}   ${printable(answer)}\n`;
    })
    .join('');
}

/** An image can print anything, escape sequences of the terminal too. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a1-\uffff]/g, '?');
}
