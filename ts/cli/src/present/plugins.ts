/** Plugins as text. */

import type { Installed } from '../plugins/install.ts';
import { type PluginInfo, pluginInfo } from '../plugins/list.ts';
import { printable } from '../printable.ts';
import { table } from './table.ts';

/** A table, and below it a line for each plugin that does not work. */
export function presentPlugins(plugins: readonly PluginInfo[]): string {
  if (plugins.length === 0) {
    return 'no plugins; next: ctr-ts plugins install NAME, or ctr-ts plugins link FOLDER\n';
  }
  const rows = plugins.map(({ name, version, source, commands, problem }) => [
    name,
    version,
    problem === undefined ? source : `${source}, broken`,
    commands.join(', '),
  ]);
  return [
    table(['NAME', 'VERSION', 'SOURCE', 'COMMANDS'], rows),
    ...plugins.flatMap(problemLines),
  ].join('');
}

/** What a plugin that was added brings. */
export function presentAdded({ plugin, replaced }: Installed): string {
  const { name, version, source, commands, hookedVerbs } = plugin;
  const before = replaced === null ? '' : `, in place of ${replaced}`;
  return [
    `${source} ${name} ${version}${before}\n`,
    ...commands.map(({ id, summary }) => `  ctr-ts ${id}   ${printable(summary)}\n`),
    ...(hookedVerbs.length === 0
      ? []
      : [
          `  it has hooks: ${hookedVerbs.join(', ')} now start through oclif, which takes longer\n`,
        ]),
  ].join('');
}

/** The same for `--json`. */
export function reportOfAdded(directory: string, { plugin, replaced }: Installed) {
  return { ...pluginInfo(directory, plugin), replaced };
}

function problemLines({ name, problem }: PluginInfo): string[] {
  if (problem === undefined) return [];
  const { code, message, hint } = problem;
  const next = hint === undefined ? '' : `  next: ${printable(hint)}\n`;
  return [`\n${name}: ${printable(message)} [${code}]\n${next}`];
}
