/**
 * A remote command's output behind a marker. What comes before it was printed by rc files of the login shell and is no
 * part of the command's.
 */
export class FramedOutput {
  readonly #marker: Buffer;
  readonly #sink: (bytes: Buffer) => void;
  #before: Buffer = Buffer.alloc(0);
  #begun = false;

  constructor(marker: string, sink: (bytes: Buffer) => void) {
    this.#marker = Buffer.from(marker);
    this.#sink = sink;
  }

  /** Whether the marker has come: the command, and not only the login shell, was reached. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The end of what came before the marker, for a message. */
  get banner(): string {
    return this.#before.toString('utf8').slice(-400).trim();
  }

  push(bytes: Buffer): void {
    if (this.#begun) {
      this.#sink(bytes);
      return;
    }
    const all = Buffer.concat([this.#before, bytes]);
    const at = all.indexOf(this.#marker);
    if (at < 0) {
      this.#before = all.subarray(-Math.max(4096, this.#marker.length));
      return;
    }
    this.#begun = true;
    this.#before = all.subarray(0, at);
    if (all.length > at + this.#marker.length) this.#sink(all.subarray(at + this.#marker.length));
  }
}

/** Keeps the first bytes up to a limit: a box may send anything. */
export class Capture {
  readonly #limit: number;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Buffer): void {
    const room = this.#limit - this.#size;
    if (room <= 0) return;
    this.#pieces.push(bytes.subarray(0, room));
    this.#size += Math.min(room, bytes.length);
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}
