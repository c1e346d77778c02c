/**
 * What a job needs from the machine it runs on. Local, ssh and slurm differ behind this and nowhere else. Paths are
 * absolute paths of the box, with its separators. Every method throws JobError('unreachable') when the box cannot be
 * reached; other errors are the operating system's.
 */
export interface BoxFiles {
  /** undefined when there is nothing. `id` changes when another file takes the name. */
  stat(path: string, signal?: AbortSignal): Promise<BoxStat | undefined>;
  /** At most `length` bytes from byte `offset`; fewer at the end of the file. */
  read(path: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** The file is whole or not there: a part file is renamed. */
  write(path: string, content: string | Uint8Array, signal?: AbortSignal): Promise<void>;
  /** With parents; no error when it exists. */
  makeFolder(path: string, signal?: AbortSignal): Promise<void>;
  rename(from: string, to: string, signal?: AbortSignal): Promise<void>;
  /** Runs a program without a shell until it ends. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  join(...parts: string[]): string;
}

export interface BoxStat {
  readonly size: number;
  readonly id: string;
}

export interface ExecOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface ExecResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads a small file whole. undefined when it is not there; cut at `limit` bytes, since a box may send anything. */
export async function readSmall(
  files: BoxFiles,
  path: string,
  limit: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await files.read(path, 0, limit, signal));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** What a box that is another machine can do besides: move large files over a network that may break at any byte. */
export interface RemoteFiles extends BoxFiles {
  /** How the user calls the host. */
  readonly host: string;
  /** The user's home folder on the box. */
  home(signal?: AbortSignal): Promise<string>;
  /**
   * Writes on from byte `offset`, which must be the size that the file has (0: the file is made anew).
   * @throws JobError 'disk'; an error with code EEXIST when the file has another size
   */
  append(path: string, offset: number, content: AsyncIterable<Uint8Array>, options?: AppendOptions): Promise<void>;
  /** The bytes from `offset` to the end that the file has now. */
  stream(path: string, offset: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** No error when it is not there. */
  remove(path: string, signal?: AbortSignal): Promise<void>;
}

export interface AppendOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of bytes that the box has confirmed since the last call. */
  readonly onBytes?: (count: number) => void;
}
