import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { SFTPWrapper, Stats } from 'ssh2';
import { JobError } from '../boxErrors.ts';
import type { AppendOptions, BoxStat, ExecOptions, ExecResult, RemoteFiles } from '../boxFiles.ts';
import { isMissing } from '../boxFiles.ts';
import { abortable } from './abortable.ts';
import type { LiveConnection, SshConnection } from './connection.ts';
import { FileIds } from './fileIds.ts';
import { execOverSsh } from './sshExec.ts';
import { asWriteError, order, request } from './sftp.ts';

/** What every server takes in one packet. */
const packet = 32_000;
/** Bytes on their way at once: enough to keep a fast line busy, little enough that a sign of life gets through a slow one. */
const window = 1 << 20;

/** A host reached by SSH as a box: files over SFTP, programs by exec, all over one shared connection. */
export class SshFiles implements RemoteFiles {
  readonly #connection: SshConnection;
  readonly #ids: FileIds;

  constructor(connection: SshConnection) {
    this.#connection = connection;
    this.#ids = new FileIds(connection.host, async (path, signal) => {
      const listed = await this.exec(['ls', '-diL', path], signal === undefined ? {} : { signal });
      return /^\s*(\d+)\s/.exec(listed.stdout)?.[1];
    });
  }

  get host(): string {
    return this.#connection.host;
  }

  join(...parts: string[]): string {
    return posix.join(...parts);
  }

  home(signal?: AbortSignal): Promise<string> {
    return this.#sftp(signal, true, (sftp) => request<string>(this.host, '.', (done) => sftp.realpath('.', done)));
  }

  async stat(path: string, signal?: AbortSignal): Promise<BoxStat | undefined> {
    return this.#sftp(signal, true, async (sftp) => {
      const found = await statOf(this.host, sftp, path);
      if (found === undefined) return undefined;
      const id = await this.#ids.of(sftp, path, found, signal);
      return id === undefined ? undefined : { size: found.size, id };
    });
  }

  async read(path: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#sftp(signal, true, async (sftp) => {
      const handle = await request<Buffer>(this.host, path, (done) => sftp.open(path, 'r', done));
      try {
        return await this.#readPiece(sftp, handle, path, offset, length);
      } finally {
        sftp.close(handle, () => undefined);
      }
    });
  }

  async write(path: string, content: string | Uint8Array, signal?: AbortSignal): Promise<void> {
    const bytes = Buffer.from(content);
    // The same for a second try, so that the first leaves nothing behind.
    const part = `${path}.${randomUUID()}.part`;
    await this.#sftp(signal, true, async (sftp) => {
      try {
        const handle = await request<Buffer>(this.host, part, (done) => sftp.open(part, 'w', done));
        try {
          await this.#writeAll(sftp, handle, part, 0, bytes);
          await sync(this.host, sftp, handle, part);
        } finally {
          sftp.close(handle, () => undefined);
        }
        await this.#replace(sftp, part, path);
      } catch (error) {
        sftp.unlink(part, () => undefined);
        throw await asWriteError(this.host, path, sftp, error);
      }
    });
  }

  async makeFolder(path: string, signal?: AbortSignal): Promise<void> {
    if ((await this.#sftp(signal, true, (sftp) => statOf(this.host, sftp, path))) !== undefined) return;
    const parent = posix.dirname(path);
    if (parent !== path) await this.makeFolder(parent, signal);
    await this.#sftp(signal, true, async (sftp) => {
      try {
        await order(this.host, path, (done) => sftp.mkdir(path, done));
      } catch (error) {
        // Another client may have been faster.
        const made = await request<Stats>(this.host, path, (done) => sftp.stat(path, done)).catch(() => undefined);
        if (made?.isDirectory() === true) return;
        throw isMissing(error) ? noRoomFor(this.host, path) : await asWriteError(this.host, path, sftp, error);
      }
    });
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    await this.#sftp(signal, false, (sftp) => this.#replace(sftp, from, to));
  }

  async remove(path: string, signal?: AbortSignal): Promise<void> {
    await this.#sftp(signal, true, async (sftp) => {
      try {
        await order(this.host, path, (done) => sftp.unlink(path, done));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  async append(
    path: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
    options: AppendOptions = {},
  ): Promise<void> {
    await this.#sftp(options.signal, false, async (sftp, live) => {
      const handle = await request<Buffer>(this.host, path, (done) => sftp.open(path, offset === 0 ? 'w' : 'r+', done));
      try {
        const { size } = await request<Stats>(this.host, path, (done) => sftp.fstat(handle, done));
        if (size !== offset)
          throw Object.assign(new Error(`EEXIST: ${path} on ${this.host} has ${size} bytes instead of ${offset}`), {
            code: 'EEXIST',
          });
        let at = offset;
        const pending = new Set<Promise<void>>();
        const state: { failed?: { readonly error: unknown } } = {};
        for await (const chunk of content) {
          for (let from = 0; from < chunk.length; from += packet) {
            if (state.failed !== undefined || live.lost.aborted || options.signal?.aborted === true) break;
            const piece = Buffer.from(chunk.buffer, chunk.byteOffset + from, Math.min(packet, chunk.length - from));
            const sent = order(this.host, path, (done) => sftp.write(handle, piece, 0, piece.length, at, done)).then(
              () => {
                options.onBytes?.(piece.length);
              },
              (error: unknown) => {
                state.failed ??= { error };
              },
            );
            at += piece.length;
            pending.add(sent);
            void sent.then(() => pending.delete(sent));
            if (pending.size * packet >= window) await Promise.race(pending);
          }
          if (state.failed !== undefined || live.lost.aborted || options.signal?.aborted === true) break;
        }
        await Promise.all(pending);
        if (state.failed !== undefined) throw state.failed.error;
        await sync(this.host, sftp, handle, path);
      } catch (error) {
        throw await asWriteError(this.host, path, sftp, error);
      } finally {
        sftp.close(handle, () => undefined);
      }
    });
  }

  async *stream(path: string, offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const live = await this.#connection.use((connection) => Promise.resolve(connection), { signal });
    const guard = <T>(work: Promise<T>): Promise<T> => abortable(work, signal, live.lost);
    const sftp = await guard(live.sftp());
    const handle = await guard(request<Buffer>(this.host, path, (done) => sftp.open(path, 'r', done)));
    try {
      const { size } = await guard(request<Stats>(this.host, path, (done) => sftp.fstat(handle, done)));
      const pending: Promise<Uint8Array>[] = [];
      let asked = offset;
      for (let at = offset; at < size;) {
        while (pending.length * packet < window && asked < size) {
          const piece = this.#readPiece(sftp, handle, path, asked, Math.min(packet, size - asked));
          // Looked at in its turn; a connection that is lost fails them all at once.
          piece.catch(() => undefined);
          pending.push(piece);
          asked += packet;
        }
        const bytes = await guard(pending.shift() ?? Promise.resolve(new Uint8Array()));
        // The file became shorter while it was read.
        if (bytes.length === 0) return;
        at += bytes.length;
        yield bytes;
      }
    } finally {
      if (!live.lost.aborted) sftp.close(handle, () => undefined);
    }
  }

  exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.#connection.useChannel((live) => execOverSsh(this.host, live, command, options), options.signal);
  }

  #sftp<T>(
    signal: AbortSignal | undefined,
    again: boolean,
    work: (sftp: SFTPWrapper, live: LiveConnection) => Promise<T>,
  ): Promise<T> {
    return this.#connection.use(async (live) => work(await live.sftp(), live), { signal, again });
  }

  /** Fewer bytes only at the end of the file: a server may answer with less than was asked for. */
  async #readPiece(
    sftp: SFTPWrapper,
    handle: Buffer,
    path: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array> {
    const buffer = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const count = await request<number>(this.host, path, (done) =>
        sftp.read(handle, buffer, filled, length - filled, offset + filled, (error, bytesRead) =>
          done(error, bytesRead),
        ),
      );
      if (count === 0) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  }

  async #writeAll(sftp: SFTPWrapper, handle: Buffer, path: string, offset: number, bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length; from += window) {
      const end = Math.min(bytes.length, from + window);
      const sent: Promise<void>[] = [];
      for (let at = from; at < end; at += packet) {
        const length = Math.min(packet, end - at);
        sent.push(order(this.host, path, (done) => sftp.write(handle, bytes, at, length, offset + at, done)));
      }
      await Promise.all(sent);
    }
  }

  async #replace(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
    if (hasExtension(sftp, 'posix-rename@openssh.com')) {
      await order(this.host, to, (done) => sftp.ext_openssh_rename(from, to, done));
      return;
    }
    // SFTP's own rename refuses to replace. A reader may then find nothing for a moment, but never half a file.
    await order(this.host, to, (done) => sftp.unlink(to, done)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await order(this.host, to, (done) => sftp.rename(from, to, done));
  }
}

/** What is above it is no folder, or of a kind in which nothing is made. */
const noRoomFor = (host: string, path: string): JobError =>
  new JobError(
    'disk',
    `The folder ${path} cannot be made on ${host}: ${posix.dirname(path)} takes none. Choose another folder: autoact box add … --folder PATH`,
  );

async function statOf(host: string, sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  try {
    return await request<Stats>(host, path, (done) => sftp.stat(path, done));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function sync(host: string, sftp: SFTPWrapper, handle: Buffer, path: string): Promise<void> {
  if (!hasExtension(sftp, 'fsync@openssh.com')) return;
  await order(host, path, (done) => sftp.ext_openssh_fsync(handle, (error) => done(error)));
}

/** ssh2 keeps what the server announced to itself, and throws where an extension is missing. */
function hasExtension(sftp: SFTPWrapper, name: string): boolean {
  return (sftp as unknown as { _extensions?: Readonly<Record<string, string>> })._extensions?.[name] === '1';
}
