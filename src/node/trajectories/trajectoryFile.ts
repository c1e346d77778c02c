import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PublishedScore } from '../../core/data/publishedTrajectory.ts';
import { readStoredLine } from '../../core/trajectory/storedTrajectory.ts';
import type { StoredReading } from '../../core/trajectory/storedTrajectory.ts';
import { summarise } from '../../core/trajectory/summary.ts';
import { compareIndex, indexVersion } from '../../core/trajectory/trajectoryIndex.ts';
import type { FileLook, IndexHeader, IndexRow } from '../../core/trajectory/trajectoryIndex.ts';
import { TaskError } from '../store/taskError.ts';
import { readIndexHead, readIndexHeader, readIndexRows, writeIndex } from './indexFile.ts';
import { scanLines } from './scanLines.ts';
import { thinLine } from './thinLine.ts';

/** Bytes by which a file is known again. */
const lookBytes = 4096;
/** Smaller files are read again faster than their index. */
const indexedFrom = 4 << 20;
const carriageReturn = 0x0d;

export interface OpenOptions {
  /** Folder for indexes; without one nothing is kept. */
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Share of the bytes that have been read, 0..1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

interface Score {
  readonly correct: boolean | undefined;
  readonly reward: number | undefined;
}

/**
 * A file of trajectories, one JSON object a line: what the published code writes, `trajectories.jsonl` of an imported
 * folder with its `scores.jsonl`, or that of a run. Lines are found by offset and read one at a time, so that a file may
 * be as large as the disk.
 *
 * The index lies in a cache folder and not beside the file: data is often on a read-only disk or in a repository, and an
 * index that comes with a workspace could point anywhere.
 */
export class TrajectoryFile {
  readonly path: string;
  /** Trajectories in the order of the file; blank lines have none. */
  rows: readonly IndexRow[] = [];
  /** How the index came about when it was last looked at. */
  origin: 'read' | 'kept' | 'extended' | 'made' = 'made';
  private header: IndexHeader | undefined;
  private scores: ReadonlyMap<string, Score> = new Map();
  private readonly options: OpenOptions;
  private running: Promise<boolean> | undefined;

  private constructor(path: string, options: OpenOptions) {
    this.path = path;
    this.options = options;
  }

  /** @throws TaskError `data` when the file cannot be read */
  static async open(path: string, options: OpenOptions = {}): Promise<TrajectoryFile> {
    const file = new TrajectoryFile(path, options);
    await file.refresh();
    return file;
  }

  /**
   * The first rows of a file from its kept index, of which no more than their bytes are read: a table has something to
   * show while the rest is on its way. Undefined when there is no index, or the file has changed since.
   * @param most rows; there may be fewer
   */
  static async head(path: string, cache: string, most: number): Promise<readonly IndexRow[] | undefined> {
    const header = await readIndexHeader(cache, path);
    const file = header === undefined ? undefined : await open(path, 'r').catch(() => undefined);
    if (header === undefined || file === undefined) return undefined;
    try {
      if (compareIndex(header, await lookAt(file, header.indexedTo, scoresPath(path))) !== 'fresh') return undefined;
      return await readIndexHead(cache, path, most);
    } finally {
      await file.close();
    }
  }

