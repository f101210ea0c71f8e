/** Plugins in temporary folders. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A private folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ctr-ts-plugins-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A module with one command that prints its own id. */
export function moduleOf(id: string): string {
  return `export const commands = [{
    id: ${JSON.stringify(id)}, summary: 'says ${id}', positionals: { usage: '', min: 0, max: 0 },
    async execute(line, io) { io.print('this is ${id}'); return 0; } }];`;
}

/** The folder of a plugin that is right but for what the test changes. */
export function pluginFolder(manifest: object = {}, files: Record<string, string> = {}): string {
  const folder = temporaryFolder();
  const all = {
    'package.json': JSON.stringify({
      name: 'a-plugin',
      version: '1.0.0',
      type: 'module',
      'ctr-ts': { apiVersion: 1, commands: './commands.js' },
      ...manifest,
    }),
    'commands.js': moduleOf('greet'),
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
