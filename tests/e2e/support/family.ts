/** Who started whom, as the kernel tells it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Direct children, of every thread. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    // It ended between two looks.
    return [];
  }
}

/** Of a process that lives. */
export function parentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]);
}

/** The launcher that a Node process owns: its child in a PID namespace of its own. */
export function launcherOf(pid: number): number | undefined {
  return childInNewNamespace(pid);
}

/** PID 1 of a container of a launcher; undefined while there is none. */
export function containerOf(launcher: number): number | undefined {
  return childInNewNamespace(launcher);
}

function childInNewNamespace(pid: number): number | undefined {
  const own = namespaceOf(pid);
  return childrenOf(pid).find((child) => {
    // Unknown of what is just ending, such as the stub that cloned the launcher.
    const namespace = namespaceOf(child);
    return namespace !== undefined && own !== undefined && namespace !== own;
  });
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}
