/** Failures of the file system as coded errors. */

import { CtrError, type ErrorCode } from '@ctr-ts/native';

const CODES: Record<string, [ErrorCode, string]> = {
  ENOENT: ['FILE_NOT_FOUND', 'check the path'],
  ENOTDIR: ['FILE_NOT_FOUND', 'a part of the path is no directory'],
  EACCES: ['PERMISSION_DENIED', 'check its owner and mode'],
  EPERM: ['PERMISSION_DENIED', 'check its owner and mode'],
  EROFS: ['STORE_READ_ONLY', 'choose another data directory with CTR_TS_DATA_ROOT'],
  ENOSPC: ['DISK_FULL', 'free some space, or choose another data directory with CTR_TS_DATA_ROOT'],
  EDQUOT: ['DISK_FULL', 'your quota is used up'],
};

/** What a failed operation on `path` means to the user. */
export function fileError(operation: string, path: string, cause: unknown): CtrError {
  if (cause instanceof CtrError) return cause;
  const { code, syscall, errno } = cause as NodeJS.ErrnoException;
  const [known, hint] = CODES[code ?? ''] ?? ['IO_ERROR', undefined];
  return new CtrError(known, `${operation} ${path}: ${code ?? String(cause)}`, {
    cause,
    hint,
    call: syscall,
    arguments: path,
    errno: errno === undefined ? undefined : Math.abs(errno),
  });
}
