/** Options and image defaults -> OCI runtime configuration. Pure: every decision, no effect. */

import { capabilitySets, resolveCapabilities } from './capabilities.ts';
import { DEVICE_RULES } from './device-rules.ts';
import { CtrError } from './errors.ts';
import { MASKED_PATHS, READONLY_PATHS, thermalPaths } from './hidden-paths.ts';
import { cpuBandwidth } from './limits.ts';
import { defaultMounts, userMounts } from './mounts.ts';
import type { RuntimeSpec, SpecMount, SpecNamespace, SpecProcess, SpecResources } from './oci.ts';
import type { ContainerOptions, ExecOptions, ImageDefaults } from './options.ts';

/** Programs are looked up here when neither image nor caller says where. As in docker. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the machine and the launcher allow; known once per process. */
export interface Host {
  /** An ordinary user: containers get a user namespace. */
  rootless: boolean;
  /** Group 5 is mapped. */
  ttyGroup: boolean;
  /** Capabilities root can hand out here. */
  capabilities: readonly string[];
  /** Numbers of processors that report thermal throttling. */
  thermalProcessors: readonly number[];
}

/** Everything the configuration is made from. */
export interface SpecInput {
  id: string;
  options: ContainerOptions;
  image: ImageDefaults;
  /** Mounts the image source itself brings, below the default ones (`host:` has some). */
  imageMounts: readonly SpecMount[];
  host: Host;
  /** PID 1 is our init, which only reaps. */
  init: boolean;
}

/** The OCI configuration of a container. */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { id, options, host } = input;
  const privileged = options.privileged === true;
  const resources = buildResources(options, host);
  return {
    ociVersion: '1.3.0',
    process: buildProcess(input),
    root: { path: 'rootfs', readonly: options.readOnly === true },
    hostname: options.hostname ?? id.slice(0, 12),
    mounts: buildMounts(input),
    linux: {
      namespaces: buildNamespaces(options, host),
      cgroupsPath: `ctr-ts/${id}`,
      resources,
      maskedPaths: privileged
        ? []
        : [...MASKED_PATHS.map((row) => row.path), ...thermalPaths(host.thermalProcessors)],
      readonlyPaths: privileged ? [] : READONLY_PATHS.map((row) => row.path),
    },
  };
}

/** Whether the container may start without the cgroup it asks for. */
export function cgroupPolicy(options: ContainerOptions, host: Host): 'required' | 'preferred' {
  const limited =
    options.cpus !== undefined ||
    options.memoryBytes !== undefined ||
    (options.pidsLimit !== undefined && options.pidsLimit !== -1);
  // SECURITY: with MKNOD, the device rules are all that keeps the container off the host's disks.
  const devicesMatter =
    !host.rootless &&
    options.privileged !== true &&
    resolveCapabilities(options, host.capabilities).includes('MKNOD');
  return limited || devicesMatter ? 'required' : 'preferred';
}

function buildProcess({ id, options, image, host, init }: SpecInput): SpecProcess {
  const names = resolveCapabilities(options, host.capabilities);
  return {
    cwd: options.workdir ?? (image.workdir || '/'),
    env: buildEnv(image.env ?? [], options.env ?? {}, options.hostname ?? id.slice(0, 12)),
    args: init ? ['init'] : processArgs(options, image),
    // A user by name is looked up inside the image; the request carries it beside the spec.
    user: { uid: 0, gid: 0 },
    capabilities: capabilitySets(names),
    noNewPrivileges: options.noNewPrivileges === true,
  };
}

function processArgs(options: ContainerOptions, image: ImageDefaults): string[] {
  const entrypoint = options.entrypoint ?? image.entrypoint ?? [];
  // As in docker, an own entrypoint does away with the image's default arguments.
  const fallback = options.entrypoint === undefined ? (image.command ?? []) : [];
  const args = [...entrypoint, ...(options.command ?? fallback)];
  if (args.length > 0) return args;
  throw new CtrError('INVALID_ARGUMENT', `no command given and ${options.image} names none`, {
    hint: 'add a command, for example sh',
  });
}

/** `NAME=value` lines: defaults, then the image's, then the caller's; the last of a name counts. */
export function buildEnv(
  image: readonly string[],
  own: Readonly<Record<string, string>>,
  hostname?: string,
): string[] {
  const env = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  if (hostname !== undefined) env.set('HOSTNAME', hostname);
  for (const line of image) {
    const [name = '', ...rest] = line.split('=');
    env.set(name, rest.join('='));
  }
  for (const [name, value] of Object.entries(own)) env.set(name, value);
  return [...env].map(([name, value]) => `${name}=${value}`);
}

/**
 * The environment with HOME where it is not set and the user is root; for others init looks it up
 * in the image.
 */
export function withHome(env: readonly string[], user: string | undefined): string[] {
  const root = user === undefined || /^(root|0)(:|$)/.test(user);
  if (!root || env.some((line) => line.startsWith('HOME='))) return [...env];
  return [...env, 'HOME=/root'];
}

function buildMounts({ options, imageMounts, host }: SpecInput): SpecMount[] {
  const own = userMounts(options.volumes ?? [], options.tmpfs ?? []).map((row) => row.mount);
  const replaced = new Set(own.map((mount) => mount.destination.replace(/\/+$/, '')));
  const defaults = defaultMounts({
    rootless: host.rootless,
    ttyGroup: host.ttyGroup,
    hostNetwork: options.network === 'host',
    privileged: options.privileged === true,
  }).map((row) => row.mount);
  // What the caller mounts at the very place of a default mount takes its place (docker too).
  const kept = [...imageMounts, ...defaults].filter((mount) => !replaced.has(mount.destination));
  return [...kept, ...own];
}

function buildNamespaces(options: ContainerOptions, host: Host): SpecNamespace[] {
  const kinds: SpecNamespace['type'][] = ['pid', 'mount', 'uts', 'ipc', 'cgroup'];
  if (options.network !== 'host') kinds.push('network');
  // Without mappings of its own it inherits every id the launcher holds.
  if (host.rootless) kinds.unshift('user');
  return kinds.map((type) => ({ type }));
}

function buildResources(options: ContainerOptions, host: Host): SpecResources {
  const resources: SpecResources = {};
  if (options.cpus !== undefined) {
    const { quotaUs, periodUs } = cpuBandwidth(options.cpus);
    resources.cpu = { quota: quotaUs, period: periodUs };
  }
  if (options.memoryBytes !== undefined) resources.memory = { limit: options.memoryBytes };
  if (options.pidsLimit !== undefined) resources.pids = { limit: options.pidsLimit };
  // Device rules cannot be had in a user namespace, where the kernel refuses mknod anyway.
  if (!host.rootless && options.privileged !== true) {
    resources.devices = DEVICE_RULES.map((row) => row.rule);
  }
  return resources;
}

/** The OCI process of an exec: the container's own with what the caller changes. */
export function buildExecProcess(
  container: SpecProcess,
  command: readonly string[],
  options: ExecOptions,
  host: Host,
): SpecProcess {
  return {
    ...container,
    args: [...command],
    cwd: options.workdir ?? container.cwd,
    env: buildEnv(container.env, options.env ?? {}),
    ...(options.privileged === true
      ? {
          capabilities: capabilitySets(resolveCapabilities(options, host.capabilities)),
          noNewPrivileges: false,
        }
      : {}),
  };
}
