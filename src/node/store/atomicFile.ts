import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { diskError } from './logFile.ts';

/** Writes a file so that a reader, or a crash, never sees half of it: temporary file, fsync, rename. */
export function writeFileAtomic(path: string, text: string, sync = true): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(temporary, 'w');
    try {
      const bytes = Buffer.from(text);
      let written = 0;
      while (written < bytes.length) written += writeSync(fd, bytes, written);
      if (sync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    replaceFile(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw diskError(path, error);
  }
}

/** What Windows says while another program, such as the editor or a virus scanner, has the file open. */
const heldOpen = new Set(['EPERM', 'EACCES', 'EBUSY']);
const longestHoldMs = 1000;

/** Renames over a file. On Windows it waits for those who read it at that moment. */
function replaceFile(from: string, to: string): void {
  const until = Date.now() + longestHoldMs;
  for (;;)
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      const passing = process.platform === 'win32' && heldOpen.has((error as NodeJS.ErrnoException).code ?? '');
      if (!passing || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
}

export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
