/** The directions between crates and between packages, and what the top level may hold. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What each crate may use of ours. */
const crateDirections: Record<string, readonly string[]> = {
  sys: [],
  spec: [],
  cgroup: ['spec', 'sys'],
  seccomp: ['spec', 'sys'],
  rootfs: ['spec', 'sys'],
  layer: ['spec', 'sys'],
  container: ['cgroup', 'layer', 'rootfs', 'seccomp', 'spec', 'sys'],
  runtime: ['cgroup', 'container', 'layer', 'rootfs', 'seccomp', 'spec', 'sys'],
  node: ['cgroup', 'container', 'layer', 'rootfs', 'seccomp', 'spec', 'sys'],
};
/** May be used by the tests of any crate above sys, and by nothing else. */
const testOnlyCrates = ['test-support'];

/** What each package may use of ours: its directory to package names. */
const packageDirections: Record<string, readonly string[]> = {
  plugin: [],
  'platform-linux-x64-gnu': [],
  native: ['@ctr-ts/linux-x64-gnu'],
  image: ['@ctr-ts/native'],
  sdk: ['@ctr-ts/image', '@ctr-ts/native', '@ctr-ts/plugin'],
  cli: ['@ctr-ts/plugin', '@ctr-ts/sdk'],
  // Written as a stranger would: on the public packages only.
  'plugin-example': ['@ctr-ts/plugin', '@ctr-ts/sdk'],
  dev: ['@ctr-ts/sdk'],
};

const topLevel = new Set([
  ...['crates', 'ts', 'tests', 'Cargo.toml', 'Cargo.lock', 'package.json', 'package-lock.json'],
  ...[
    'tsconfig.json',
    'tsconfig.base.json',
    'rust-toolchain.toml',
    'vitest.config.ts',
    'biome.json',
  ],
  ...[
    'clippy.toml',
    'rustfmt.toml',
    '.editorconfig',
    '.gitattributes',
    '.gitignore',
    '.npmrc',
    '.ci',
    '.github',
  ],
  ...[
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'LICENSE',
    'NOTICE',
  ],
]);
/** Made by git, by builds and by editors; never tracked. */
const untracked = new Set([
  '.git',
  'node_modules',
  'build',
  'target',
  'coverage',
  '.vscode',
  '.idea',
]);

/** The names in a section of a Cargo.toml. */
function dependencies(manifest: string, section: string): string[] {
  const names: string[] = [];
  let isInside = false;
  for (const line of manifest.split('\n')) {
    if (line.startsWith('[')) isInside = line.trim() === `[${section}]`;
    else if (isInside) {
      const name = /^([\w-]+)(?:\.workspace)?\s*=/.exec(line)?.[1];
      if (name) names.push(name);
    }
  }
  return names;
}

const ours = (names: readonly string[]) =>
  names.filter((name) => name.startsWith('ctr-')).map((name) => name.slice('ctr-'.length));

test('every crate has a row, and every row a crate', () => {
  const crates = readdirSync(join(root, 'crates')).filter((name) =>
    existsSync(join(root, 'crates', name, 'Cargo.toml')),
  );
  const known = Object.keys(crateDirections);
  expect(crates.filter((name) => !testOnlyCrates.includes(name)).sort()).toEqual(known.sort());
});

for (const [crate, allowed] of Object.entries(crateDirections)) {
  test(`crate ${crate} uses only crates below it`, () => {
    const manifest = read(`crates/${crate}/Cargo.toml`);
    const used = ours([
      ...dependencies(manifest, 'dependencies'),
      ...dependencies(manifest, 'build-dependencies'),
    ]);
    expect(used.filter((name) => !allowed.includes(name))).toEqual([]);
    const forTests = ours(dependencies(manifest, 'dev-dependencies'));
    expect(forTests.filter((name) => ![...allowed, ...testOnlyCrates].includes(name))).toEqual([]);
  });
}

