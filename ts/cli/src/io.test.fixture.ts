/** An Io for tests that remembers what was printed. */

import type { Io } from './io.ts';

/** What a recording Io adds. */
export interface RecordingIo extends Io {
  stdout(): string;
  stderr(): string;
}

/** An Io without a terminal, 80 columns wide. */
export function recordingIo(env: Io['env'] = {}): RecordingIo {
  const out: string[] = [];
  const err: string[] = [];
  const line = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);
  return {
    print: (text) => void out.push(line(text)),
    printJson: (value) => void out.push(`${JSON.stringify(value, null, 2)}\n`),
    note: (text) => void err.push(line(text)),
    draw: (text) => void err.push(text),
    screen: undefined,
    env,
    columns: 80,
    color: false,
    stdout: () => out.join(''),
    stderr: () => err.join(''),
  };
}
