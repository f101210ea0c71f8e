/** Control groups for the floor's containers, beside and like those of a container of ours. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { GroupPlace } from './group-steps.ts';

const CPUSET = ['cpuset.cpus', 'cpuset.mems'];
let made = 0;

/**
 * Makes a parent directory in each hierarchy that the container with `containerId` has a group in;
 * the floor makes and removes its own group below. `listed` are lines of its /proc/PID/cgroup.
 */
export class FloorGroups {
  readonly places: GroupPlace[] = [];
  readonly #parents: string[] = [];

  constructor(listed: readonly string[], containerId: string) {
    made += 1;
    for (const line of listed) {
      const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (!path.includes(containerId)) continue;
      const directory = locate(controllers, path);
      if (directory !== undefined) this.#add(controllers, directory);
    }
  }

  #add(controllers: string, directory: string): void {
    const version = controllers === '' ? 2 : 1;
    const above = dirname(dirname(directory));
    const parent = join(above, `ctr-ts-bench-floor-${process.pid}-${made}`);
    mkdirSync(parent);
    this.#parents.push(parent);
    const names =
      version === 1
        ? controllers.split(',')
        : readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ');
    if (version === 1 && names.includes('cpuset')) {
      for (const file of CPUSET) {
        writeFileSync(join(parent, file), readFileSync(join(above, file)));
      }
    }
    if (version === 2 && names[0] !== '') {
      writeFileSync(
        join(parent, 'cgroup.subtree_control'),
        names.map((name) => `+${name}`).join(' '),
      );
    }
    this.places.push({ version, directory: join(parent, 'floor'), controllers: names });
  }

  [Symbol.dispose](): void {
    for (const { directory } of this.places) remove(directory);
    for (const parent of this.#parents) remove(parent);
  }
}

function remove(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Not there: the floor removes its own group after each launch.
  }
}

/** Where a hierarchy's path is mounted, from /proc/self/mountinfo. */
function locate(controllers: string, path: string): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , top = '', point = ''] = left.split(' ');
    const [type, , options = ''] = right.split(' ');
    const names = options.split(',');
    const fits =
      controllers === ''
        ? type === 'cgroup2'
        : type === 'cgroup' && controllers.split(',').every((name) => names.includes(name));
    if (fits) return join(point, relative(top, path));
  }
  return undefined;
}
