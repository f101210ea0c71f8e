/**
 * Finds and loads the addon, when it is first asked for: importing this package never fails, on
 * no operating system.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Addon } from './addon.ts';
import { CtrError } from './error.ts';

/** The loaded addon and the executable beside it. */
export interface Native {
  addon: Addon;
  /** Absolute path of ctr-runtime. */
  runtimePath: string;
}

let loaded: Native | undefined;

/**
 * The addon of this platform.
 *
 * @throws CtrError `UNSUPPORTED_PLATFORM`, `NATIVE_NOT_FOUND`
 */
export function native(): Native {
  loaded ??= load(platformTriple(process.platform, process.arch));
  return loaded;
}

/** The name of a platform's package and build directory. */
export function platformTriple(platform: string, arch: string): string {
  if (platform === 'linux' && (arch === 'x64' || arch === 'arm64')) return `linux-${arch}-gnu`;
  throw new CtrError(
    'UNSUPPORTED_PLATFORM',
    `run containers on ${platform} ${arch}: not supported`,
    {
      hint: 'ctr-ts runs on Linux, x64 or arm64; elsewhere use it in a Linux virtual machine',
    },
  );
}

function load(triple: string): Native {
  const require = createRequire(import.meta.url);
  const directories = [installed(require, triple), built(triple)];
  const directory = directories.find(
    (candidate) => candidate !== undefined && existsSync(join(candidate, 'ctr.node')),
  );
  if (directory === undefined) {
    throw new CtrError('NATIVE_NOT_FOUND', `load the native core: no package @ctr-ts/${triple}`, {
      hint: `install it: npm install @ctr-ts/${triple} (npm leaves it out with --omit=optional, and when a lock file was made on another platform)`,
    });
  }
  const path = join(directory, 'ctr.node');
  try {
    return { addon: require(path) as Addon, runtimePath: join(directory, 'ctr-runtime') };
  } catch (cause) {
    throw new CtrError('NATIVE_NOT_FOUND', `load ${path}: ${String(cause)}`, {
      cause,
      hint: 'the package needs glibc 2.28 or newer (not musl) and must match this processor',
    });
  }
}

function installed(require: NodeJS.Require, triple: string): string | undefined {
  try {
    return dirname(require.resolve(`@ctr-ts/${triple}/package.json`));
  } catch {
    return undefined;
  }
}

/** The build of the repository that this file is part of, if it is. */
function built(triple: string): string | undefined {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  // SECURITY: three levels up from an installed package is somebody's node_modules; nothing is
  // loaded from there.
  return existsSync(join(root, 'crates/node/Cargo.toml')) ? join(root, 'build', triple) : undefined;
}
