/** A terminal that only knows what our progress uses, for tests of what a person would see. */

import { recordingIo } from '../io.test.fixture.ts';
import type { Io } from '../io.ts';

/** An Io whose stderr is a terminal, and what stands on it. */
export interface TerminalIo extends Io {
  /** Every line there ever was, those that scrolled away too. */
  lines(): string[];
}

/** A terminal of this size that never forgets a line. */
export function terminalIo(columns: number, rows: number): TerminalIo {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  const newline = (): void => {
    row += 1;
    if (row === lines.length) lines.push('');
  };
  const put = (character: string): void => {
    if (column === columns) {
      column = 0;
      newline();
    }
    const line = (lines[row] ?? '').padEnd(column);
    lines[row] = line.slice(0, column) + character + line.slice(column + 1);
    column += 1;
  };
  const obey = (count: string, letter: string): void => {
    // The cursor does not leave the screen: what scrolled away stays as it is.
    if (letter === 'A') row = Math.max(row - Number(count), lines.length - rows, 0);
    if (letter === 'K' || letter === 'J') lines[row] = (lines[row] ?? '').slice(0, column);
    if (letter === 'J') lines.length = row + 1;
  };
  const write = (text: string): void => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters
    for (const [token, count, letter] of text.matchAll(/\u001b\[(\d*)([A-Z])|[\s\S]/g)) {
      if (letter !== undefined) obey(count ?? '', letter);
      else if (token === '\r') column = 0;
      else if (token === '\n') {
        column = 0;
        newline();
      } else put(token);
    }
  };
  return {
    ...recordingIo(),
    note: (text) => write(`${text}\n`),
    draw: write,
    screen: { columns, rows },
    lines: () => lines.map((line) => line.trimEnd()).filter((line) => line !== ''),
  };
}
