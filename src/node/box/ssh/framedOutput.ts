/**
 * A remote command's output behind a line with a marker and its process's number. What comes before it was printed by
 * rc files of the login shell and is no part of the command's.
 */
export class FramedOutput {
  readonly #marker: Buffer;
  readonly #sink: (bytes: Buffer) => void;
  #before: Buffer = Buffer.alloc(0);
  #begun = false;
  #pid: number | undefined;

  constructor(marker: string, sink: (bytes: Buffer) => void) {
    this.#marker = Buffer.from(marker);
    this.#sink = sink;
  }

  /** Whether the marker has come: the command, and not only the login shell, was reached. */
  get begun(): boolean {
    return this.#begun;
  }

  get pid(): number | undefined {
    return this.#pid;
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
    const end = at < 0 ? -1 : all.indexOf(10, at);
    if (end < 0) {
      this.#before = at < 0 ? all.subarray(-4096) : all.subarray(at);
      return;
    }
    this.#begun = true;
    this.#before = all.subarray(0, at);
    const pid = Number(all.toString('latin1', at + this.#marker.length, end));
    this.#pid = Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
    if (all.length > end + 1) this.#sink(all.subarray(end + 1));
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
