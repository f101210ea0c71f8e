/** The file system tree of a plan as steps: root, mounts, nodes, and what is hidden. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plan } from '@ctr-ts/sdk';
import type { Step } from './plan-steps.ts';

type Mount = Plan['mounts'][number];
type Attributes = Mount['attributes'];

const READ_ONLY = 0x1;

/** The root's own mount. */
export function rootSteps({ root: { source } }: Plan): Step[] {
  if (source.kind === 'bind') return [['root-bind', source.path]];
  const { lower, upper, userxattr } = source;
  const onDisk = upper.kind === 'directory' ? upper.path : undefined;
  const options = [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${onDisk === undefined ? 'upper' : `${onDisk}/upper`}`,
    `workdir=${onDisk === undefined ? 'work' : `${onDisk}/work`}`,
    ...(userxattr ? ['userxattr'] : []),
    ...(onDisk === undefined ? ['volatile'] : []),
  ];
  const size = upper.kind === 'tmpfs' ? upper.sizeBytes : null;
  return [['root-overlay', size ?? '50%', options.join(',')]];
}

/** Mounts, device nodes and links. */
export function treeSteps(plan: Plan, hierarchies: readonly string[]): Step[] {
  const places = new Places(plan);
  const steps: Step[] = plan.mounts.flatMap((mount) => mountSteps(mount, hierarchies, places));
  for (const { path, kind, mode, major, minor, uid, gid } of plan.devices) {
    const type = { char: 0o020000, block: 0o060000, fifo: 0o010000 }[kind];
    steps.push(...places.need(dirname(path), true));
    steps.push(['node', path, mode + type, major, minor, uid, gid]);
  }
  for (const [path, target] of plan.devLinks) steps.push(['link', path, target]);
  return steps;
}

/** Read-only and masked paths that this kernel has, and the root's attributes. */
export function hideSteps(plan: Plan): Step[] {
  const there = (path: string) => existsSync(path);
  const { set, clear } = attributeBits(plan.root.attributes);
  return [
    ...plan.readonlyPaths.filter(there).map((path) => ['read-only', path]),
    ...plan.maskedPaths
      .filter(there)
      .map((path) => [statSync(path).isDirectory() ? 'mask-directory' : 'mask-file', path]),
    ...(set === 0 && clear === 0
      ? []
      : [['attributes', '/', set, clear, Number(plan.root.attributes.recursive)]]),
  ];
}

function mountSteps(mount: Mount, hierarchies: readonly string[], places: Places): Step[] {
  const { destination, source, attributes } = mount;
  const { set, clear } = attributeBits(attributes);
  if (source.kind === 'cgroup') return cgroupSteps(destination, set, hierarchies, places);
  if (source.kind === 'bind') {
    const isDirectory = statSync(source.path).isDirectory();
    const { path, recursive } = source;
    const whole = Number(attributes.recursive);
    return [
      ...places.need(destination, isDirectory),
      ['bind', destination, set, clear, whole, path, Number(recursive)],
    ];
  }
  if (source.kind === 'content') {
    // A field of the floor's plan has no line ends of its own.
    const text = source.text.replaceAll('\n', '\r').replaceAll('\t', ' ');
    const name = destination.replaceAll('/', '_');
    return [...places.need(destination, false), ['content', destination, set, name, text]];
  }
  const steps = places.need(destination, true);
  if (source.fsType === 'tmpfs') places.fresh(destination);
  const parameters = source.parameters.flatMap(([key, value]) => [key, value ?? '']);
  return [
    ...steps,
    ['new', destination, set, source.fsType, 'source', source.source, ...parameters],
  ];
}

/** cgroup2 alone is one mount; v1 is a shelf with one mount for each hierarchy. */
function cgroupSteps(
  destination: string,
  set: number,
  hierarchies: readonly string[],
  places: Places,
): Step[] {
  const steps = places.need(destination, true);
  if (hierarchies.length === 0) return [...steps, ['new', destination, set, 'cgroup2']];
  const writable = set - (set & READ_ONLY);
  steps.push(['new', destination, writable, 'tmpfs', 'mode', '0755', 'size', '64k']);
  for (const hierarchy of hierarchies) {
    const name = hierarchy.replace('name=', '');
    const place = join(destination, name);
    const controllers = hierarchy.startsWith('name=')
      ? ['none', '', 'name', name]
      : hierarchy.split(',').flatMap((controller) => [controller, '']);
    steps.push(['directory', place], ['new', place, set, 'cgroup', ...controllers]);
  }
  return [...steps, ['attributes', destination, set, 0, 0]];
}

/** Mount attribute bits to set and to clear, mount_setattr(2). */
function attributeBits(attributes: Attributes): { set: number; clear: number } {
  const { readonly, nosuid, nodev, noexec, nosymfollow, atime } = attributes;
  const flags =
    (readonly ? READ_ONLY : 0) |
    (nosuid ? 0x2 : 0) |
    (nodev ? 0x4 : 0) |
    (noexec ? 0x8 : 0) |
    (nosymfollow ? 0x20_0000 : 0);
  const time = { noatime: 0x10, strictatime: 0x20, relatime: 0 };
  return { set: flags | (atime === null ? 0 : time[atime]), clear: atime === null ? 0 : 0x70 };
}

/** Which paths of the container are there before a mount, so that only missing ones are made. */
class Places {
  readonly #layers: readonly string[];
  readonly #fresh = new Set<string>();
  readonly #made = new Set<string>(['/']);

  constructor({ root: { source } }: Plan) {
    this.#layers = source.kind === 'bind' ? [source.path] : source.lower;
  }

  /** A new, empty file system is at `path`. */
  fresh(path: string): void {
    this.#fresh.add(path);
  }

  /** Steps that make `path`, outermost directory first. */
  need(path: string, isDirectory: boolean): Step[] {
    if (this.#isThere(path)) return [];
    const above = this.need(dirname(path), true);
    this.#made.add(path);
    return [...above, [isDirectory ? 'directory' : 'file', path]];
  }

  #isThere(path: string): boolean {
    if (this.#made.has(path) || this.#fresh.has(path)) return true;
    if (/^\/(proc|sys)\//.test(path)) return true;
    if ([...this.#fresh].some((fresh) => path.startsWith(`${fresh}/`))) return false;
    return this.#layers.some((layer) => existsSync(join(layer, path)));
  }
}
