/**
 * Flags that docker's verbs have and ours do not, so far. Each row says what to do
 * instead, so that a pasted docker line ends in a next step and never in something half done.
 */

import type { Flag } from './flags.ts';

type Row = readonly [name: string, short: string, type: Flag['type'], instead: string];

const EXEC_ENDS =
  'what exec starts ends with it; leave and come back with the terminal of run -it and attach';
const DETACH = 'let the shell hold it: ctr-ts run ... &';
const NETWORKS = 'use --network host to reach and be reached, or --network none';
const CPU_LIMIT = 'use --cpus, for example --cpus 0.5';
const MEMORY_LIMIT = 'use --memory, for example --memory 256m';
const NO_HEALTH = 'probe from outside: ctr-ts exec CONTAINER COMMAND';
const LOGS = 'redirect the output of ctr-ts run';
const BLOCK_IO = 'leave it out; block devices are not limited yet';
const NAMESPACES = 'leave it out; the container gets a namespace of its own';
const IN_IMAGE = 'set it in the image';

const RUN_ROWS: readonly Row[] = [
  ['detach', 'd', 'boolean', DETACH],
  ['attach', 'a', 'string', 'leave it out; stdout and stderr are always shown, -i connects stdin'],
  ['publish', 'p', 'string', NETWORKS],
  ['publish-all', 'P', 'boolean', NETWORKS],
  ['expose', '', 'string', NETWORKS],
  ['ip', '', 'string', NETWORKS],
  ['ip6', '', 'string', NETWORKS],
  ['link', '', 'string', NETWORKS],
  ['link-local-ip', '', 'string', NETWORKS],
  ['mac-address', '', 'string', NETWORKS],
  ['network-alias', '', 'string', NETWORKS],
  ['dns', '', 'string', 'mount a file: -v ./resolv.conf:/etc/resolv.conf:ro'],
  ['dns-option', '', 'string', 'mount a file: -v ./resolv.conf:/etc/resolv.conf:ro'],
  ['dns-search', '', 'string', 'mount a file: -v ./resolv.conf:/etc/resolv.conf:ro'],
  ['add-host', '', 'string', 'mount a file: -v ./hosts:/etc/hosts:ro'],
  ['domainname', '', 'string', 'use --hostname'],
  ['restart', '', 'string', 'restart it in the shell: until ctr-ts run ...; do sleep 1; done'],
  ['env-file', '', 'string', 'use --env NAME=VALUE for each line'],
  ['label-file', '', 'string', 'use --label NAME=VALUE for each line'],
  ['mount', '', 'string', 'use --volume SOURCE:TARGET[:ro] or --tmpfs TARGET'],
  ['volumes-from', '', 'string', 'repeat its --volume flags'],
  ['volume-driver', '', 'string', 'use --volume with an absolute path'],
  ['init', '', 'boolean', 'start a reaper as the command, for example tini -- COMMAND'],
  ['runtime', '', 'string', 'leave it out; ctr-runtime is the only runtime'],
  ['cidfile', '', 'string', 'use --name, then ctr-ts inspect NAME'],
  ['cgroup-parent', '', 'string', 'leave it out; groups are made below /ctr-ts'],
  ['cgroupns', '', 'string', NAMESPACES],
  ['ipc', '', 'string', NAMESPACES],
  ['pid', '', 'string', NAMESPACES],
  ['userns', '', 'string', NAMESPACES],
  ['uts', '', 'string', NAMESPACES],
  ['cpu-period', '', 'string', CPU_LIMIT],
  ['cpu-quota', '', 'string', CPU_LIMIT],
  ['cpu-rt-period', '', 'string', CPU_LIMIT],
  ['cpu-rt-runtime', '', 'string', CPU_LIMIT],
  ['cpu-shares', 'c', 'string', CPU_LIMIT],
  ['cpuset-cpus', '', 'string', CPU_LIMIT],
  ['cpuset-mems', '', 'string', CPU_LIMIT],
  ['memory-reservation', '', 'string', MEMORY_LIMIT],
  ['memory-swap', '', 'string', MEMORY_LIMIT],
  ['memory-swappiness', '', 'string', MEMORY_LIMIT],
  ['oom-kill-disable', '', 'boolean', MEMORY_LIMIT],
  ['oom-score-adj', '', 'string', MEMORY_LIMIT],
  ['shm-size', '', 'string', 'use --tmpfs /dev/shm:size=SIZE'],
  ['device', '', 'string', 'use --volume /dev/NAME:/dev/NAME with --privileged'],
  ['device-cgroup-rule', '', 'string', 'use --privileged'],
  ['device-read-bps', '', 'string', BLOCK_IO],
  ['device-read-iops', '', 'string', BLOCK_IO],
  ['device-write-bps', '', 'string', BLOCK_IO],
  ['device-write-iops', '', 'string', BLOCK_IO],
  ['blkio-weight', '', 'string', BLOCK_IO],
  ['blkio-weight-device', '', 'string', BLOCK_IO],
  ['gpus', '', 'string', 'leave it out; devices are not passed on yet'],
  ['group-add', '', 'string', 'use --user USER:GROUP'],
  ['health-cmd', '', 'string', NO_HEALTH],
  ['health-interval', '', 'string', NO_HEALTH],
  ['health-retries', '', 'string', NO_HEALTH],
  ['health-start-period', '', 'string', NO_HEALTH],
  ['health-timeout', '', 'string', NO_HEALTH],
  ['no-healthcheck', '', 'boolean', 'leave it out; health checks of images are not run'],
  ['log-driver', '', 'string', LOGS],
  ['log-opt', '', 'string', LOGS],
  ['stop-signal', '', 'string', 'use ctr-ts stop --signal SIGNAL CONTAINER'],
  ['stop-timeout', '', 'string', 'use --timeout to limit the whole run'],
  ['storage-opt', '', 'string', 'use --tmpfs TARGET:size=SIZE for bounded space'],
  ['sysctl', '', 'string', IN_IMAGE],
  [
    'ulimit',
    '',
    'string',
    "use the shell's: ctr-ts run IMAGE sh -c 'ulimit -n 1024; exec COMMAND'",
  ],
  ['annotation', '', 'string', 'use --label'],
];

