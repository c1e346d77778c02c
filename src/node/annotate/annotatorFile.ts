import { randomBytes } from 'node:crypto';
import {
  close,
  closeSync,
  constants,
  fstatSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  readRecords,
  recordVersion,
  type LabelDraft,
  type LabelRecord,
  type ReadRecords,
} from '../../core/annotate/records.ts';
import { diskError } from '../store/logFile.ts';

/**
 * A link is not followed: in a workspace that is not trusted it could lead to any file of the user's. Windows knows no
 * such flag.
 */
const appending =
  constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | ((constants.O_NOFOLLOW as number | undefined) ?? 0);

/**
 * An annotator's file, appended at every change. It is only ever appended to, a whole line in one write, so that
 * two windows may have it open and git can merge it line by line. A line that a kill or a full disk tore stays as a
 * damaged line, which reading skips; what could not be written is kept here and written with the next record. `append`
 * returns once the system has the line, which outlives the program; the disk has it a moment later, and is not waited
 * for: a busy one can take a minute over it, and whoever labels presses the next key meanwhile.
 */
export class AnnotatorFile {
  readonly path: string;
  readonly rater: string;
  readonly #now: () => number;
  /** Records that the disk did not take yet, oldest first. */
  readonly #unsaved: LabelRecord[] = [];
  #syncing = false;
  /** Something was written since the sync under way began. */
  #syncAgain = false;
  /** The disk gave up what it had taken. Told with the next record, or when somebody tries again. */
  #lost: unknown;
  #stamp = '';
  #read: ReadRecords = { records: [], damaged: [], newer: 0 };
  #last = 0;

  constructor(path: string, rater: string, now: () => number = Date.now) {
    this.path = path;
    this.rater = rater;
    this.#now = now;
  }

  /** Records of the file, and those that wait for room on the disk. Read again when another window has written. */
  records(): readonly LabelRecord[] {
    this.refresh();
    return this.#unsaved.length === 0 ? this.#read.records : [...this.#read.records, ...this.#unsaved];
  }

  /** Line numbers that could not be read, and how many lines a newer version wrote. */
  get faults(): Pick<ReadRecords, 'damaged' | 'newer'> {
    return { damaged: this.#read.damaged, newer: this.#read.newer };
  }

  /** Records that the disk does not have; 1 at least while it is not known which of those it took it gave up. */
  get unsaved(): number {
    return Math.max(this.#unsaved.length, this.#lost === undefined ? 0 : 1);
  }

  /** Reads the file if it has changed. @returns whether it had */
  refresh(): boolean {
    let stamp = '';
    try {
      const { size, mtimeMs, ino } = statSync(this.path);
      stamp = `${size}/${mtimeMs}/${ino}`;
    } catch {
      // Not there yet.
    }
    if (stamp === this.#stamp) return false;
    this.#read = readRecords(stamp === '' ? '' : readFileSync(this.path, 'utf8'));
    this.#stamp = stamp;
    return true;
  }

  /**
   * Writes records. They count from now on, whatever the disk says: with an error they wait in memory, and the next
   * call writes them first. @throws RunError `disk`
   */
  append(...drafts: readonly LabelDraft[]): readonly LabelRecord[] {
    const made = drafts.map((draft): LabelRecord => {
      // Time only goes on, so that a file in order of time is in order of lines.
      this.#last = Math.max(this.#now(), this.#last + 1);
      const id = `${this.rater}-${randomBytes(9).toString('base64url')}`;
      return { v: recordVersion, id, t: this.#last, rater: this.rater, ...draft };
    });
    this.#unsaved.push(...made);
    this.flush();
    return made;
  }

  /** Writes records that were made elsewhere, as they are. @throws RunError `disk` */
  adopt(records: readonly LabelRecord[]): number {
    const known = new Set(this.records().map((r) => r.id));
    const fresh = records.filter((r) => !known.has(r.id));
    this.#unsaved.push(...fresh);
    this.flush();
    return fresh.length;
  }

  /** Tries again to write what the disk did not take. @throws RunError `disk` */
  flush(): void {
    if (this.#unsaved.length === 0 && this.#lost === undefined) return;
    let fd: number | undefined;
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      fd = openSync(this.path, appending, 0o666);
      for (let record = this.#unsaved[0]; record !== undefined; record = this.#unsaved[0]) {
        const line = `${JSON.stringify(record)}\n`;
        // After a torn line the record must not become part of it.
        const bytes = Buffer.from(endsInsideLine(fd) ? `\n${line}` : line);
        const written = writeSync(fd, bytes);
        if (written < bytes.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
        this.#unsaved.shift();
      }
      if (this.#lost !== undefined) fsyncSync(fd);
      this.#lost = undefined;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw diskError(this.path, error);
    }
    this.#sync(fd);
  }

  /** Closes `fd` when the disk has what was written. */
  #sync(fd: number): void {
    if (this.#syncing) {
      this.#syncAgain = true;
      closeSync(fd);
      return;
    }
    this.#syncing = true;
    const done = (error: Error | null | undefined): void => {
      this.#lost ??= error ?? undefined;
    };
    const sync = (): void => {
      this.#syncAgain = false;
      fsync(fd, (error) => {
        done(error);
        if (this.#syncAgain) sync();
        else {
          this.#syncing = false;
          close(fd, done);
        }
      });
    };
    sync();
  }
}

function endsInsideLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}
