/** Failures of the file system as coded errors. */

import { constants } from 'node:os';

import { CtrError, type ErrorCode } from '@ctr-ts/native';

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['FILE_NOT_FOUND', 'check the path'],
  ENOTDIR: ['FILE_NOT_FOUND', 'a part of the path is no directory'],
  EACCES: ['PERMISSION_DENIED', 'check its owner and mode'],
  EPERM: ['PERMISSION_DENIED', 'check its owner and mode'],
  EROFS: ['STORE_READ_ONLY', 'use a data directory on a disk that can be written to'],
  ENOSPC: ['DISK_FULL', 'free some space, or use a data directory on another disk'],
  EDQUOT: ['DISK_FULL', 'your quota is used up: free some space'],
};

/** What a failed operation on `path` means to the user; anything but a system error is as it was. */
export function fileError(operation: string, path: string, cause: unknown): unknown {
  if (cause instanceof CtrError) return isFull(cause) ? full(cause) : cause;
  if (!isSystemError(cause)) return cause;
  const { code = '', syscall, errno } = cause;
  const [known, hint] = CODES[code] ?? ['IO_ERROR', undefined];
  return new CtrError(known, `${operation} ${path}: ${code}`, {
    cause,
    hint,
    call: syscall,
    arguments: path,
    errno: errno === undefined ? undefined : Math.abs(errno),
  });
}

/** Whether the native core met a disk or quota that is full. */
function isFull({ code, errno }: CtrError): boolean {
  return (
    code === 'LAYER_IO' && (errno === constants.errno.ENOSPC || errno === constants.errno.EDQUOT)
  );
}

function full(cause: CtrError): CtrError {
  const [code, hint] = CODES['ENOSPC'] ?? ['IO_ERROR', undefined];
  return new CtrError(code, cause.message, { cause, hint, errno: cause.errno });
}

/** Whether a failure carries one of these error names. */
export function failedWith(cause: unknown, ...codes: string[]): boolean {
  return isSystemError(cause) && codes.includes(cause.code ?? '');
}

function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'syscall' in cause && 'code' in cause;
}