const EXEC_ROWS: readonly Row[] = [
  ['detach', 'd', 'boolean', 'let the shell hold it: ctr-ts exec ... &'],
  ['detach-keys', '', 'string', EXEC_ENDS],
  ['env-file', '', 'string', 'use --env NAME=VALUE for each line'],
];

const PS_ROWS: readonly Row[] = [
  ['filter', 'f', 'string', 'filter the JSON: ctr-ts ps --json | jq'],
  ['format', '', 'string', 'use --json, or -q for ids only'],
  ['last', 'n', 'string', 'use ctr-ts ps -a; the newest stand first'],
  ['latest', 'l', 'boolean', 'use ctr-ts ps -a; the newest stands first'],
  ['size', 's', 'boolean', 'use ctr-ts inspect CONTAINER'],
];

const PULL_ROWS: readonly Row[] = [
  ['all-tags', 'a', 'boolean', 'pull each tag by name: ctr-ts pull IMAGE:TAG'],
  ['disable-content-trust', '', 'boolean', 'leave it out; signatures are not checked'],
];

const IMAGES_ROWS: readonly Row[] = [
  ['all', 'a', 'boolean', 'leave it out; there are no intermediate images'],
  ['filter', 'f', 'string', 'name a repository: ctr-ts images REPOSITORY'],
  ['format', '', 'string', 'use --json, or -q for ids only'],
  ['tree', '', 'boolean', 'use --json'],
];

const RMI_ROWS: readonly Row[] = [
  ['no-prune', '', 'boolean', 'leave it out; layers that another image uses are kept'],
  ['platform', '', 'string', 'leave it out; an image is stored for one platform'],
];

/** The missing flags of docker's `run`. */
export const RUN_NOT_YET = RUN_ROWS.map(toFlag);
/** The missing flags of docker's `exec`. */
export const EXEC_NOT_YET = EXEC_ROWS.map(toFlag);
/** The missing flags of docker's `pull`. */
export const PULL_NOT_YET = PULL_ROWS.map(toFlag);
/** The missing flags of docker's `images`. */
export const IMAGES_NOT_YET = IMAGES_ROWS.map(toFlag);
/** The missing flags of docker's `rmi`. */
export const RMI_NOT_YET = RMI_ROWS.map(toFlag);
/** The missing flags of docker's `ps`. */
export const PS_NOT_YET = PS_ROWS.map(toFlag);

type Missing = Flag & { readonly notYet: string };

function toFlag([name, short, type, notYet]: Row): Missing {
  const flag = { name, type, notYet, help: 'not there yet' };
  return short === '' ? flag : { ...flag, short };
}
