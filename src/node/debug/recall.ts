import { closeSync, openSync, readSync } from 'node:fs';
import type { Answer } from '../../core/run/request.ts';

/** Answers of a whole log by the hash of what was asked. The log is indexed once, when something is first looked up. */
export class Recall {
  readonly #path: string;
  #places: Map<string, { readonly offset: number; readonly length: number }> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  find(hash: string): Answer | undefined {
    this.#places ??= this.#index();
    const place = this.#places.get(hash);
    if (place === undefined) return undefined;
    const fd = openSync(this.#path, 'r');
    try {
      const bytes = Buffer.alloc(place.length);
      readSync(fd, bytes, 0, place.length, place.offset);
      const entry = JSON.parse(bytes.toString('utf8')) as { hash?: unknown; answer?: Answer };
      return entry.hash === hash ? entry.answer : undefined;
    } catch {
      return undefined; // The log was replaced since it was indexed.
    } finally {
      closeSync(fd);
    }
  }

  #index(): Map<string, { offset: number; length: number }> {
    const places = new Map<string, { offset: number; length: number }>();
    let fd: number;
    try {
      fd = openSync(this.#path, 'r');
    } catch {
      return places;
    }
    try {
      const chunk = Buffer.allocUnsafe(1 << 20);
      let rest: Buffer = Buffer.alloc(0);
      let offset = 0;
      for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) {
        let bytes: Buffer = Buffer.concat([rest, chunk.subarray(0, read)]);
        for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
          // The hash stands among the first fields; notes have no "ms" or "answer" behind their label.
          const hash = /"hash":"([0-9a-f]{64})","label":"(?:[^"\\]|\\.)*","(?:ms|answer)"/.exec(
            bytes.toString('utf8', 0, Math.min(end, 1024)),
          )?.[1];
          if (hash !== undefined) places.set(hash, { offset, length: end });
          offset += end + 1;
          bytes = bytes.subarray(end + 1);
        }
        rest = Buffer.from(bytes);
      }
    } finally {
      closeSync(fd);
    }
    return places;
  }
}
