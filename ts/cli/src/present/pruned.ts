/** What a prune removed, one line for each thing. */

import type { PruneReport } from '@ctr-ts/sdk';
import { printable } from '../printable.ts';
import { shortId } from './containers.ts';

/** Says so when there was nothing. */
export function presentPruned(report: PruneReport): string {
  const { containers, names, sockets, cgroups, layers, staging, blobs, unpacked } = report;
  const lines = [
    ...containers.map(
      ({ id, name }) => `container ${shortId(id)}${name === null ? '' : ` ${name}`}`,
    ),
    ...names.map((name) => `name ${name}`),
    ...sockets.map((path) => `socket ${path}`),
    ...cgroups.map((path) => `cgroup ${path}`),
    ...layers.map((path) => `writable layer ${path}`),
    ...staging.map((path) => `unfinished ${path}`),
    ...blobs.map((digest) => `unused ${digest}`),
    ...unpacked.map((path) => `unused layer ${path}`),
  ];
  if (lines.length === 0) return 'nothing to remove\n';
  return lines.map((line) => `removed ${printable(line)}\n`).join('');
}
