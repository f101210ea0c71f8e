/** `run()`: one process in a container of its own. */

import { withCidFile } from './cid-file.ts';
import { openCore } from './core.ts';
import { type Launcher, launchWith } from './launch.ts';
import type { ContainerOptions, ProcessOptions } from './options.ts';
import { directories } from './paths.ts';
import { prepareContainer } from './prepare.ts';
import { Process } from './process.ts';
import { validateProcess } from './validate.ts';

/** A container, and how its one process is connected to the caller. */
export type RunOptions = ContainerOptions & ProcessOptions;

/**
 * Runs a command in a new container that ends with it. Returns at once; await the process for its
 * result, or iterate over it.
 *
 * Rejects with `UNSUPPORTED_ENVIRONMENT` where this machine refuses what containers need, before
 * anything is made; with `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`, `CGROUP_UNAVAILABLE` and
 * others of SDK_ERRORS where the container cannot be started.
 *
 * @example
 * const { stdout } = await run({ image: 'host:', command: ['id', '-u'] });
 */
export function run(options: RunOptions & { encoding: 'bytes' }): Process<Uint8Array>;
export function run(options: RunOptions & { encoding?: 'utf8' | undefined }): Process<string>;
export function run(options: RunOptions): Process<string | Uint8Array>;
export function run(options: RunOptions): Process<string | Uint8Array> {
  const launcher: Launcher = {
    openStdio: (modes) => {
      validateProcess(options);
      return openCore(directories(options.engine)).openStdio(modes);
    },
    launch: launchWith(
      async (giveUp) => {
        const { core, request, release } = await prepareContainer(options, false, giveUp);
        const begin = (stdio: number) => core.launch(request, stdio);
        const decided = { id: request.id, begin, settled: release };
        return withCidFile(options.cidFile, core, decided);
      },
      () => openCore(directories(options.engine)),
    ),
  };
  return new Process(options, launcher);
}
