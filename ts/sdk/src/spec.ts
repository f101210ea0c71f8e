/** Options and image defaults -> OCI runtime configuration. Pure: every decision, no effect. */

import { capabilitySets, resolveCapabilities } from './capabilities.ts';
import { DEVICE_RULES } from './device-rules.ts';
import { type DeviceNode, deviceSpec } from './devices.ts';
import { CtrError } from './errors.ts';
import { MASKED_PATHS, READONLY_PATHS, thermalPaths } from './hidden-paths.ts';
import { defaultMounts, userMounts } from './mounts.ts';
import { buildNamespaces } from './namespaces.ts';
import type { RuntimeSpec, SpecMount, SpecProcess, SpecResources } from './oci.ts';
import type { ContainerOptions, ExecOptions, ImageDefaults } from './options.ts';
import { buildLimits, isLimited } from './resources.ts';
import { rlimitsOf } from './ulimits.ts';

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
  /** The name of the machine. */
  hostname: string;
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
  /** Devices of the host to hand on, found there. */
  devices?: readonly DeviceNode[];
}

/** The OCI configuration of a container. */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { id, options, host } = input;
  const { domainname, annotations, sysctls, cgroupParent = 'ctr-ts' } = options;
  const open = options.privileged === true || options.systemPaths === 'unconfined';
  const { devices, mounts, rules } = handedOn(input);
  return {
    ociVersion: '1.3.0',
    process: buildProcess(input),
    root: { path: 'rootfs', readonly: options.readOnly === true },
    ...(options.uts === 'host' ? {} : { hostname: hostnameOf(id, options, host) }),
    ...(domainname === undefined ? {} : { domainname }),
    mounts: [...buildMounts(input), ...mounts],
    ...(annotations === undefined ? {} : { annotations }),
    linux: {
      namespaces: buildNamespaces(options, host.rootless),
      cgroupsPath: `${cgroupParent.replace(/\/+$/, '')}/${id}`,
      resources: { ...buildLimits(options), ...deviceRules(options, host, rules) },
      ...(devices.length === 0 ? {} : { devices }),
      ...(sysctls === undefined ? {} : { sysctl: sysctls }),
      maskedPaths: open
        ? []
        : [...MASKED_PATHS.map((row) => row.path), ...thermalPaths(host.thermalProcessors)],
      readonlyPaths: open ? [] : READONLY_PATHS.map((row) => row.path),
    },
  };
}

/** The name the container has for itself. As in docker, the host's where it shares its network. */
export function hostnameOf(id: string, options: ContainerOptions, host: Host): string {
  const shared = options.network === 'host' || options.uts === 'host';
  return options.hostname ?? (shared ? host.hostname : id.slice(0, 12));
}

function handedOn({ options, host, devices = [] }: SpecInput): ReturnType<typeof deviceSpec> {
  return deviceSpec(devices, options.deviceRules ?? [], host.rootless);
}

/** Whether the container may start without the cgroup it asks for. */
export function cgroupPolicy(options: ContainerOptions, host: Host): 'required' | 'preferred' {
  // SECURITY: with MKNOD, the device rules are all that keeps the container off the host's disks;
  // with a device that was given in part, they are what keeps back the other part.
  const devicesMatter =
    !host.rootless &&
    options.privileged !== true &&
    (resolveCapabilities(options, host.capabilities).includes('MKNOD') ||
      (options.devices ?? []).some(({ access = 'rwm' }) => !/^(?=.*r)(?=.*w)/.test(access)));
  return isLimited(options) || devicesMatter ? 'required' : 'preferred';
}

function buildProcess({ id, options, image, host, init }: SpecInput): SpecProcess {
  const names = resolveCapabilities(options, host.capabilities);
  const { ulimits, oomScoreAdj } = options;
  return {
    cwd: options.workdir ?? (image.workdir || '/'),
    env: buildEnv(image.env ?? [], options.env ?? {}, hostnameOf(id, options, host)),
    args: init ? ['init'] : processArgs(options, image),
    // A user by name is looked up inside the image; the request carries it beside the spec.
    user: { uid: 0, gid: 0 },
    capabilities: capabilitySets(names),
    noNewPrivileges: options.noNewPrivileges === true,
    ...(ulimits === undefined ? {} : { rlimits: rlimitsOf(ulimits) }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
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
    ipc: options.ipc,
    hostCgroups: options.cgroupns === 'host',
    shmSizeBytes: options.shmSizeBytes,
  }).map((row) => row.mount);
  // What the caller mounts at the very place of a default mount takes its place (docker too).
  const kept = [...imageMounts, ...defaults].filter((mount) => !replaced.has(mount.destination));
  return [...kept, ...own];
}

/** Which devices may be opened, by the cgroup. */
function deviceRules(
  options: ContainerOptions,
  host: Host,
  further: NonNullable<SpecResources['devices']>,
): Pick<SpecResources, 'devices'> {
  // Device rules cannot be had in a user namespace, where the kernel refuses mknod anyway.
  if (host.rootless || options.privileged === true) return {};
  return { devices: [...DEVICE_RULES.map((row) => row.rule), ...further] };
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
