import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { JobError, SshError } from './boxErrors.ts';
import type { RemoteFiles } from './boxFiles.ts';
import type { PersistOptions } from './persist.ts';
import { persistently } from './persist.ts';

export interface TransferProgress {
  readonly file: string;
  /** Bytes of the file that have arrived, those of an earlier attempt included. */
  readonly done: number;
  readonly total: number;
}

export interface TransferOptions extends PersistOptions {
  readonly onProgress?: (progress: TransferProgress) => void;
}

const chunk = 1 << 18;
const smallFile = 1 << 20;
/** Paths in one command, which has a limit of its own. */
const batch = 100;
const step = 'file transfer';

/**
 * Copies a file to the box: into a part file named by its content, from where an earlier attempt left off; compared by
 * SHA-256 at the other end; then renamed into place. A file that is there already is left alone. Returns its SHA-256.
 * @throws SshError 'checksum'; JobError 'disk', 'unreachable' (the part file stays, and the next call goes on with it)
 */
export async function uploadFile(
  files: RemoteFiles,
  from: string,
  to: string,
  options: TransferOptions = {},
): Promise<string> {
  const { size } = await stat(from);
  const sha256 = await hashOfFile(from, options.signal);
  const part = `${to}.${sha256.slice(0, 16)}.part`;
  let reached = 0;
  for (let again = false; ; again = true) {
    const right = await persistently(options, async (arrived) => {
      const there = await files.stat(to, options.signal);
      if (there?.size === size && (await hashesOnBox(files, [to], options.signal))[0] === sha256) return true;
      const found = await files.stat(part, options.signal);
      let at = found === undefined || found.size > size ? 0 : found.size;
      // Bytes that arrived without our hearing of it are progress too.
      if (at > reached) arrived();
      reached = at;
      options.onProgress?.({ file: to, done: at, total: size });
      if (at < size || size === 0) {
        await files.append(part, at, createReadStream(from, { start: at, highWaterMark: chunk }), {
          ...(options.signal === undefined ? {} : { signal: options.signal }),
          onBytes: (count) => {
            arrived();
            at += count;
            options.onProgress?.({ file: to, done: at, total: size });
          },
        });
      }
      if ((await hashesOnBox(files, [part], options.signal))[0] !== sha256) {
        await files.remove(part, options.signal);
        return false;
      }
      await files.rename(part, to, options.signal);
      return true;
    });
    if (right) return sha256;
    // The part may have been another client's, or older than a crash of the box. A second time it is the line or a disk.
    if (again) throw wrongBytes(files.host, to);
  }
}

/** Copies a file from the box, as `uploadFile` does the other way. `sha256`: what it must be, where that is known. */
export async function downloadFile(
  files: RemoteFiles,
  from: string,
  to: string,
  options: TransferOptions & { readonly sha256?: string } = {},
): Promise<string> {
  await mkdir(dirname(to), { recursive: true });
  for (let again = false; ; again = true) {
    const sha256 = await persistently(options, async (arrived) => {
      const [hash] = await hashesOnBox(files, [from], options.signal);
      const found = await files.stat(from, options.signal);
      if (hash === undefined || found === undefined)
        throw Object.assign(new Error(`ENOENT: ${from} is not there on ${files.host}`), { code: 'ENOENT' });
      if (options.sha256 !== undefined && hash !== options.sha256) throw wrongBytes(files.host, from);
      if ((await sizeOf(to)) === found.size && (await hashOfFile(to, options.signal)) === hash) return hash;
      const part = `${to}.${hash.slice(0, 16)}.part`;
      const right = await fetchPart(files, from, part, found.size, arrived, options);
      if (!right || (await hashOfFile(part, options.signal)) !== hash) {
        await rm(part, { force: true });
        return undefined;
      }
      await rename(part, to);
      return hash;
    });
    if (sha256 !== undefined) return sha256;
    if (again) throw wrongBytes(files.host, from);
  }
}

