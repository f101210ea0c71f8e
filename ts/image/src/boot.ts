/** What names a process, and a boot, for good. */

import { readFile, readlink } from 'node:fs/promises';
import { failedWith } from './file-error.ts';

let boot: Promise<string> | undefined;
let own: Promise<string> | undefined;
let namespace: Promise<string> | undefined;

/** Eight digits that differ after each boot of this machine. */
export function bootId(): Promise<string> {
  boot ??= kept(
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.slice(0, 8)),
    () => {
      boot = undefined;
    },
  );
  return boot;
}

/** Pid and start time of this process, with the PID namespace in which they mean it. */
export function processName(): Promise<string> {
  own ??= kept(
    Promise.all([pidNamespace(), startTime('self')]).then(
      ([where, started]) => `${where}-${process.pid}-${started ?? '0'}`,
    ),
    () => {
      own = undefined;
    },
  );
  return own;
}

/** Whether the process of a `processName` is gone; of another PID namespace nobody knows. */
export async function isGone(name: string): Promise<boolean> {
  const [namespace, pid = '', started] = name.split('-');
  if (namespace !== (await pidNamespace()) || !/^\d+$/.test(pid)) return false;
  return (await startTime(pid)) !== started;
}

/**
 * proc_pid_stat(5), field 22: with the pid it names one process for good. Only what the kernel says
 * to be gone is gone: whoever has no descriptor left to look knows nothing.
 */
async function startTime(pid: string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((cause: unknown) => {
    if (failedWith(cause, 'ENOENT', 'ENOTDIR', 'ESRCH')) return '';
    throw cause;
  });
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

/** Of a process it never changes. */
function pidNamespace(): Promise<string> {
  namespace ??= kept(
    readlink('/proc/self/ns/pid').then((link) => link.replace(/\D/g, '')),
    () => {
      namespace = undefined;
    },
  );
  return namespace;
}

/** A failure is not remembered: the next call looks again. */
function kept(look: Promise<string>, forget: () => void): Promise<string> {
  look.catch(forget);
  return look;
}
