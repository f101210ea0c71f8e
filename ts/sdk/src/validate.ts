/** Refuses options that cannot work, before anything is made on the machine. */

import { posix } from 'node:path';
import { resolveCapabilities } from './capabilities.ts';
import { checkCidFile } from './cid-file.ts';
import { isDelay } from './deadline.ts';
import { checkDevices } from './devices.ts';
import { CtrError } from './errors.ts';
import { checkNames } from './etc-files.ts';
import { checkCpus, checkMemory, checkPids } from './limits.ts';
import { checkMounts } from './mount-options.ts';
import { checkNamespaces } from './namespaces.ts';
import { checkPlatform, PULL_POLICIES } from './obtain.ts';
import type { ContainerOptions, ExecOptions, ProcessOptions } from './options.ts';
import { checkResources } from './resources.ts';
import { checkSettings } from './setting-checks.ts';
import { checkTerminalSize, terminalSize } from './terminal.ts';
import { checkUlimits } from './ulimits.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** One label per dot, 63 characters each, 64 in all: what sethostname(2) and RFC 1123 accept. */
const HOSTNAME =
  /^(?=.{1,64}$)[a-zA-Z0-9]([a-zA-Z0-9-]{0,62})(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}))*$/;

/**
 * Checks a container's options.
 *
 * @throws CtrError `INVALID_NAME`, `INVALID_LIMIT`, `INVALID_MOUNT`, `INVALID_DEVICE`,
 * `INVALID_ARGUMENT`, `UNKNOWN_CAPABILITY`, `FILE_NOT_FOUND`, `FILE_EXISTS`, `FOREIGN_PLATFORM`
 */
export async function validateContainer(options: ContainerOptions): Promise<void> {
  if (typeof options.image !== 'string' || options.image === '') {
    throw invalid('no image given', 'name an image, for example alpine, host: or oci:DIR');
  }
  if (options.pull !== undefined && !PULL_POLICIES.includes(options.pull)) {
    throw invalid(
      `unknown pull policy ${JSON.stringify(options.pull)}`,
      'use missing, always or never',
    );
  }
  if (options.platform !== undefined) checkPlatform(options.image, options.platform);
  if (options.name !== undefined) checkName(options.name);
  if (options.hostname !== undefined && !HOSTNAME.test(options.hostname)) {
    throw new CtrError('INVALID_NAME', `invalid host name ${JSON.stringify(options.hostname)}`, {
      hint: 'use up to 64 letters, digits, dots and hyphens',
    });
  }
  if (options.cpus !== undefined) checkCpus(options.cpus);
  if (options.memoryBytes !== undefined) checkMemory(options.memoryBytes);
  if (options.pidsLimit !== undefined) checkPids(options.pidsLimit);
  if (options.command !== undefined) checkCommand(options.command);
  if (options.network !== undefined && !['none', 'host'].includes(options.network)) {
    throw invalid(
      `unknown network ${JSON.stringify(options.network)}`,
      'networks are none and host for now',
    );
  }
  resolveCapabilities(options);
  checkIdentity(options);
  checkSettings(options);
  checkNames(options);
  checkNamespaces(options);
  checkResources(options);
  checkDevices(options);
  checkUlimits(options.ulimits ?? {});
  checkCidFile(options.cidFile);
  await checkMounts(options.volumes ?? [], options.tmpfs ?? []);
}

/** Checks what a further process may change. Throws as {@link validateContainer}. */
export function validateExec(command: readonly string[], options: ExecOptions): void {
  checkCommand(command);
  checkIdentity(options);
}

/** Checks how a process is connected. Throws `INVALID_ARGUMENT`. */
export function validateProcess(options: ProcessOptions): void {
  const { maxOutputBytes, timeoutMs } = options;
  const size = terminalSize(options.terminal);
  if (size !== undefined) checkTerminalSize(size);
  if (size !== undefined && options.stdio !== undefined) {
    throw invalid(
      'terminal and stdio cannot be combined',
      'leave stdio out: with a terminal, stdin and stdout are its two directions',
    );
  }
  if (
    maxOutputBytes !== undefined &&
    !(Number.isSafeInteger(maxOutputBytes) && maxOutputBytes >= 0)
  ) {
    throw invalid(`invalid maxOutputBytes ${maxOutputBytes}`, 'give a number of bytes');
  }
  if (timeoutMs !== undefined && !isDelay(timeoutMs)) {
    throw invalid(`invalid timeoutMs ${timeoutMs}`, 'give milliseconds from 1 to 2147483647');
  }
}

/** `name` when it can name a container; throws `INVALID_NAME` else. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new CtrError('INVALID_NAME', `invalid container name ${JSON.stringify(name)}`, {
    hint: 'start with a letter or digit; letters, digits, _ . and - may follow',
  });
}

function checkIdentity(options: ExecOptions): void {
  const { env, workdir, user } = options;
  for (const [name, value] of Object.entries(env ?? {})) {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
      throw invalid(`invalid environment variable ${JSON.stringify(name)}`);
    }
  }
  if (workdir !== undefined && (!posix.isAbsolute(workdir) || workdir.includes('\0'))) {
    throw invalid(
      `working directory ${JSON.stringify(workdir)} is not absolute`,
      'give a path that starts with /',
    );
  }
  if (user !== undefined && !/^[^\s:\0]+(:[^\s:\0]+)?$/.test(user)) {
    throw invalid(`invalid user ${JSON.stringify(user)}`, 'write USER or USER:GROUP');
  }
}

function checkCommand(command: readonly string[]): void {
  if (command.length === 0 || command[0] === '') throw invalid('empty command');
  const broken = command.find(
    (argument) => typeof argument !== 'string' || argument.includes('\0'),
  );
  if (broken !== undefined) throw invalid('a command argument is not a string without NUL');
}

function invalid(message: string, hint?: string): CtrError {
  return new CtrError('INVALID_ARGUMENT', message, { hint });
}
