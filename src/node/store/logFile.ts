import {
  readFileSync,
  closeSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
  fstatSync,
} from 'node:fs';
import type { LogEntry } from '../../core/run/log.ts';
import { RunError } from '../../core/run/runError.ts';
import type { RunLog } from '../../core/run/runner.ts';

/** Written at most this long after an answer, the log survives the loss of power up to then. */
const syncIntervalMs = 1000;

/**
 * `log.jsonl`, open for appending by the one process that runs the run. `append` returns once the line is written, some
 * microseconds later: to gather lines would hold the requests that follow up for longer. A line that a kill tore at the
 * end of the file is cut off when the log is opened; a torn line anywhere else is refused.
 */
export class LogFile implements RunLog {
  readonly #path: string;
  readonly #fd: number;
  readonly #byItem = new Map<string, LogEntry[]>();
  #size: number;
  #syncTimer: NodeJS.Timeout | undefined;
  #closed = false;
  /** The disk gave up what it had taken: nothing more can be promised. */
  #failure: RunError | undefined;

  private constructor(path: string, fd: number, size: number) {
    this.#path = path;
    this.#fd = fd;
    this.#size = size;
  }

  /** @throws RunError `log-corrupt` when a line before the last is not JSON; `disk` when the file cannot be opened. */
  static open(path: string): LogFile {
    let fd: number;
    try {
      fd = openSync(path, 'a+');
    } catch (error) {
      throw diskError(path, error);
    }
    const log = new LogFile(path, fd, fstatSync(fd).size);
    log.#load();
    return log;
  }

  /** The entries of one item, without taking the log over: a run that writes it is not disturbed. */
  static read(path: string, item: string): readonly LogEntry[] {
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        if (!line.includes(`"item":${JSON.stringify(item)}`)) return [];
        try {
          return [JSON.parse(line) as LogEntry];
        } catch {
          return []; // The line that is being written.
        }
      });
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  entries(item: string): readonly LogEntry[] {
    return this.#byItem.get(item) ?? [];
  }

  items(): IterableIterator<string> {
    return this.#byItem.keys();
  }

  /** @throws RunError `disk` */
  append(entry: LogEntry): void {
    if (this.#closed) throw new RunError('disk', `The log ${this.#path} is closed.`);
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      // A full disk may have taken half a line: take it back, so that the run can go on when there is room.
      try {
        ftruncateSync(this.#fd, this.#size);
      } catch {
        // Opening the log again cuts a torn last line off anyway.
      }
      throw diskError(this.#path, error);
    }
    this.#size += bytes.length;
    this.#index(entry);
    this.#syncTimer ??= setTimeout(() => this.#sync(), syncIntervalMs).unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#syncTimer !== undefined) clearTimeout(this.#syncTimer);
    try {
      fsyncSync(this.#fd);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Off the event loop: a slow disk must not hold up the requests that are under way. */
  #sync(): void {
    this.#syncTimer = undefined;
    if (this.#closed) return;
    fsync(this.#fd, (error) => {
      if (error !== null && !this.#closed) this.#failure = diskError(this.#path, error);
    });
  }

  #load(): void {
    const chunk = Buffer.allocUnsafe(1 << 20);
    let position = 0;
    let good = 0;
    let rest: Buffer = Buffer.alloc(0);
    let lineNumber = 0;
    for (;;) {
      const read = readSync(this.#fd, chunk, 0, chunk.length, position);
      if (read === 0) break;
      position += read;
      let bytes: Buffer = Buffer.concat([rest, chunk.subarray(0, read)]);
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
        lineNumber++;
        this.#remember(bytes.subarray(0, end).toString('utf8'), lineNumber);
        good += end + 1;
        bytes = bytes.subarray(end + 1);
      }
      rest = Buffer.from(bytes);
    }
    if (good < position) ftruncateSync(this.#fd, good);
    this.#size = good;
  }

  #remember(line: string, lineNumber: number): void {
    let entry: LogEntry;
    try {
      entry = JSON.parse(line) as LogEntry;
      if (typeof entry.item !== 'string') throw new TypeError('no item');
    } catch {
      throw new RunError(
        'log-corrupt',
        `Line ${lineNumber} of ${this.#path} is damaged. Restore the file from a copy, or start a new run; nothing was changed.`,
      );
    }
    this.#index(entry);
  }

  #index(entry: LogEntry): void {
    const known = this.#byItem.get(entry.item);
    if (known === undefined) this.#byItem.set(entry.item, [entry]);
    else known.push(entry);
  }
}

const ofARun = 'Free some space or choose another folder, then resume the run: everything up to here is kept.';

/**
 * Names the trouble in the user's words; a run stays resumable, since nothing half-written is kept.
 * @param remedy for what is no run
 */
export function diskError(path: string, error: unknown, remedy = ofARun): RunError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const what =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'The disk is full'
      : code === 'EACCES' || code === 'EROFS' || code === 'EPERM'
        ? 'No permission to write'
        : `Writing failed (${code || String(error)})`;
  return new RunError('disk', `${what}: ${path}`, remedy);
}
