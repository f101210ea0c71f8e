/** The lines that come out of a machine, and their validation: what runs inside may write anything. */

export interface TestLine {
  kind: 'test';
  /** Relative to the repository. */
  file: string;
  name: string;
  state: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped. */
  note?: string | undefined;
  /** Stacks, as vitest tells them. */
  errors: string[];
  durationMs: number;
}

/** Failed outside of any test; `file` is empty when it belongs to none. */
export interface ProblemLine {
  kind: 'problem';
  file: string;
  message: string;
}

/** The kernel is up and the profile's environment is made. */
export interface BootedLine {
  kind: 'booted';
  kernel: string;
  uptimeMs: number;
}

/** The test command ended. */
export interface EndLine {
  kind: 'end';
  exitCode: number;
}

export type Line = TestLine | ProblemLine | BootedLine | EndLine;

/** Throws on anything that is not one of the lines above. */
export function parseLine(text: string): Line {
  const value = JSON.parse(text) as Partial<Record<string, unknown>>;
  const strings = (...names: string[]) => names.every((name) => typeof value[name] === 'string');
  const numbers = (...names: string[]) => names.every((name) => typeof value[name] === 'number');
  const isLine =
    (value.kind === 'test' &&
      strings('file', 'name') &&
      numbers('durationMs') &&
      ['passed', 'failed', 'skipped'].includes(String(value.state)) &&
      Array.isArray(value.errors)) ||
    (value.kind === 'problem' && strings('file', 'message')) ||
    (value.kind === 'booted' && strings('kernel') && numbers('uptimeMs')) ||
    (value.kind === 'end' && numbers('exitCode'));
  if (!isLine) throw new Error(`not a line of results: ${text.slice(0, 200)}`);
  return value as unknown as Line;
}