  /** Looks at the file again and reads what is new in it. @returns whether anything is. @throws TaskError `data` */
  refresh(): Promise<boolean> {
    this.running ??= this.update()
      .catch((error: unknown) => {
        if (this.options.signal?.aborted === true) throw error;
        throw this.problemOf(error);
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  /** The row of a line of the file, counted from 1. */
  rowOfLine(line: number): number | undefined {
    let low = 0;
    let high = this.rows.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const at = this.rows[middle]?.line ?? 0;
      if (at === line) return middle;
      if (at < line) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** Reads a trajectory. @throws TaskError `data` when the file is gone or cannot be read any more */
  async read(row: number): Promise<StoredReading> {
    const at = this.rows[row];
    if (at === undefined) return { ok: false, reason: 'there is no such trajectory' };
    try {
      const file = await open(this.path, 'r');
      try {
        return this.withScore(await readRow(file, at), at.summary.id);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw this.problemOf(error);
    }
  }

  /** What the system says of a file that it does not let us read, in words; any other error as it is. */
  private problemOf(error: unknown): unknown {
    if ((error as NodeJS.ErrnoException).syscall === undefined) return error;
    return new TaskError('data', `The file ${this.path} cannot be read.`, 'Check whether it is there and may be read.');
  }

  private withScore(reading: StoredReading, id: string): StoredReading {
    const score = this.scores.get(reading.ok ? reading.trajectory.id : id);
    if (!reading.ok || score === undefined) return reading;
    const { correct, reward } = score;
    return {
      ok: true,
      trajectory: {
        ...reading.trajectory,
        ...(correct === undefined ? {} : { correct }),
        ...(reward === undefined ? {} : { reward }),
      },
    };
  }

  private async update(): Promise<boolean> {
    const { cache, signal, onProgress } = this.options;
    const file = await open(this.path, 'r');
    try {
      const known = this.header;
      const kept = known ?? (cache === undefined ? undefined : await readIndexHeader(cache, this.path));
      const look = await lookAt(file, kept?.indexedTo ?? 0, scoresPath(this.path));
      const state = kept === undefined ? 'stale' : compareIndex(kept, look);
      if (known !== undefined && state === 'fresh') {
        this.origin = 'kept';
        return false;
      }
      if (this.header === undefined || state === 'stale') this.scores = await readScores(scoresPath(this.path));
      let rows: IndexRow[] = [];
      if (kept !== undefined && state !== 'stale') {
        const before = known !== undefined ? [...this.rows] : await readIndexRows(cache, this.path, kept);
        if (before !== undefined) {
          rows = before;
          if (state === 'fresh') {
            this.rows = rows;
            this.header = kept;
            this.origin = 'read';
            return true;
          }
        }
      }
      const from = rows.length > 0 && kept !== undefined ? kept.indexedTo : 0;
      let line = from === 0 ? 0 : (kept?.lines ?? 0);
      // A last line without its end was indexed, and may have gone on since.
      while ((rows.at(-1)?.offset ?? -1) >= from) rows.pop();
      this.origin = from === 0 ? 'made' : 'extended';
      const stem = basename(this.path).replace(/\.jsonl?$/, '');
      let ended = line;
      const indexedTo = await scanLines(
        file,
        from,
        ({ offset, length, bytes, ended: complete }) => {
          line++;
          if (complete) ended = line;
          const trimmed = bytes?.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
          if (trimmed?.length === 0) return;
          const id = `${stem}/${line}`;
          const reading: StoredReading =
            trimmed === undefined
              ? { ok: false, reason: 'the line is too long to be read' }
              : this.withScore(readStoredLine(thinLine(trimmed).toString('utf8'), id), id);
          const summary = summarise(reading, id, groupOf(reading.ok ? reading.trajectory.id : id, stem));
          rows.push({ offset, length: trimmed?.length ?? length, line, summary });
        },
        { signal, onProgress: (read) => onProgress?.(look.size === 0 ? 1 : Math.min(1, (from + read) / look.size)) },
      );
      const after = await lookAt(file, indexedTo, scoresPath(this.path));
      this.header = { version: indexVersion, ...after, indexedTo, lines: ended, rows: rows.length };
      this.rows = rows;
      if (cache !== undefined && after.size >= indexedFrom) await writeIndex(cache, this.path, this.header, rows);
      return true;
    } finally {
      await file.close();
    }
  }
}

async function readRow(file: FileHandle, at: IndexRow): Promise<StoredReading> {
  if (at.summary.outcome === 'unreadable' && at.summary.remark.includes('too long'))
    return { ok: false, reason: at.summary.remark };
  const buffer = Buffer.alloc(at.length);
  const { bytesRead } = await file.read(buffer, 0, at.length, at.offset);
  if (bytesRead < at.length) return { ok: false, reason: 'the file was cut short since it was indexed' };
  return readStoredLine(buffer.toString('utf8'), at.summary.id);
}

/** Files of an imported folder hold several files' trajectories, told apart by their ids. */
function groupOf(id: string, stem: string): string {
  const slash = id.lastIndexOf('/');
  const first = id.split('/')[0] ?? '';
  if (first === 'synthesis' || slash < 0) return slash < 0 ? stem : 'synthesis';
  return id.slice(0, slash);
}

function scoresPath(path: string): string | undefined {
  return basename(path) === 'trajectories.jsonl' ? join(dirname(path), 'scores.jsonl') : undefined;
}

async function lookAt(file: FileHandle, indexedTo: number, scores: string | undefined): Promise<FileLook> {
  const { size, mtimeMs } = await file.stat();
  const beside = scores === undefined ? undefined : await stat(scores).catch(() => undefined);
  return {
    size,
    mtimeMs,
    head: await hashOf(file, 0, Math.min(lookBytes, indexedTo)),
    tail: await hashOf(file, Math.max(0, indexedTo - lookBytes), Math.min(lookBytes, indexedTo)),
    scores: beside === undefined ? '' : `${beside.size} ${beside.mtimeMs}`,
  };
}

async function hashOf(file: FileHandle, offset: number, length: number): Promise<string> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return createHash('sha1').update(buffer.subarray(0, bytesRead)).digest('base64');
}

/** What each trajectory scored, without the gold that lies beside it. */
async function readScores(path: string | undefined): Promise<Map<string, Score>> {
  const scores = new Map<string, Score>();
  const file = path === undefined ? undefined : await open(path, 'r').catch(() => undefined);
  if (file === undefined) return scores;
  try {
    await scanLines(file, 0, ({ bytes }) => {
      let value: unknown;
      try {
        value = JSON.parse(bytes?.toString('utf8') ?? '');
      } catch {
        return; // an empty or torn line: its trajectory has no score
      }
      const parsed = PublishedScore.safeParse(value);
      if (!parsed.success) return;
      const { correct, reward } = parsed.data.fields;
      const number = typeof reward === 'boolean' ? Number(reward) : reward;
      scores.set(parsed.data.id, {
        correct: typeof correct === 'boolean' ? correct : undefined,
        reward: typeof number === 'number' && Number.isFinite(number) ? number : undefined,
      });
    });
  } finally {
    await file.close();
  }
  return scores;
}
