/** The task of an npm script: `bootstrap.cjs TASK [ARGS]` ends up here. Thin. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { build } from './build.ts';
import { check, format } from './check.ts';
import { runCommand, StepFailure } from './command.ts';
import { type Purpose, requireDebianPackages } from './debian.ts';
import { repositoryNode, root } from './repository.ts';
import { test } from './test.ts';
import { makeTestUsers } from './test-users.ts';

type Task = (args: string[]) => Promise<number>;

const tasks: Record<string, Task> = {
  build: async () => {
    await build();
    return 0;
  },
  check: async () => check(),
  format: async () => format(),
  test,
  demo: script('ts/dev/src/demo.ts'),
  bench: script('tests/bench/main.ts'),
  campaign: script('tests/campaign/main.ts'),
  vm: script('tests/vm/main.ts'),
};

/** What each task needs of Debian beyond a toolchain. */
const purposes: Record<string, readonly Purpose[]> = {
  test: ['build', 'test'],
  bench: ['build', 'test'],
  campaign: ['build', 'test'],
  vm: ['build', 'test'],
};

const [name = '', ...rest] = process.argv.slice(2);
const isUnattended =
  process.env.CI === 'true' || rest.includes('--yes') || process.env.npm_config_yes === 'true';
try {
  const task = tasks[name];
  if (!task)
    throw new StepFailure(`unknown task ${name}`, `one of: ${Object.keys(tasks).join(', ')}`);
  await requireDebianPackages({ purposes: purposes[name] ?? ['build'], install: isUnattended });
  if (purposes[name]) await makeTestUsers();
  process.exitCode = await task(rest.filter((word) => word !== '--yes'));
} catch (error) {
  if (!(error instanceof StepFailure)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  if (error.hint) process.stderr.write(`hint: ${error.hint}\n`);
  process.exitCode = 1;
}

/** A task that is a program of its own, run on the built project. */
function script(file: string): Task {
  return async (args) => {
    if (!existsSync(join(root, file))) throw new StepFailure(`there is no ${file}`);
    await build();
    const { exitCode } = await runCommand(repositoryNode(), [file, ...args]);
    return exitCode ?? 1;
  };
}
