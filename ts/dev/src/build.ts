/**
 * From sources to `build/`: the static executable, the addon, the TypeScript packages and the
 * launcher. Cargo and tsc decide what is out of date; files are replaced by rename, so that a
 * process that runs the old one keeps it.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { runCommand, runStep, StepFailure } from './command.ts';
import { paths, publishedPackages, repositoryNode, root, triple } from './repository.ts';

export async function build(): Promise<void> {
  await requireCargo();
  await buildNative();
  await buildTypeScript();
  writeLauncher();
}

/** Executable and addon: two cargo runs, because `+crt-static` cannot make a shared object. */
export async function buildNative(): Promise<void> {
  const { rust, folder } = triple();
  const env = await libseccompEnvironment();
  await runStep(
    'build: ctr-runtime (static)',
    'cargo',
    [
      'build',
      '--quiet',
      '--locked',
      '--package',
      'ctr-runtime',
      '--profile',
      'runtime',
      '--target',
      rust,
      '--target-dir',
      'target/static',
    ],
    { env: { ...env, RUSTFLAGS: staticFlags } },
  );
  await runStep(
    'build: ctr.node',
    repositoryNode(),
    [
      paths.napi,
      'build',
      '--manifest-path',
      'crates/node/Cargo.toml',
      '--package-json-path',
      'package.json',
      '--profile',
      'addon',
      '--target',
      rust,
      '--output-dir',
      'target/napi',
      '--',
      '--locked',
    ],
    { env, output: 'capture' },
  );
  const pair = [
    ['ctr-runtime', join(root, 'target/static', rust, 'runtime/ctr-runtime')],
    ['ctr.node', join(root, 'target/napi/ctr.node')],
  ] as const;
  for (const [name, from] of pair) {
    install(from, join(paths.build, folder, name));
    const platformPackage = join(root, `ts/platform-${folder}`);
    if (existsSync(platformPackage)) install(from, join(platformPackage, name));
  }
  link(join(folder, 'ctr-runtime'), paths.runtimeLink);
}

export async function buildTypeScript(): Promise<void> {
  await runStep('build: tsc -b', repositoryNode(), [paths.tsc, '-b']);
  for (const name of publishedPackages.map((path) => join(root, path)).filter(existsSync)) {
    removeStaleOutput(name);
    // npm packs what lies in a package's own folder only; libseccomp's terms are in NOTICE.
    for (const terms of ['LICENSE', 'NOTICE']) install(join(root, terms), join(name, terms), 0o644);
  }
}

/** A linker message about a static executable means that it would load libraries: an error. */
const staticFlags = '-Ctarget-feature=+crt-static -Clink-arg=-Wl,--fatal-warnings';

async function requireCargo(): Promise<void> {
  const found = await runCommand('cargo', ['--version'], { output: 'capture' }).catch(
    () => undefined,
  );
  if (found?.exitCode === 0) return;
  throw new StepFailure('cargo is missing', 'install a stable Rust toolchain, 1.90 or newer');
}

async function libseccompEnvironment(): Promise<Record<string, string>> {
  const answer = await runCommand('gcc', ['-print-file-name=libseccomp.a'], { output: 'capture' });
  const archive = answer.output.trim();
  if (!archive.startsWith('/'))
    throw new StepFailure('libseccomp.a is missing', 'apt-get install libseccomp-dev');
  return { LIBSECCOMP_LINK_TYPE: 'static', LIBSECCOMP_LIB_PATH: dirname(archive) };
}

function install(from: string, to: string, mode = 0o755): void {
  if (
    existsSync(to) &&
    statSync(to).size === statSync(from).size &&
    readFileSync(to).equals(readFileSync(from))
  )
    return;
  mkdirSync(dirname(to), { recursive: true });
  const fresh = `${to}.${process.pid}.new`;
  copyFileSync(from, fresh);
  chmodSync(fresh, mode);
  renameSync(fresh, to);
}

function link(target: string, at: string): void {
  try {
    if (readlinkSync(at) === target) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  rmSync(at, { force: true });
  symlinkSync(target, at);
}

function writeLauncher(): void {
  const text = `#!/bin/sh\nexec ${quote(repositoryNode())} ${quote(paths.cliBin)} "$@"\n`;
  if (existsSync(paths.launcher) && readFileSync(paths.launcher, 'utf8') === text) return;
  writeFileSync(paths.launcher, text);
  chmodSync(paths.launcher, 0o755);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * tsc never deletes: a removed source would live on in `dist/`, and a removed command would still
 * be found there and packed.
 */
function removeStaleOutput(packageFolder: string): void {
  const dist = join(packageFolder, 'dist');
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const match = /^(.*?)\.(?:d\.ts|d\.ts\.map|js|js\.map)$/.exec(entry.name);
    if (!entry.isFile() || !match) continue;
    const file = join(entry.parentPath, entry.name);
    const source = join(packageFolder, 'src', relative(dist, entry.parentPath), `${match[1]}.ts`);
    if (!existsSync(source)) rmSync(file);
  }
}
