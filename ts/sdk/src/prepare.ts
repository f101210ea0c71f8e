/** From options to a launch request: validate, look at the machine, prepare the image, decide. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parsePlatform } from '@ctr-ts/image';
import type { LaunchRequest } from '@ctr-ts/native';
import { type Core, openCore } from './core.ts';
import { type DeviceNode, findDevices } from './devices.ts';
import { etcFiles } from './etc-files.ts';
import { type HostFacts, hostFacts } from './host.ts';
import { type OpenedImage, openImage } from './image.ts';
import { checkUserns } from './namespaces.ts';
import type { ContainerOptions, ProcessOptions } from './options.ts';
import { type Directories, directories } from './paths.ts';
import type { OverlayUpper } from './plan.ts';
import { type ContainerRecord, makeRecord } from './record.ts';
import { settingsOf } from './settings.ts';
import { buildSpec, cgroupPolicy, hostnameOf, withHome } from './spec.ts';
import { terminalSize, withTerminal } from './terminal.ts';
import { validateContainer } from './validate.ts';

/** A container that can be launched; nothing of it exists yet but its image's layers. */
export interface Prepared {
  core: Core;
  directories: Directories;
  request: LaunchRequest;
  /** As in the request. */
  record: ContainerRecord;
  /** Lets go of the image's layers. To be called when the container has started, or does not. */
  release(): void;
}

/**
 * Decides everything about a container.
 *
 * @throws CtrError for whatever is wrong with the options, the machine or the image; `signal`'s
 * reason when that fires
 */
export async function prepareContainer(
  options: ContainerOptions & Pick<ProcessOptions, 'terminal'>,
  init: boolean,
  signal?: AbortSignal,
): Promise<Prepared> {
  // ORDER: bad options first, for they need no machine; then what the machine refuses; only then
  // is anything read or unpacked.
  await validateContainer(options);
  const paths = directories(options.engine);
  const core = openCore(paths);
  const host = await hostFacts(core);
  checkUserns(options, host.rootless);
  const devices = await findDevices(options, host);
  signal?.throwIfAborted();
  const id = randomBytes(32).toString('hex');
  const keep = options.remove === false;
  const image = await openImage({
    reference: options.image,
    pull: options.pull ?? 'missing',
    platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
    onPull: options.onPull,
    node: options.node !== false,
    core,
    directories: paths,
    host,
    upper: upperOf(paths, id, keep),
    signal,
  });
  try {
    signal?.throwIfAborted();
    return decide({ id, options, init, keep, image, core, directories: paths, host, devices });
  } catch (error) {
    await image.release();
    throw error;
  }
}

interface Facts {
  id: string;
  options: ContainerOptions & Pick<ProcessOptions, 'terminal'>;
  init: boolean;
  keep: boolean;
  image: OpenedImage;
  core: Core;
  directories: Directories;
  host: HostFacts;
  devices: readonly DeviceNode[];
}

/** What is left to decide when everything has been looked at. */
function decide(facts: Facts): Prepared {
  const { id, options, init, keep, image, core, directories: paths, host, devices } = facts;
  const spec = buildSpec({
    id,
    options,
    image: image.defaults,
    imageMounts: image.mounts,
    host,
    init,
    devices,
  });
  const hostname = hostnameOf(id, options, host);
  const user = options.user ?? (image.defaults.user || undefined);
  const { root } = image;
  const onDisk = root.kind === 'overlay' && root.upper.kind === 'directory';
  const record = makeRecord({
    options,
    image,
    init,
    hostname,
    settings: settingsOf(options, image.defaults),
    process: spec.process,
    user,
    writableLayer: onDisk && root.upper.kind === 'directory' ? root.upper.path : undefined,
  });
  const process = withTerminal(
    { ...spec.process, env: withHome(spec.process.env, user) },
    terminalSize(options.terminal),
  );
  return {
    core,
    directories: paths,
    record,
    release: () => void image.release(),
    request: {
      id,
      ...(options.name === undefined ? {} : { name: options.name }),
      stateRoot: paths.runRoot,
      keep,
      record,
      container: {
        id,
        spec: { ...spec, process },
        root: { source: root },
        program: init ? 'init' : options.init === true ? 'supervise' : 'command',
        ...(user === undefined ? {} : { user }),
        groups: options.groupAdd ?? [],
        files: etcFiles({
          names: options,
          hostname,
          domainname: options.domainname,
          hostNetwork: options.network === 'host',
          readonly: options.readOnly === true,
          taken: [...(options.volumes ?? []), ...(options.tmpfs ?? [])].map((row) => row.target),
        }),
        seccomp: record.seccomp,
        cgroup: cgroupPolicy(options, host),
      },
    },
  };
}

/** A layer that is thrown away lives in memory; one that is kept must outlive the reboot. */
function upperOf({ dataRoot }: Directories, id: string, keep: boolean): OverlayUpper {
  if (!keep) return { kind: 'tmpfs', sizeBytes: null };
  return { kind: 'directory', path: join(dataRoot, 'containers', id) };
}
