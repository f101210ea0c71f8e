/** Where things of this repository are. Knows paths and the machine's triple, runs nothing. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../../..');

/** Rust's name of a target and ours (the folder in `build/` and the platform package). */
export interface Triple {
  rust: string;
  folder: string;
}

const triples: Record<string, Triple> = {
  x64: { rust: 'x86_64-unknown-linux-gnu', folder: 'linux-x64-gnu' },
  arm64: { rust: 'aarch64-unknown-linux-gnu', folder: 'linux-arm64-gnu' },
};

export function triple(): Triple {
  const found = triples[process.arch];
  if (!found) throw new Error(`no build for ${process.arch}`);
  return found;
}

/** The Node that runs what we build: the locked one, else (no such package) the running one. */
export function repositoryNode(): string {
  const locked = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin/node');
  return existsSync(locked) ? locked : process.execPath;
}

export const paths = {
  build: join(root, 'build'),
  reports: join(root, 'build/reports'),
  launcher: join(root, 'build/ctr-ts'),
  runtimeLink: join(root, 'build/ctr-runtime'),
  tsc: join(root, 'node_modules/typescript/bin/tsc'),
  vitest: join(root, 'node_modules/vitest/vitest.mjs'),
  biome: join(root, 'node_modules/@biomejs/biome/bin/biome'),
  napi: join(root, 'node_modules/@napi-rs/cli/dist/cli.js'),
  cliBin: join(root, 'ts/cli/bin/ctr-ts.js'),
} as const;

/** The packages that are published, in dependency order. */
export const publishedPackages = [
  'ts/plugin',
  `ts/platform-${triple().folder}`,
  'ts/native',
  'ts/image',
  'ts/sdk',
  'ts/cli',
] as const;