/** Copies what is in a folder, its folders included, each file as `uploadFile` does. The folder is whole when it is done. */
export async function uploadFolder(
  files: RemoteFiles,
  from: string,
  to: string,
  options: TransferOptions & { readonly filter?: (path: string) => boolean } = {},
): Promise<void> {
  const names = await listFolder(from, options.filter);
  if ((await persistently(options, () => files.stat(to, options.signal))) !== undefined) return;
  const part = `${to}.part`;
  const folders = [...new Set(names.map((name) => files.join(part, ...name.split('/').slice(0, -1))))].sort();
  const isThere = (): Promise<boolean> =>
    persistently(options, async () => (await files.stat(to, options.signal)) !== undefined);
  try {
    for (const folder of folders) await persistently(options, () => files.makeFolder(folder, options.signal));
    const small: string[] = [];
    for (const name of names) {
      const local = join(from, ...name.split('/'));
      if ((await stat(local)).size <= smallFile) small.push(name);
      else await uploadFile(files, local, files.join(part, ...name.split('/')), options);
    }
    await uploadSmall(files, from, part, small, options);
    await persistently(options, () => files.rename(part, to, options.signal));
  } catch (error) {
    // Another client may have been faster; a name that holds a hash of the content then holds the same.
    if (options.signal?.aborted === true || JobError.is(error, 'unreachable') || !(await isThere())) throw error;
  }
}

/** Small files by plain writes, and one look at all of them before and after: a program a file would take far longer. */
async function uploadSmall(
  files: RemoteFiles,
  from: string,
  to: string,
  names: readonly string[],
  options: TransferOptions,
): Promise<void> {
  const remote = (name: string): string => files.join(to, ...name.split('/'));
  const wanted = await Promise.all(names.map((name) => hashOfFile(join(from, ...name.split('/')), options.signal)));
  const differing = async (): Promise<readonly string[]> => {
    const found = await persistently(options, () => hashesOnBox(files, names.map(remote), options.signal));
    return names.filter((_, i) => found[i] !== wanted[i]);
  };
  for (const name of await differing()) {
    const content = await readFile(join(from, ...name.split('/')));
    await persistently(options, () => files.write(remote(name), content, options.signal));
    options.onProgress?.({ file: remote(name), done: content.length, total: content.length });
  }
  const [wrong] = await differing();
  if (wrong !== undefined) throw wrongBytes(files.host, remote(wrong));
}

/** Paths of the files in a folder, with `/` between the parts, sorted. */
export async function listFolder(folder: string, filter: (path: string) => boolean = () => true): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/').replace(/^\/+/, ''))
    .filter(filter)
    .sort();
}

/** A name for what a folder holds: equal exactly when names and bytes are. */
export async function hashOfFolder(
  folder: string,
  filter?: (path: string) => boolean,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  for (const name of await listFolder(folder, filter))
    hash.update(`${name} ${await hashOfFile(join(folder, ...name.split('/')), signal)}\n`);
  return hash.digest('hex');
}

const hashScript =
  'for f do if [ -f "$f" ]; then { sha256sum <"$f" || shasum -a 256 <"$f" || openssl dgst -sha256 -r <"$f"; } 2>/dev/null; else echo none; fi; done';

/** SHA-256 of files on the box, one program for many; undefined for what is not there. */
export async function hashesOnBox(
  files: RemoteFiles,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<(string | undefined)[]> {
  const hashes: (string | undefined)[] = [];
  for (let at = 0; at < paths.length; at += batch) {
    const some = paths.slice(at, at + batch);
    const done = await files.exec(['/bin/sh', '-c', hashScript, 'sh', ...some], {
      ...(signal === undefined ? {} : { signal }),
    });
    const found = [...done.stdout.matchAll(/^(?:([0-9a-f]{64})|none)\b.*$/gm)].map((match) => match[1]);
    if (found.length !== some.length)
      throw new JobError(
        'cannot-start',
        `Files on the box ${files.host} cannot be compared: one cannot be read, or there is no program for SHA-256. Install sha256sum (coreutils), shasum or openssl there.`,
      );
    hashes.push(...found);
  }
  return hashes;
}

async function fetchPart(
  files: RemoteFiles,
  from: string,
  part: string,
  size: number,
  arrived: () => void,
  options: TransferOptions,
): Promise<boolean> {
  const file = await open(part, 'a');
  try {
    let at = (await file.stat()).size;
    if (at > size) return false;
    options.onProgress?.({ file: from, done: at, total: size });
    for await (const bytes of files.stream(from, at, options.signal)) {
      await file.write(bytes);
      at += bytes.length;
      arrived();
      options.onProgress?.({ file: from, done: at, total: size });
    }
    await file.sync();
    return at === size;
  } finally {
    await file.close();
  }
}

async function hashOfFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function wrongBytes(host: string, path: string): SshError {
  return new SshError(
    'checksum',
    host,
    step,
    `${path} has other bytes than it should have. Try again; if it stays so, look at the disks of both machines.`,
  );
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
