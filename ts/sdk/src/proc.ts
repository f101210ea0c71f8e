/** What /proc says about a process of a container, seen from outside. */

import { readFile, readlink } from 'node:fs/promises';
import { decodeCapabilities } from './capabilities.ts';

/** A namespace a process is in. */
export interface NamespaceView {
  /** As in namespaces(7): `pid`, `net`, `mnt`, ... */
  kind: string;
  /** The inode that names the namespace. */
  inode: number;
  /** Whether it is another one than the caller's own. */
  own: boolean;
}

/** One line of /proc/<pid>/mountinfo, proc_pid_mountinfo(5). */
export interface MountView {
  target: string;
  type: string;
  source: string;
  /** The directory of the file system that is shown. */
  root: string;
  options: string[];
  /** `shared:N`, `master:N` and the like, mount_namespaces(7); empty is private. */
  propagation: string[];
}

/** One line of an id map, user_namespaces(7). */
export interface IdMapView {
  inside: number;
  outside: number;
  count: number;
}

/** Capability sets by name. */
export interface CapabilityView {
  inheritable: string[];
  permitted: string[];
  effective: string[];
  bounding: string[];
  ambient: string[];
}

const NAMESPACE_FILES = ['user', 'pid', 'mnt', 'uts', 'ipc', 'net', 'cgroup', 'time'];

/** The namespaces of a process, in the order of namespaces(7); those that are hidden are left out. */
export async function readNamespaces(pid: number): Promise<NamespaceView[]> {
  return compareNamespaces(await readLinks(`/proc/${pid}/ns`));
}

/** Namespaces by the targets of their links, beside the caller's own. */
export async function compareNamespaces(
  links: Readonly<Record<string, string>>,
): Promise<NamespaceView[]> {
  const ours = await readLinks('/proc/self/ns');
  return NAMESPACE_FILES.flatMap((kind) => {
    const inode = /\[(\d+)\]/.exec(links[kind] ?? '')?.[1];
    return inode === undefined
      ? []
      : [{ kind, inode: Number(inode), own: links[kind] !== ours[kind] }];
  });
}

async function readLinks(directory: string): Promise<Record<string, string>> {
  const links = await Promise.all(
    NAMESPACE_FILES.map(async (kind) => {
      const target = await readlink(`${directory}/${kind}`).catch(() => '');
      return [kind, target] as const;
    }),
  );
  return Object.fromEntries(links);
}

/** The text of a file of /proc/<pid>, empty when it cannot be read. */
export async function readProc(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}

/** Fields of /proc/<pid>/status. */
export function parseStatus(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => /^(\w+):\s*(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1], match[2]]] : [])));
}

/** Capability sets of a status file. */
export function statusCapabilities(status: Readonly<Record<string, string>>): CapabilityView {
  const decode = (field: string): string[] => decodeCapabilities(status[field] ?? '0');
  return {
    inheritable: decode('CapInh'),
    permitted: decode('CapPrm'),
    effective: decode('CapEff'),
    bounding: decode('CapBnd'),
    ambient: decode('CapAmb'),
  };
}

/** Lines of uid_map or gid_map. */
export function parseIdMap(text: string): IdMapView[] {
  return rows(text).map(([inside, outside, count]) => ({
    inside: Number(inside),
    outside: Number(outside),
    count: Number(count),
  }));
}

/** Lines of mountinfo. */
export function parseMountinfo(text: string): MountView[] {
  return rows(text).map((fields) => {
    const separator = fields.indexOf('-');
    const [type = '', source = '', superOptions = ''] = fields.slice(separator + 1);
    const options = [...(fields[5] ?? '').split(','), ...superOptions.split(',')];
    return {
      target: decodeOctal(fields[4] ?? ''),
      type,
      source: decodeOctal(source),
      root: decodeOctal(fields[3] ?? ''),
      options: [...new Set(options)],
      propagation: fields.slice(6, separator),
    };
  });
}

/** Lines of /proc/<pid>/cgroup: hierarchy (`unified` for v2) and path. */
export function parseCgroups(text: string): { hierarchy: string; path: string }[] {
  return text
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .flatMap((match) =>
      match ? [{ hierarchy: match[1] || 'unified', path: match[2] ?? '' }] : [],
    );
}

function rows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => line.trim().split(/\s+/));
}

/** mountinfo writes space, tab, newline and backslash in octal. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
