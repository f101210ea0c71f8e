/** The codes a caller of the SDK can meet, each with what it means. */

export { CtrError, type CtrErrorOptions, type ErrorCode, type ErrorFacts } from '@ctr-ts/native';

/**
 * Every code the SDK itself gives a meaning to. Components below may add codes (an
 * {@link ErrorCode} is any string), none ever changes its meaning.
 */
export const SDK_ERRORS = {
  /** User namespaces, mounts or another facility is refused here; `probe` and `remedy` say which. */
  UNSUPPORTED_ENVIRONMENT: 'this machine refuses a facility that containers need',
  /** Not Linux on x64 or arm64. */
  UNSUPPORTED_PLATFORM: 'ctr-ts runs on Linux only',
  /** The process that owns the containers died; the next call starts a new one. */
  RUNTIME_LOST: 'the owner of the container is gone',
  /** An option has a value that means nothing. */
  INVALID_ARGUMENT: 'an option has an impossible value',
  /** A size, a number of CPUs or of processes that cannot be read or held by the kernel. */
  INVALID_LIMIT: 'a limit cannot be read or is out of range',
  /** A container name or host name with characters outside `[a-zA-Z0-9][a-zA-Z0-9_.-]*`. */
  INVALID_NAME: 'a name has characters that are not allowed',
  /** A volume or tmpfs whose target is not an absolute path, or that hides what may not be hidden. */
  INVALID_MOUNT: 'a mount cannot be made as asked',
  /** A capability name capabilities(7) does not know. */
  UNKNOWN_CAPABILITY: 'no such capability',
  /** A device, or a rule over devices, that cannot be. */
  INVALID_DEVICE: 'a device cannot be had as asked',
  /** A kernel parameter that is the machine's, or of a namespace the container shares. */
  INVALID_SYSCTL: 'the container has no such kernel parameter',
  /** The kernel did not take the value of a parameter. */
  SYSCTL_REFUSED: 'the kernel refuses the value of a parameter',
  /** A resource limit above this user's own hard limit. */
  RLIMIT_REFUSED: 'this user may not have that resource limit',
  /** An oom_score_adj below the caller's own. */
  OOM_SCORE_REFUSED: 'this user may not have that OOM score adjustment',
  /** A file that is to be made is there. */
  FILE_EXISTS: 'the file is there already',
  /** A path on the host that does not exist. */
  FILE_NOT_FOUND: 'a file or directory on the host is missing',
  /** The file system refuses this user. */
  PERMISSION_DENIED: 'this user may not do that to a file or directory of the host',
  /** A file of the image store is not what it should be; the message names it. */
  STORE_DAMAGED: 'a file of the image store is damaged',
  /** No space is left where images or records are kept. */
  DISK_FULL: 'the disk is full',
  /** No registry image, and not one of `host:`, `rootfs:DIR` and `oci:DIR[:TAG]`. */
  UNKNOWN_SOURCE: 'no such image source',
  /** Neither registry, store nor layout has the image, or the layout none for this machine. */
  IMAGE_NOT_FOUND: 'no such image',
  /** The image is not what the OCI image specification asks for. */
  INVALID_IMAGE: 'the image cannot be read',
  /** What stands where the image is named is no image reference. */
  INVALID_REFERENCE: 'no image reference',
  /** No network, no such host, or nobody answers there. */
  REGISTRY_UNREACHABLE: 'the registry cannot be reached',
  /** The registry wants other credentials, or none may read the image. */
  REGISTRY_UNAUTHORIZED: 'the registry refuses access',
  /** The registry failed, or does not speak the protocol. */
  REGISTRY_ERROR: 'the registry failed',
  /** What was downloaded is not what its digest says. */
  DIGEST_MISMATCH: 'a part of the image is not what its digest says',
  /** A layer is not what the image's config says. */
  DIFFID_MISMATCH: 'a layer is not what the image says',
  /** The image exists, for other platforms. */
  PLATFORM_NOT_FOUND: 'the image has no such platform',
  /** The image is for another kind of machine. */
  FOREIGN_PLATFORM: 'the image is for another platform',
  /** The prefix fits more than one image. */
  IMAGE_AMBIGUOUS: 'more than one image fits',
  /** A container on record has the image's layers. */
  IMAGE_IN_USE: 'a container uses the image',
  /** Another container has the name. */
  NAME_IN_USE: 'the name is taken',
  /** No container has this id or name. */
  CONTAINER_NOT_FOUND: 'no such container',
  /** The prefix fits more than one container. */
  CONTAINER_AMBIGUOUS: 'more than one container fits',
  /** The operation needs a running container. */
  CONTAINER_NOT_RUNNING: 'the container does not run',
  /** The operation needs a stopped container. */
  CONTAINER_RUNNING: 'the container runs',
  /** The program is not in the image (docker's exit code 127). */
  COMMAND_NOT_FOUND: 'no such program in the container',
  /** The program cannot be executed (docker's exit code 126). */
  COMMAND_NOT_EXECUTABLE: 'the program cannot be executed',
  /** The user or group is not in the image. */
  USER_NOT_FOUND: 'no such user in the container',
  /** The process or container was started without a terminal. */
  NO_TERMINAL: 'there is no terminal',
  /** Another process is connected to the container's terminal. */
  TERMINAL_BUSY: 'the terminal has a client',
  /** A limit was asked for and no cgroup can be made. */
  CGROUP_UNAVAILABLE: 'no cgroup can be had',
  /** A limit was asked for and this user was not given a subtree of cgroups. */
  CGROUP_NOT_DELEGATED: 'no cgroup was delegated to this user',
  /** The caller's AbortSignal fired; what had been started is killed. */
  ABORTED: 'the caller gave up',
  /** Starting took longer than `timeoutMs`; what had been started is killed. */
  TIMED_OUT: 'the time limit passed',
  /** `orThrow()`: the process ended with a code other than 0, or by a signal. */
  NONZERO_EXIT: 'the process failed',
  /** The feature is planned and does not exist; the hint names the alternative. */
  NOT_YET: 'not yet',
} as const;
