import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
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
 * damaged line, which reading skips; what could not be written is kept here and written with the next record.
 */
export class AnnotatorFile {
  readonly path: string;
  readonly rater: string;
  readonly #now: () => number;
  /** Records that the disk did not take yet, oldest first. */
  readonly #unsaved: LabelRecord[] = [];
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

  get unsaved(): number {
    return this.#unsaved.length;
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
    if (this.#unsaved.length === 0) return;
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      const fd = openSync(this.path, appending, 0o666);
      try {
        for (let record = this.#unsaved[0]; record !== undefined; record = this.#unsaved[0]) {
          const line = `${JSON.stringify(record)}\n`;
          // After a torn line the record must not become part of it.
          const bytes = Buffer.from(endsInsideLine(fd) ? `\n${line}` : line);
          const written = writeSync(fd, bytes);
          if (written < bytes.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
          this.#unsaved.shift();
        }
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw diskError(this.path, error);
    }
  }
}

function endsInsideLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}
