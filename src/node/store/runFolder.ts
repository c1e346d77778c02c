import { existsSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { RunRecord } from '../../core/run/runRecord.ts';
import { RunError } from '../../core/run/runError.ts';
import { diskError } from './logFile.ts';
import { jsonLines, writeFileAtomic } from './atomicFile.ts';

/** A run's folder, `.autoact/runs/<id>/`; what is in it is described in ARCHITECTURE.md, "A run". */
export class RunFolder {
  readonly path: string;
  readonly id: string;

  constructor(runsFolder: string, id: string) {
    if (!/^[\w.-]+$/.test(id) || id.startsWith('.'))
      throw new RunError('run-missing', `"${id}" is not the name of a run.`);
    this.id = id;
    this.path = join(runsFolder, id);
  }

  get logPath(): string {
    return join(this.path, 'log.jsonl');
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder. @throws RunError `run-exists`, or `disk`. */
  create(record: RunRecord): void {
    if (existsSync(this.file('run.json')))
      throw new RunError(
        'run-exists',
        `There is a run "${this.id}" already. Resume it with --resume ${this.id}, or choose another name.`,
      );
    try {
      mkdirSync(this.path, { recursive: true });
    } catch (error) {
      throw diskError(this.path, error);
    }
    this.update(record);
  }

  /** Writes what was found out about the run since it was made. @throws RunError `disk` */
  update(record: RunRecord): void {
    writeFileAtomic(this.file('run.json'), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** @throws RunError `run-missing`, or `log-corrupt` when run.json cannot be read. */
  record(): RunRecord {
    let text: string;
    try {
      text = readFileSync(this.file('run.json'), 'utf8');
    } catch {
      throw new RunError(
        'run-missing',
        `There is no run "${this.id}" in ${this.path}.`,
        'List the runs with: autoact runs',
      );
    }
    const parsed = RunRecord.safeParse(safeJson(text));
    if (!parsed.success)
      throw new RunError(
        'log-corrupt',
        `${this.file('run.json')} is damaged: ${parsed.error.issues[0]?.message ?? 'not readable'}.`,
      );
    return parsed.data;
  }

  /** Writes a derived file: `database.jsonl`, `evaluation/autoact.jsonl`, … */
  writeRows(name: string, rows: readonly unknown[]): void {
    writeFileAtomic(this.file(name), jsonLines(rows));
  }

  writeText(name: string, text: string): void {
    writeFileAtomic(this.file(name), text);
  }

  /** The rows of a derived file, or undefined when it is not there yet. A damaged line is left out. */
  readRows(name: string): unknown[] | undefined {
    let text: string;
    try {
      text = readFileSync(this.file(name), 'utf8');
    } catch {
      return undefined;
    }
    return text.split('\n').flatMap((line) => {
      const row = line.trim() === '' ? undefined : safeJson(line);
      return row === undefined ? [] : [row];
    });
  }

  /**
   * Takes the run for this process. Two runners on one log would both ask the same questions.
   * @returns a function that gives it back. @throws RunError `run-exists` while another living process has it.
   */
  lock(): () => void {
    const path = this.file('lock');
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const fd = openSync(path, 'wx');
        writeSync(fd, String(process.pid));
        closeSync(fd);
        return () => rmSync(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(path, error);
        const holder = Number(readFileSync(path, 'utf8'));
        if (isAlive(holder))
          throw new RunError(
            'run-exists',
            `Run "${this.id}" is in use by process ${holder}.`,
            'Cancel it there, or wait until it has ended.',
          );
        rmSync(path, { force: true });
      }
    }
    throw new RunError(
      'run-exists',
      `Run "${this.id}" could not be locked.`,
      `Remove ${path} when no other process uses it.`,
    );
  }
}

/** Ids of the runs in a folder, newest first (ids begin with the time). */
export function listRuns(runsFolder: string): string[] {
  try {
    return readdirSync(runsFolder)
      .filter((name) => existsSync(join(runsFolder, name, 'run.json')))
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
