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
const REAL_TIME = 'use --cpus or --cpu-shares; real-time scheduling is not limited';
const NO_HEALTH = 'probe from outside: ctr-ts exec CONTAINER COMMAND';
const LOGS = 'redirect the output of ctr-ts run';
const BLOCK_IO = 'leave it out; block devices are not limited yet';

const RUN_ROWS: readonly Row[] = [
  ['detach', 'd', 'boolean', DETACH],
  ['publish', 'p', 'string', NETWORKS],
  ['publish-all', 'P', 'boolean', NETWORKS],
  ['ip', '', 'string', NETWORKS],
  ['ip6', '', 'string', NETWORKS],
  ['link', '', 'string', NETWORKS],
  ['link-local-ip', '', 'string', NETWORKS],
  ['mac-address', '', 'string', NETWORKS],
  ['network-alias', '', 'string', NETWORKS],
  ['net-alias', '', 'string', NETWORKS],
  ['restart', '', 'string', 'restart it in the shell: until ctr-ts run ...; do sleep 1; done'],
  ['volumes-from', '', 'string', 'repeat its --volume flags'],
  ['volume-driver', '', 'string', 'use --volume with an absolute path'],
  ['cpu-rt-period', '', 'string', REAL_TIME],
  ['cpu-rt-runtime', '', 'string', REAL_TIME],
  ['memory-swappiness', '', 'string', 'use --memory-swap: equal to --memory it is no swap at all'],
  ['kernel-memory', '', 'string', 'leave it out; kernels no longer limit it, --memory counts it'],
  [
    'oom-kill-disable',
    '',
    'boolean',
    'use --oom-score-adj -500: without the killer a container over its limit hangs for ever',
  ],
  ['device-read-bps', '', 'string', BLOCK_IO],
  ['device-read-iops', '', 'string', BLOCK_IO],
  ['device-write-bps', '', 'string', BLOCK_IO],
  ['device-write-iops', '', 'string', BLOCK_IO],
  ['blkio-weight', '', 'string', BLOCK_IO],
  ['blkio-weight-device', '', 'string', BLOCK_IO],
  ['gpus', '', 'string', 'leave it out; devices are not passed on yet'],
  ['health-cmd', '', 'string', NO_HEALTH],
  ['health-interval', '', 'string', NO_HEALTH],
  ['health-retries', '', 'string', NO_HEALTH],
  ['health-start-interval', '', 'string', NO_HEALTH],
  ['health-start-period', '', 'string', NO_HEALTH],
  ['health-timeout', '', 'string', NO_HEALTH],
  ['log-driver', '', 'string', LOGS],
  ['log-opt', '', 'string', LOGS],
  ['use-api-socket', '', 'boolean', 'leave it out; there is no daemon and no socket'],
  ['disable-content-trust', '', 'boolean', 'leave it out; signatures are not checked'],
  ['storage-opt', '', 'string', 'use --tmpfs TARGET:size=SIZE for bounded space'],
];

const EXEC_ROWS: readonly Row[] = [
  ['detach', 'd', 'boolean', 'let the shell hold it: ctr-ts exec ... &'],
  ['detach-keys', '', 'string', EXEC_ENDS],
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
