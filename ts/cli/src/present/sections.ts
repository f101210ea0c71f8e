/** Titled tables of three columns: what it is, and how it looks from two sides. */

import { wrap } from './table.ts';

export type Cells = readonly [what: string, left: string, right: string];

/** One titled table. */
export interface Section {
  title: string;
  /** Names of the second and third column. */
  heading: readonly [string, string];
  rows: readonly Cells[];
}

/** How to lay text out. */
export interface Layout {
  columns: number;
  color: boolean;
}

const MIN_COLUMNS = 60;
const MAX_COLUMNS = 120;
const MAX_WHAT = 26;
const INDENT = '  ';
const GAP = '  ';

/** The sections one below the other; cells that are too long go on below themselves. */
export function presentSections(sections: readonly Section[], layout: Layout): string {
  return sections.map((section) => presentSection(section, layout)).join('\n');
}

function presentSection({ title, heading, rows }: Section, { columns, color }: Layout): string {
  const width = Math.min(MAX_COLUMNS, Math.max(MIN_COLUMNS, columns));
  const what = Math.min(
    MAX_WHAT,
    Math.max(title.length - INDENT.length, ...rows.map(([cell]) => cell.length)),
  );
  const rest = width - INDENT.length - what - 2 * GAP.length;
  const [longestLeft, longestRight] = ([1, 2] as const).map((column) =>
    Math.max(heading[column - 1]?.length ?? 0, ...rows.map((row) => row[column]?.length ?? 0)),
  ) as [number, number];
  // Each side may take what the other does not need, and at least half.
  const left = Math.min(longestLeft, Math.max(Math.floor(rest / 2), rest - longestRight));
  const widths = [what, left, rest - left] as const;
  const name = title.toUpperCase();
  const head = [name.padEnd(INDENT.length + what), heading[0].padEnd(left), heading[1]].join(GAP);
  const body = rows.flatMap((row) => presentRow(row, widths));
  return [color ? `\u001b[1m${head.trimEnd()}\u001b[22m` : head.trimEnd(), ...body, ''].join('\n');
}

function presentRow(row: Cells, widths: readonly [number, number, number]): string[] {
  const cells = row.map((cell, column) => wrap(cell, widths[column] ?? 1));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, index) => {
    const line = cells.map((lines, column) => (lines[index] ?? '').padEnd(widths[column] ?? 0));
    return INDENT + line.join(GAP).trimEnd();
  });
}
