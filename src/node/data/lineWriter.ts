import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { diskError } from '../store/logFile.ts';

const flushAt = 1 << 20;

/** Writes JSON Lines as they come, a megabyte at a time. @throws RunError `disk` */
export class LineWriter {
  readonly #path: string;
  readonly #fd: number;
  #pending: string[] = [];
  #size = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, 'w');
    } catch (error) {
      throw diskError(path, error);
    }
  }

  write(row: unknown): void {
    this.writeLine(JSON.stringify(row));
  }

  writeLine(line: string): void {
    this.writeText(`${line}\n`);
  }

  writeText(text: string): void {
    this.#pending.push(text);
    this.#size += text.length;
    if (this.#size >= flushAt) this.#flush();
  }

  close(): void {
    try {
      this.#flush();
      fsyncSync(this.#fd);
    } finally {
      closeSync(this.#fd);
    }
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending.join(''));
    this.#pending = [];
    this.#size = 0;
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      throw diskError(this.#path, error);
    }
  }
}
