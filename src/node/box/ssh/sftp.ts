import type { SFTPWrapper } from 'ssh2';
import { JobError, unreachable } from '../boxErrors.ts';

/** Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7). */
const status = { noSuchFile: 2, permissionDenied: 3, failure: 4 } as const;

/** Calls one of ssh2's callback functions. Errors become the operating system's, as BoxFiles has them. */
export function request<T>(
  host: string,
  path: string,
  call: (done: (error: Error | null | undefined, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      call((error, value) => {
        if (error === undefined || error === null) resolve(value);
        else reject(asSystemError(host, path, error));
      });
    } catch (error) {
      // ssh2 throws when the channel is no longer there.
      reject(asSystemError(host, path, error instanceof Error ? error : new Error(String(error))));
    }
  });
}

/** As `request`, where there is nothing to return. */
export function order(host: string, path: string, call: (done: (error?: Error | null) => void) => void): Promise<void> {
  return request<undefined>(host, path, (done) => call((error) => done(error, undefined)));
}

function asSystemError(host: string, path: string, error: Error): Error {
  const code = statusOf(error);
  if (code === status.noSuchFile) return systemError('ENOENT', `${path} is not there on ${host}`, error);
  if (code === status.permissionDenied) return systemError('EACCES', `${path} on ${host}: permission denied`, error);
  if (code === undefined) return unreachable(host, 'file transfer', `${error.message}.`, error);
  return systemError('EIO', `${path} on ${host}: ${error.message}`, error);
}

function systemError(code: string, message: string, cause: Error): Error {
  return Object.assign(new Error(`${code}: ${message}`, { cause }), { code });
}

function statusOf(error: Error): number | undefined {
  return 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** What a failed write means to the user. SFTP says no more than "failure" of a full disk. */
export async function asWriteError(host: string, path: string, sftp: SFTPWrapper, error: unknown): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES')
    return new JobError('disk', `${path} on ${host} cannot be written: permission denied. Check the box's folder.`, {
      cause: error,
    });
  if (code !== 'EIO') return error;
  const folder = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  const free = await freeBytes(sftp, folder).catch(() => undefined);
  const room = free === undefined ? '' : ` ${(free / 1e9).toFixed(1)} GB are free there.`;
  return new JobError(
    'disk',
    `${path} on ${host} could not be written: the disk is full, a quota is used up, or the name is taken.${room} Free some space and go on.`,
    { cause: error },
  );
}

function freeBytes(sftp: SFTPWrapper, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    sftp.ext_openssh_statvfs(path, (error: Error | undefined, found: unknown) => {
      const { f_bavail: blocks, f_frsize: size } = (found ?? {}) as { f_bavail?: number; f_frsize?: number };
      if (error === undefined && blocks !== undefined && size !== undefined) resolve(blocks * size);
      else reject(error ?? new Error('no answer'));
    });
  });
}
