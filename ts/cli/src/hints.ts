/** What to do next, for codes whose error does not say it. */

/** Code to next step. */
export const HINTS: Readonly<Record<string, string>> = {
  COMMAND_NOT_FOUND: 'check the spelling and the PATH of the image; an absolute path needs no PATH',
  COMMAND_NOT_EXECUTABLE:
    'check its mode and its first line (#!), or name the interpreter: sh FILE',
  BAD_WORKDIR: 'name a directory that the image has: --workdir DIR',
  MOUNT_FAILED: 'this user must be able to enter every directory above what is shown or run from',
  IMAGE_NOT_FOUND: 'check the name and the tag; ctr-ts images lists the images of this user',
  INVALID_IMAGE: 'it is no image that can be run: check its name, or build or copy it again',
  REGISTRY_ERROR: 'the registry failed: try again later',
  REGISTRY_UNREACHABLE: 'check the name of the registry and the network',
  REGISTRY_UNAUTHORIZED: 'log in with podman login or docker login; check the name too',
  IMAGE_IN_USE: 'remove the container first (ctr-ts ps -a), or force it: ctr-ts rmi -f IMAGE',
  USER_NOT_FOUND:
    'use a name that the image has, or numbers: --user 1000:1000; without subordinate ids (ctr-ts doctor) there is only root: --user 0',
  NAME_IN_USE: 'choose another --name, or remove the old one: ctr-ts rm -f NAME',
  CONTAINER_NOT_FOUND: 'ctr-ts ps -a lists the containers of this user',
  CONTAINER_NOT_RUNNING: 'ctr-ts ps -a shows how it ended',
  CONTAINER_RUNNING: 'ctr-ts rm -f kills it first',
  NO_TERMINAL:
    'attach needs a container of run -t; for a look into it: ctr-ts exec -it CONTAINER sh',
  TERMINAL_BUSY:
    'leave it there first (ctrl-p,ctrl-q), or look into it: ctr-ts exec -it CONTAINER sh',
  RUNTIME_LOST: 'run it again: a new owner is started',
  RLIMIT_REFUSED:
    'ask for at most the hard limit of this user, which ulimit -H shows, or run with CAP_SYS_RESOURCE',
  OOM_SCORE_REFUSED: 'only a privileged user may go below its own: cat /proc/self/oom_score_adj',
  INVALID_SYSCTL:
    'net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* are of a container with namespaces of its own',
  SYSCTL_REFUSED: 'the kernel does not take this value, or has no such parameter in a namespace',
  CGROUP_NOT_FOUND: 'ctr-ts cgroup tree lists the groups',
  CGROUP_EXISTS: 'choose another name, or change it: ctr-ts cgroup set NAME',
  CGROUP_BUSY: 'end or move the processes that ctr-ts cgroup stat lists',
  CGROUP_UNAVAILABLE: 'ctr-ts doctor says which controllers there are',
  CGROUP_NOT_DELEGATED: 'leave the limit out, or run it in a delegated group: ctr-ts doctor',
  UNSUPPORTED_ENVIRONMENT: 'ctr-ts doctor says what is refused',
  STATE_UNSAFE: 'remove or take over that directory: only you may be able to write to it',
};
