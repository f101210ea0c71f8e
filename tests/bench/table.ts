/** Figures as text of at most 100 columns. */
import type { Blocking, Cost } from './blocking-child.ts';
import type { Percentiles } from './measure.ts';

/** A row of the launch table. */
export interface Row {
  name: string;
  /** The row whose container is the kernel's own price of this one. */
  floor?: string | undefined;
  burst: Percentiles;
  sparse: Percentiles;
}

const NAME_WIDTH = 25;
const CELL_WIDTH = 8;
/** Of the tables with a column for each row. */
const NARROW_WIDTH = 6;

/** Percentiles, and the ratio of medians to the floor and to a plain spawn. */
export function launchTable(rows: readonly Row[]): string {
  const find = (name: string | undefined) => rows.find((row) => row.name === name);
  const plain = find('child_process.spawn');
  const lines = rows.map((row) => {
    const floor = find(row.floor);
    const half = (when: 'burst' | 'sparse') => [
      milliseconds(row[when].p50),
      milliseconds(row[when].p90),
      ratio(row[when].p50, floor?.[when].p50),
      ratio(row[when].p50, plain?.[when].p50),
    ];
    return line(row.name, [...half('burst'), '', ...half('sparse')]);
  });
  const head = ['p50', 'p90', 'x floor', 'x spawn'];
  const wide = (text: string) => text.padStart(CELL_WIDTH * 4);
  return [
    `${' '.repeat(NAME_WIDTH)}${wide('burst, ms')}${' '.repeat(3)}${wide('50 ms apart, ms')}`,
    line('', [...head, '', ...head]),
    ...lines,
  ].join('\n');
}

/** Median of the row over median of the column. */
export function ratioTable(rows: readonly Row[], when: 'burst' | 'sparse'): string {
  const letter = (index: number) => String.fromCharCode(97 + index);
  return [
    line(
      '',
      rows.map((_, index) => letter(index)),
      NARROW_WIDTH,
    ),
    ...rows.map((row, index) =>
      line(
        `${letter(index)} ${row.name}`,
        rows.map((other) => ratio(row[when].p50, other[when].p50)),
        NARROW_WIDTH,
      ),
    ),
  ].join('\n');
}

/** What a launch costs the thread that asks for it, by the size of its process. */
export function blockingTable(runs: readonly Blocking[]): string {
  const head = ['call', 'p90', 'thread', 'p90', 'stall', 'p90', 'total', 'p90'];
  const row = (name: string, { residentBytes }: Blocking, cost: Cost) => {
    const size = `${Math.round(residentBytes / 1024 / 1024)} MB`;
    const cells = [cost.call, cost.thread, cost.stall, cost.total].flatMap(({ p50, p90 }) => [
      milliseconds(p50),
      milliseconds(p90),
    ]);
    return line(`${name}, ${size}`, cells);
  };
  return [
    line('', head),
    ...runs.map((run) => row('SDK run()', run, run.sdk)),
    ...runs.map((run) => row('spawn', run, run.spawn)),
  ].join('\n');
}

function line(name: string, cells: readonly string[], width = CELL_WIDTH): string {
  const text = cells.map((cell) => (cell === '' ? ' '.repeat(3) : cell.padStart(width)));
  return `${name.padEnd(NAME_WIDTH)}${text.join('')}`.trimEnd();
}

function milliseconds(value: number): string {
  if (Number.isNaN(value)) return '-';
  return value.toFixed(value < 1 ? 3 : value < 100 ? 2 : 0);
}

function ratio(value: number, by: number | undefined): string {
  const result = value / (by ?? Number.NaN);
  return Number.isNaN(result) ? '-' : result.toFixed(result < 10 ? 2 : result < 100 ? 1 : 0);
}
