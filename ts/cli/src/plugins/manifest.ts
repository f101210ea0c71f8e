/** What a plugin's package.json says: read and checked before any of its code runs. */

import { readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { API_VERSION } from '@ctr-ts/plugin';
import { CtrError } from '@ctr-ts/sdk';
import { DIRECT_VERBS, OCLIF_VERBS } from '../catalog.ts';
import { nearest } from '../nearest.ts';
import type { PluginFacts } from './record.ts';

type Json = Readonly<Record<string, unknown>>;

/** oclif's events that we fire. */
const EVENTS: readonly string[] = ['init', 'prerun', 'postrun'];

/** One copy of each per process: a plugin runs on ours. */
const OURS: readonly string[] = [
  '@ctr-ts/sdk',
  '@ctr-ts/plugin',
  '@ctr-ts/image',
  '@ctr-ts/native',
];

const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/**
 * The facts about the plugin in a folder.
 *
 * @throws CtrError `PLUGIN_INVALID`, `PLUGIN_API_VERSION`, `NOT_YET`
 */
export function readManifest(root: string): PluginFacts {
  const manifest = readJson(join(root, 'package.json'));
  const { name, version } = manifest;
  if (typeof name !== 'string' || !PACKAGE_NAME.test(name) || typeof version !== 'string') {
    throw invalid(root, 'its package.json has no proper name and version');
  }
  // oclif knows plugins by name, and us as one of them.
  if (name === 'ctr-ts') throw invalid(name, 'it is ctr-ts itself');
  const ours = manifest['ctr-ts'];
  if (!isObject(ours)) throw noPlugin(name, manifest);
  checkVersion(name, ours['apiVersion']);
  checkDependencies(name, manifest['dependencies']);
  if (ours['hooks'] !== undefined || ours['entry'] !== undefined) {
    throw new CtrError('NOT_YET', `${name} has hooks of the engine: they are not there yet`, {
      hint: 'plugins add commands so far; look for a version that does without "ctr-ts".hooks',
    });
  }
  const { commands } = ours;
  if (typeof commands !== 'string') {
    throw invalid(name, 'its package.json has no "ctr-ts".commands', {
      hint: 'it names the module that exports the commands: "./dist/commands.js"',
    });
  }
  const hooks = readHooks(name, root, manifest['oclif']);
  const hookedVerbs = readHookedVerbs(name, ours['hookedVerbs'], hooks);
  const module = inside(name, root, commands);
  return { name, version, apiVersion: API_VERSION, module, hooks, hookedVerbs };
}

function noPlugin(name: string, manifest: Json): CtrError {
  const forOclif = isObject(manifest['oclif']);
  return invalid(
    name,
    forOclif ? 'it is a plugin for oclif, not for ctr-ts' : 'its package.json has no "ctr-ts"',
    {
      hint: `commands are made with defineCommand() of @ctr-ts/plugin and named in "ctr-ts": {"apiVersion": ${API_VERSION}, "commands": ...}`,
    },
  );
}

function checkVersion(name: string, version: unknown): void {
  if (version === API_VERSION) return;
  const newer = typeof version === 'number' && version > API_VERSION;
  throw new CtrError(
    'PLUGIN_API_VERSION',
    `load plugin ${name}: apiVersion ${JSON.stringify(version)} is not known, only ${API_VERSION}`,
    {
      hint: newer
        ? 'a newer ctr-ts may know it: npm install -g ctr-ts'
        : `its package.json must say "ctr-ts": {"apiVersion": ${API_VERSION}}`,
    },
  );
}

function checkDependencies(name: string, dependencies: unknown): void {
  const own = OURS.filter((ours) => isObject(dependencies) && ours in dependencies);
  if (own.length === 0) return;
  throw invalid(name, `it depends on a copy of ${own.join(' and ')} of its own`, {
    hint: 'it must name them in peerDependencies: a process can hold one native core',
  });
}

function readHooks(name: string, root: string, oclif: unknown): Record<string, string[]> {
  const hooks = isObject(oclif) ? oclif['hooks'] : undefined;
  if (hooks === undefined) return {};
  if (!isObject(hooks)) throw invalid(name, '"oclif".hooks is no object');
  return Object.fromEntries(
    Object.entries(hooks).map(([event, value]) => {
      if (!EVENTS.includes(event)) {
        throw invalid(name, `the oclif hook ${event} never fires in ctr-ts`, {
          hint: `there are ${EVENTS.join(', ')}`,
        });
      }
      const paths = Array.isArray(value) ? value : [value];
      if (!paths.every((path) => typeof path === 'string')) {
        throw invalid(name, `"oclif".hooks.${event} is no path`);
      }
      return [event, paths.map((path) => inside(name, root, path))];
    }),
  );
}

function readHookedVerbs(name: string, value: unknown, hooks: object): string[] {
  const verbs = value ?? [];
  if (!Array.isArray(verbs)) throw invalid(name, '"ctr-ts".hookedVerbs is no array');
  const known = [...Object.keys(DIRECT_VERBS), ...Object.keys(OCLIF_VERBS)];
  for (const verb of verbs) {
    if (known.includes(verb)) continue;
    const close = nearest(String(verb), known);
    throw invalid(name, `"ctr-ts".hookedVerbs names ${JSON.stringify(verb)}, which is no verb`, {
      hint: close === undefined ? 'ctr-ts --help lists them' : `did you mean ${close}?`,
    });
  }
  if (Object.keys(hooks).length > 0 && verbs.length === 0) {
    throw invalid(name, 'it has oclif hooks and does not say for which verbs', {
      hint: 'name them: "ctr-ts": {"hookedVerbs": ["run"]}',
    });
  }
  return verbs;
}

/** A path that names a file of the package. */
function inside(name: string, root: string, path: string): string {
  const absolute = resolve(root, path);
  if (relative(root, absolute).startsWith('..')) {
    throw invalid(name, `${path} is outside the package`);
  }
  if (statSync(absolute, { throwIfNoEntry: false })?.isFile()) return path;
  throw invalid(name, `${path} is not in the package`, {
    hint: 'build it first, and list it in "files" of package.json',
  });
}

function readJson(path: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (isObject(value)) return value;
  throw invalid(path, 'it is no object');
}

function invalid(
  name: string,
  reason: string,
  options: { hint?: string; cause?: unknown } = {},
): CtrError {
  return new CtrError('PLUGIN_INVALID', `use ${name} as a plugin: ${reason}`, options);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