test('crate spec reads no file, starts no process and makes no system call', () => {
  const impure = /\b(?:std::(?:fs|process|net|env|thread)|nix::|libc::)/;
  const files = globSync('crates/spec/src/**/*.rs', { cwd: root }).filter(
    (file) => !/(?:^|\/)tests?(?:\.rs|\/)/.test(file),
  );
  const withoutTests = (file: string) => read(file).split('#[cfg(test)]')[0] ?? '';
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => impure.test(withoutTests(file)))).toEqual([]);
});

test('no crate but sys has unsafe code, and every crate root says so', () => {
  for (const crate of Object.keys(crateDirections)) {
    // The addon's macros expand to unsafe: the workspace's lint denies it there, others forbid it.
    if (crate === 'sys' || crate === 'node') continue;
    const file = ['lib.rs', 'main.rs']
      .map((name) => `crates/${crate}/src/${name}`)
      .find((path) => existsSync(join(root, path)));
    expect(file && read(file), `${crate} root`).toContain('#![forbid(unsafe_code)]');
  }
  expect(read('Cargo.toml')).toMatch(/^unsafe_code = "deny"$/m);
  expect(read('crates/node/Cargo.toml')).toMatch(/^\[lints\]\nworkspace = true$/m);
  const holders = globSync('crates/*/{src,tests}/**/*.rs', { cwd: root })
    .filter((file) => !file.startsWith('crates/sys/'))
    .filter((file) => /\bunsafe\s*(?:\{|fn|impl|extern)/.test(withoutComments(read(file))));
  expect(holders).toEqual([]);
});

function withoutComments(source: string): string {
  return source.replaceAll(/\/\/.*$/gm, '');
}

test('every package has a row, and every row a package', () => {
  const packages = readdirSync(join(root, 'ts')).filter((name) =>
    existsSync(join(root, 'ts', name, 'package.json')),
  );
  expect(packages.sort()).toEqual(Object.keys(packageDirections).sort());
});

for (const [folder, allowed] of Object.entries(packageDirections)) {
  test(`package ${folder} uses only packages below it, and says which`, () => {
    const manifest = JSON.parse(read(`ts/${folder}/package.json`)) as Record<
      string,
      Record<string, string> | undefined
    >;
    const declared = Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    });
    const isOurs = (name: string) => name.startsWith('@ctr-ts/') || name === 'ctr-ts';
    expect(declared.filter(isOurs).filter((name) => !allowed.includes(name))).toEqual([]);

    const undeclared = new Map<string, string>();
    for (const file of globSync(`ts/${folder}/{src,bin}/**/*.{ts,js}`, { cwd: root })) {
      for (const [, specifier = ''] of read(file).matchAll(
        /(?:from|import\(?)\s*'([@\w][^\s']*)'/g,
      )) {
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        const isTool = name === 'vitest' || name.startsWith('node:');
        if (!isTool && !declared.includes(name)) undeclared.set(file, name);
      }
    }
    expect([...undeclared]).toEqual([]);
  });
}

test('published packages run no script when they are installed', () => {
  for (const folder of Object.keys(packageDirections)) {
    const manifest = JSON.parse(read(`ts/${folder}/package.json`)) as {
      scripts?: Record<string, string>;
    };
    const names = Object.keys(manifest.scripts ?? {});
    expect(
      names.filter((name) => /^(?:pre|post)?(?:install|prepare)$/.test(name)),
      folder,
    ).toEqual([]);
  }
});

test('published packages have one version, and ask each other for exactly that', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  for (const folder of Object.keys(packageDirections)) {
    const manifest = JSON.parse(read(`ts/${folder}/package.json`)) as {
      version: string;
      dependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    expect(manifest.version, folder).toBe(version);
    const asked = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies });
    const other = asked.filter(
      ([name, wanted]) => name.startsWith('@ctr-ts/') && wanted !== version,
    );
    expect(other, folder).toEqual([]);
  }
  expect(read('Cargo.toml')).toContain(`version = "${version}"`);
});

test('the top level holds what a reader expects and nothing else', () => {
  const entries = readdirSync(root).filter((name) => !untracked.has(name));
  expect(entries.filter((name) => !topLevel.has(name))).toEqual([]);
});
