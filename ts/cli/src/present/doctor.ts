/** What a machine can do, as a list one reads from top to bottom. */

import type { DoctorReport } from '@ctr-ts/sdk';
import { printable } from '../printable.ts';
import type { Layout } from './sections.ts';
import { wrap } from './table.ts';

const MARK_WIDTH = 6;

/** Each probe with what was found, what to do where it failed, and a verdict at the end. */
export function presentDoctor(report: DoctorReport, { columns }: Pick<Layout, 'columns'>): string {
  const nameWidth = Math.max(...report.rows.map(({ probe }) => probe.length)) + 2;
  const indent = ' '.repeat(MARK_WIDTH + nameWidth);
  const lines = report.rows.flatMap(({ probe, ok, required, detail, remedy }) => {
    const mark = ok ? 'ok' : required ? 'FAIL' : 'less';
    const next = ok || remedy === undefined ? [] : wrap(`next: ${remedy}`, columns - indent.length);
    const [first = '', ...rest] = [...wrap(detail, columns - indent.length), ...next];
    const head = `${mark.padEnd(MARK_WIDTH)}${printable(probe).padEnd(nameWidth)}${first}`;
    return [head, ...rest.map((line) => indent + line)];
  });
  const { kernel, node, user, dataRoot, runRoot } = report;
  const where = `Linux ${kernel}, Node ${node}, user ${user}, data in ${dataRoot}, records in ${runRoot}`;
  return [...lines, '', where, verdict(report), ''].join('\n');
}

function verdict({ ok, error, rows }: DoctorReport): string {
  if (error !== null)
    return `containers cannot run here: ${printable(error.message)} [${error.code}]`;
  if (!ok) return 'containers cannot run here';
  const less = rows.filter((row) => !row.ok).map(({ probe }) => probe);
  return less.length === 0
    ? 'containers run here'
    : `containers run here, with less: ${less.join(', ')}`;
}
