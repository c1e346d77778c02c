/** Rate over a sliding window, for "n a second, about m seconds left". */
export class RateMeter {
  readonly #windowMs: number;
  readonly #times: number[] = [];

  constructor(windowMs = 30_000) {
    this.#windowMs = windowMs;
  }

  add(now: number): void {
    this.#times.push(now);
    while (this.#times.length > 2 && now - (this.#times[0] ?? now) > this.#windowMs) this.#times.shift();
  }

  /** Events a second; undefined until two have been seen. */
  rate(now: number): number | undefined {
    const first = this.#times[0];
    if (first === undefined || this.#times.length < 2 || now <= first) return undefined;
    return ((this.#times.length - 1) * 1000) / (now - first);
  }

  secondsLeft(now: number, remaining: number): number | undefined {
    const rate = this.rate(now);
    return rate === undefined || rate === 0 ? undefined : remaining / rate;
  }
}
