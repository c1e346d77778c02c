/** Bytes in pieces that end anywhere, also in the middle of a character, to whole lines. */
export class LineReader {
  readonly #limit: number;
  #decoder = new TextDecoder();
  #rest = '';
  #skipping = false;

  /** Lines longer than `limit` characters are dropped. */
  constructor(limit = 1 << 18) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): string[] {
    const pieces = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = pieces.pop() ?? '';
    if (this.#skipping && pieces.length > 0) {
      pieces.shift();
      this.#skipping = false;
    }
    if (this.#rest.length > this.#limit) {
      this.#rest = '';
      this.#skipping = true;
    }
    return pieces.filter((line) => line.length <= this.#limit);
  }
}
