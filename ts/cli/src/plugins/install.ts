/**
 * Installs, links and removes plugins.
 *
 * Each installed plugin is an npm project of its own, `packages/<random>/`, so that what two
 * plugins depend on does not mix. It counts once the index names it, and is never changed after:
 * an update is another project. A process that is killed leaves at most a folder that nothing names.
 */

import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CtrError } from '@ctr-ts/sdk';
import { nearest } from '../nearest.ts';
import { describePlugin } from './describe.ts';
import { makeDirectory, readIndex, updateIndex } from './index-file.ts';
import { readManifest } from './manifest.ts';
import { requireFreeNames } from './names.ts';
import { type NpmOptions, npmInstall } from './npm.ts';
import type { PluginRecord } from './record.ts';
import { readSource } from './source.ts';

/** Where. */
export interface Place {
  directory: string;
}

/** What was done: the new row, and the version that was there before (null: none). */
export interface Installed {
  plugin: PluginRecord;
  replaced: string | null;
}

/** Our packages that a plugin names as peers. */
const PEERS: readonly string[] = ['@ctr-ts/sdk', '@ctr-ts/plugin'];

const PACKAGES = 'packages';

/** A folder that no index names and that is older was left by a process that was killed. */
const ABANDONED_MS = 60 * 60 * 1000;

/**
 * Installs a package of the registry or a packed file.
 *
 * @throws CtrError of source, npm, manifest, description, names and index
 */
export async function installPlugin(
  text: string,
  { directory, ...options }: Place & NpmOptions,
): Promise<Installed> {
  const source = readSource(text);
  makeDirectory(directory);
  const project = join(PACKAGES, randomBytes(6).toString('hex'));
  const folder = join(directory, project);
  try {
    const peers = makeProject(folder);
    await npmInstall(folder, source.type === 'file' ? source.path : source.spec, options);
    const root = join(project, 'node_modules', installedName(folder, peers));
    return await add(directory, { source: 'installed', origin: text, root });
  } catch (error) {
    removeUnnamed(directory, project);
    throw error;
  } finally {
    removeAbandoned(directory);
  }
}

/**
 * Uses the plugin in a folder as it is there, for whoever writes one.
 *
 * @throws CtrError `FILE_NOT_FOUND`, and of manifest, description, names and index
 */
export async function linkPlugin(text: string, { directory }: Place): Promise<Installed> {
  const folder = resolve(text);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CtrError('FILE_NOT_FOUND', `link ${text}: no such folder`, {
      hint: "name the folder that has the plugin's package.json",
    });
  }
  return add(directory, { source: 'linked', origin: folder, root: realpathSync(folder) });
}

/**
 * Removes a plugin; of a linked one only the link.
 *
 * @throws CtrError `PLUGIN_NOT_INSTALLED`
 */
export function uninstallPlugin(name: string, { directory }: Place): void {
  let removed: PluginRecord | undefined;
  updateIndex(directory, ({ plugins }) => {
    removed = plugins.find((plugin) => plugin.name === name);
    if (removed === undefined) throw notInstalled(name, plugins);
    return { plugins: plugins.filter((plugin) => plugin.name !== name) };
  });
  removeProject(directory, removed);
}

async function add(
  directory: string,
  place: Pick<PluginRecord, 'source' | 'origin' | 'root'>,
): Promise<Installed> {
  const root = resolve(directory, place.root);
  const facts = readManifest(root);
  const commands = await describePlugin({ name: facts.name, root, module: facts.module });
  const plugin: PluginRecord = { ...facts, ...place, commands };
  let old: PluginRecord | undefined;
  updateIndex(directory, (index) => {
    requireFreeNames(plugin, index);
    old = index.plugins.find(({ name }) => name === plugin.name);
    const others = index.plugins.filter(({ name }) => name !== plugin.name);
    return { plugins: [...others, plugin].sort((a, b) => (a.name < b.name ? -1 : 1)) };
  });
  removeProject(directory, old);
  return { plugin, replaced: old?.version ?? null };
}

/**
 * An npm project in which our packages are already there: bare package.json files with our
 * versions. npm then checks what the plugin asks of its peers without asking the registry for
 * them; when the plugin is loaded they are found in ctr-ts itself (own-packages.ts).
 */
function makeProject(folder: string): readonly string[] {
  const dependencies: Record<string, string> = {};
  for (const name of PEERS) {
    const path = join('host', name);
    const { version } = JSON.parse(
      readFileSync(fileURLToPath(import.meta.resolve(`${name}/package.json`)), 'utf8'),
    );
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify({ name, version }));
    dependencies[name] = `file:${path}`;
  }
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'ctr-ts-plugin-host', private: true, dependencies }),
  );
  return PEERS;
}

/** npm adds one dependency to the project: the package that was named. */
function installedName(folder: string, peers: readonly string[]): string {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const [name] = Object.keys(dependencies).filter((candidate) => !peers.includes(candidate));
  if (name !== undefined) return name;
  throw new CtrError('PLUGIN_INVALID', 'use a package of ctr-ts as a plugin: it is none', {
    hint: 'name a plugin: ctr-ts plugins install NAME',
  });
}

/** Of a plugin that the index names no more. */
function removeProject(directory: string, plugin: PluginRecord | undefined): void {
  if (plugin?.source !== 'installed') return;
  const [folder, project] = plugin.root.split('/');
  if (folder !== PACKAGES || project === undefined) return;
  leavingFailures(() => rmSync(join(directory, folder, project), { recursive: true, force: true }));
}

/** What failed may have failed after the index was written: what that names is in use. */
function removeUnnamed(directory: string, project: string): void {
  leavingFailures(() => {
    const { plugins } = readIndex(directory);
    if (plugins.some(({ root }) => root.startsWith(`${project}/`))) return;
    rmSync(join(directory, project), { recursive: true, force: true });
  });
}

function removeAbandoned(directory: string): void {
  leavingFailures(() => {
    const packages = join(directory, PACKAGES);
    const old = readdirSync(packages).filter(
      (name) => Date.now() - statSync(join(packages, name)).mtimeMs > ABANDONED_MS,
    );
    // ORDER: the index after the ages, so that it names whatever was old and finished.
    const named = new Set(readIndex(directory).plugins.map(({ root }) => root.split('/')[1]));
    for (const name of old) {
      if (named.has(name)) continue;
      leavingFailures(() => rmSync(join(packages, name), { recursive: true, force: true }));
    }
  });
}

/**
 * What cannot be removed is left for the next install, which looks again: whoever asked has got
 * what was asked for, or hears of another failure.
 */
function leavingFailures(remove: () => void): void {
  try {
    remove();
  } catch {
    // As said above.
  }
}

function notInstalled(name: string, plugins: readonly PluginRecord[]): CtrError {
  const close = nearest(
    name,
    plugins.map((plugin) => plugin.name),
  );
  return new CtrError('PLUGIN_NOT_INSTALLED', `uninstall ${name}: no such plugin`, {
    hint: close === undefined ? 'ctr-ts plugins list' : `did you mean ${close}?`,
  });
}
