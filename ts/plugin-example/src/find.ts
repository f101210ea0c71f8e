/** Asks an image for a program, in a container that can change and reach nothing. */

import { CtrError, run } from '@ctr-ts/sdk';

/** A program in an image. */
export interface Found {
  image: string;
  /** Where it is; null: it is not there. */
  path: string | null;
  /** First line of what it answers to --version; null when it does not understand that. */
  version: string | null;
}

/** More would not be a version. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** Where an image's PATH is not known, because it has no shell to ask. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Looks for `program` (a name or an absolute path) in an image.
 *
 * @throws CtrError of the image, or of a machine that cannot run containers
 */
export async function findProgram(
  image: string,
  program: string,
  { timeoutMs }: { timeoutMs: number },
): Promise<Found> {
  const path = await locate(image, program, timeoutMs);
  if (path === null) return { image, path, version: null };
  const said = await ask(image, [path, '--version'], timeoutMs);
  return { image, path, version: said === undefined ? null : firstLine(said) };
}

async function locate(image: string, program: string, timeoutMs: number): Promise<string | null> {
  const question = ['sh', '-c', 'command -v -- "$1"', 'sh', program];
  try {
    const answer = await start(image, question, timeoutMs);
    const path = answer.stdout.trim();
    // A word of the shell itself (`cd`) is answered by its bare name.
    return answer.exitCode === 0 && path.startsWith('/') ? path : null;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  // No shell: try the usual places.
  const candidates = program.startsWith('/') ? [program] : FOLDERS.map((at) => `${at}/${program}`);
  for (const candidate of candidates) {
    if ((await ask(image, [candidate, '--version'], timeoutMs)) !== undefined) return candidate;
  }
  return null;
}

/** What a program prints, '' when it fails; undefined when there is none. */
async function ask(
  image: string,
  command: string[],
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await start(image, command, timeoutMs);
    return exitCode === 0 ? stdout.trim() || stderr.trim() : '';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function start(image: string, command: string[], timeoutMs: number) {
  return run({
    image,
    command,
    // The image's own would stand before the command.
    entrypoint: [],
    readOnly: true,
    noNewPrivileges: true,
    capDrop: ['ALL'],
    stdio: { stdin: 'null' },
    maxOutputBytes: MAX_OUTPUT_BYTES,
    timeoutMs,
  });
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof CtrError &&
    (error.code === 'COMMAND_NOT_FOUND' || error.code === 'COMMAND_NOT_EXECUTABLE')
  );
}

function firstLine(text: string): string | null {
  return text.split('\n')[0]?.trim() || null;
}
