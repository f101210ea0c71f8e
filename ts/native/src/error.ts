/**
 * The one error class of ctr-ts. Every failure a caller can meet is a CtrError with a stable code;
 * only the command line turns it into words and an exit status.
 */

/** Codes this project gives a meaning to. A code may be added; none changes its meaning. */
export const ERROR_CODES = [
  // The machine and the installation.
  'UNSUPPORTED_PLATFORM',
  'UNSUPPORTED_ENVIRONMENT',
  'NATIVE_NOT_FOUND',
  'ALREADY_CONFIGURED',
  'RUNTIME_LOST',
  'RUNTIME_START',
  'INTERNAL',
  'FILE_NOT_FOUND',
  'PERMISSION_DENIED',
  'IO_ERROR',
  // What the caller asked for.
  'INVALID_ARGUMENT',
  'INVALID_REQUEST',
  'INVALID_SPEC',
  'INVALID_REFERENCE',
  'UNKNOWN_SOURCE',
  'NOT_YET',
  'ABORTED',
  'TIMED_OUT',
  // Images and registries.
  'IMAGE_NOT_FOUND',
  'IMAGE_AMBIGUOUS',
  'IMAGE_IN_USE',
  'INVALID_IMAGE',
  'PLATFORM_NOT_FOUND',
  'DIGEST_MISMATCH',
  'DIFFID_MISMATCH',
  'REGISTRY_UNREACHABLE',
  'REGISTRY_UNAUTHORIZED',
  'REGISTRY_ERROR',
  'DISK_FULL',
  // Containers and their records.
  'INVALID_NAME',
  'NAME_IN_USE',
  'ID_IN_USE',
  'CONTAINER_NOT_FOUND',
  'CONTAINER_AMBIGUOUS',
  'CONTAINER_NOT_RUNNING',
  'CONTAINER_RUNNING',
  'STATE_UNSAFE',
  'STATE_IO',
  // Starting a process.
  'COMMAND_NOT_FOUND',
  'COMMAND_NOT_EXECUTABLE',
  'USER_NOT_FOUND',
  // Terminals.
  'NO_TERMINAL',
  'TERMINAL_REFUSED',
  'TERMINAL_BUSY',
  // Control groups.
  'CGROUP_UNAVAILABLE',
  'CGROUP_NOT_DELEGATED',
  'CGROUP_EXISTS',
  'CGROUP_NOT_FOUND',
  'CGROUP_INVALID',
  'CGROUP_BUSY',
] as const;

/** A known code, or a newer one from a component of another version. */
export type ErrorCode = (typeof ERROR_CODES)[number] | (string & {});

/** What a failed system call or probe says about itself. */
export interface ErrorFacts {
  /** The step that failed, as in `mount /proc`. */
  step?: string | undefined;
  /** System call or operation. */
  call?: string | undefined;
  /** Its arguments. */
  arguments?: string | undefined;
  /** Error number of the kernel. */
  errno?: number | undefined;
  /** For UNSUPPORTED_ENVIRONMENT: which probe failed. */
  probe?: string | undefined;
  /** For UNSUPPORTED_ENVIRONMENT: what the user can do. */
  remedy?: string | undefined;
}

export interface CtrErrorOptions extends ErrorFacts {
  /** What the user can do next. */
  hint?: string | undefined;
  cause?: unknown;
}

/** A failure with a stable code. */
export class CtrError extends Error {
  readonly code: ErrorCode;
  // Only declared, so that a fact which is not known is no property at all.
  declare readonly hint?: string;
  declare readonly step?: string;
  declare readonly call?: string;
  declare readonly arguments?: string;
  declare readonly errno?: number;
  declare readonly probe?: string;
  declare readonly remedy?: string;

  constructor(code: ErrorCode, message: string, options: CtrErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CtrError';
    this.code = code;
    // A remedy is what the user can do next; one field is enough for whoever prints it.
    const hint = options.hint ?? options.remedy;
    if (hint !== undefined) this.hint = hint;
    if (options.step !== undefined) this.step = options.step;
    if (options.call !== undefined) this.call = options.call;
    if (options.arguments !== undefined) this.arguments = options.arguments;
    if (options.errno !== undefined && options.errno !== 0) this.errno = options.errno;
    if (options.probe !== undefined) this.probe = options.probe;
    if (options.remedy !== undefined) this.remedy = options.remedy;
  }

  /** The facts that are set, for machine-readable output. */
  toJSON(): { code: ErrorCode; message: string; hint?: string } & ErrorFacts {
    const { code, message, hint, step, call, errno, probe, remedy } = this;
    const facts = { hint, step, call, arguments: this.arguments, errno, probe, remedy };
    const present = Object.entries(facts).filter(([, value]) => value !== undefined);
    return { code, message, ...Object.fromEntries(present) };
  }
}
