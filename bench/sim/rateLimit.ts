/** A bucket that fills at the rate and holds a minute's worth. */
export class RateLimit {
  readonly #perMs: number;
  readonly #size: number;
  readonly #clock: { now(): number };
  #left: number;
  #at: number;

  constructor(requestsPerMinute: number, clock: { now(): number }) {
    this.#perMs = requestsPerMinute / 60_000;
    this.#size = requestsPerMinute;
    this.#clock = clock;
    this.#left = requestsPerMinute;
    this.#at = clock.now();
  }

  /** @returns 0 when the request may pass, else milliseconds after which one may */
  take(): number {
    const now = this.#clock.now();
    this.#left = Math.min(this.#size, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
    if (this.#left >= 1) {
      this.#left--;
      return 0;
    }
    return Math.ceil((1 - this.#left) / this.#perMs);
  }
}
