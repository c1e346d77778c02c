import type { SFTPWrapper, Stats } from 'ssh2';
import { order, request } from './sftp.ts';

const remembered = 256;
const held = 8;

interface Known {
  readonly looks: string;
  readonly id: string;
}

/**
 * Tells whether a name still stands for the same file. SFTP does not tell inodes, and asking `ls` for one starts a
 * login shell, so for a file that grows its handle is kept open: while what the handle and the name show agrees, it is
 * the same file, and nothing has to be started. A file that takes a name with the size and the second of the one
 * before is noticed when it next changes: until then there is nothing new to read in it.
 */
export class FileIds {
  readonly #host: string;
  readonly #inode: (path: string, signal: AbortSignal | undefined) => Promise<string | undefined>;
  /** Outlives connections: a file keeps its id. */
  readonly #known = new Map<string, Known>();
  /** Handles belong to a connection. */
  readonly #handles = new WeakMap<SFTPWrapper, Map<string, Buffer>>();

  constructor(host: string, inode: (path: string, signal: AbortSignal | undefined) => Promise<string | undefined>) {
    this.#host = host;
    this.#inode = inode;
  }

  /** undefined when the file has gone meanwhile. */
  async of(
    sftp: SFTPWrapper,
    path: string,
    found: Stats,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const known = this.#known.get(path);
    if (known !== undefined && known.looks === looksOf(found)) return known.id;
    if (known !== undefined && (await this.#isHeld(sftp, path))) {
      this.#remember(path, { looks: looksOf(found), id: known.id });
      return known.id;
    }
    const id = await this.#inode(path, signal);
    if (id === undefined) return undefined;
    this.#remember(path, { looks: looksOf(found), id });
    // It has changed before and will again.
    if (known !== undefined && found.isFile()) await this.#hold(sftp, path, id);
    return id;
  }

  /** Whether the name still shows the file whose handle we have: nothing else could lie between two looks at it. */
  async #isHeld(sftp: SFTPWrapper, path: string): Promise<boolean> {
    const handle = this.#handles.get(sftp)?.get(path);
    if (handle === undefined) return false;
    if (await this.#agree(sftp, path, handle)) return true;
    this.#drop(sftp, path);
    return false;
  }

  async #hold(sftp: SFTPWrapper, path: string, id: string): Promise<void> {
    const handle = await request<Buffer>(this.#host, path, (done) => sftp.open(path, 'r', done)).catch(() => undefined);
    if (handle === undefined) return;
    // The handle may already be another file's than the one that `ls` saw.
    const still = (await this.#agree(sftp, path, handle)) && (await this.#inode(path, undefined)) === id;
    if (!still) {
      sftp.close(handle, () => undefined);
      return;
    }
    const handles = this.#handles.get(sftp) ?? new Map<string, Buffer>();
    this.#handles.set(sftp, handles);
    handles.set(path, handle);
    for (const oldest of handles.keys()) {
      if (handles.size <= held) break;
      this.#drop(sftp, oldest);
    }
  }

  async #agree(sftp: SFTPWrapper, path: string, handle: Buffer): Promise<boolean> {
    const ofHandle = (): Promise<Stats> => request<Stats>(this.#host, path, (done) => sftp.fstat(handle, done));
    const ofName = (): Promise<Stats> => request<Stats>(this.#host, path, (done) => sftp.stat(path, done));
    try {
      // Sent together, and answered in this order: a file that only grows shows at the name something in between.
      const [before, name, after] = await Promise.all([ofHandle(), ofName(), ofHandle()]);
      const between = (of: (stats: Stats) => number): boolean => of(before) <= of(name) && of(name) <= of(after);
      return owner(before) === owner(name) && between(({ size }) => size) && between(({ mtime }) => mtime);
    } catch {
      return false;
    }
  }

  #drop(sftp: SFTPWrapper, path: string): void {
    const handle = this.#handles.get(sftp)?.get(path);
    if (handle === undefined) return;
    this.#handles.get(sftp)?.delete(path);
    void order(this.#host, path, (done) => sftp.close(handle, done)).catch(() => undefined);
  }

  #remember(path: string, known: Known): void {
    if (this.#known.size >= remembered) this.#known.clear();
    this.#known.set(path, known);
  }
}

const owner = ({ uid, gid, mode }: Stats): string => `${uid} ${gid} ${mode}`;
const looksOf = (stats: Stats): string => `${owner(stats)} ${stats.size} ${stats.mtime}`;
