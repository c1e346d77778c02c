import type { Clock } from './clock.ts';
import type { RateNote } from './endpoint.ts';

export interface WindowOptions {
  readonly clock: Clock;
  /** Ends a pause for good. */
  readonly lifetime: AbortSignal;
  /** Requests under way at once, as far as is known: the user's setting, or what the server can decode together. */
  readonly limit: number;
  /** Whether the limit is found out: grown while the server takes it, lowered when it says that it is too much. */
  readonly adaptive: boolean;
  /** Requests sent in a minute, spread evenly; left out, as many as there is room for. */
  readonly perMinute?: number;
}

const smallest = 1;
const lowering = 0.8;
/** What was not sent in time may be made up for, for no longer than this: a limit holds for short spans too. */
const creditMs = 250;

/**
 * Requests that are under way at one server. Where its limit is not known, it doubles with each full round of answers
 * until the server limits the rate (429, 503), then falls by a fifth at most once a round and grows by one a round
 * (additive increase, multiplicative decrease). A Retry-After holds back all that would be sent, not the one that was
 * refused.
 */
export class RequestWindow {
  readonly #options: WindowOptions;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #active = 0;
  #doubling: boolean;
  #answered = 0;
  /** Requests that began before this time say nothing about the limit as it is now. */
  #loweredAt = -Infinity;
  #pausedUntil = -Infinity;
  /** When the rate lets the next request go. */
  #nextAt = -Infinity;
  #timer = false;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#doubling = options.adaptive;
    this.#limit = options.adaptive ? Math.min(startOfAdaptive, options.limit) : options.limit;
  }

  get limit(): number {
    return this.#limit;
  }
  get active(): number {
    return this.#active;
  }
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Waits for room. @returns when the request was sent, to be handed back with its outcome. */
  async enter(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (this.#active < this.#limit && this.#waiting.length === 0 && this.#heldFor() <= 0) this.#take();
    else
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener('abort', abort);
          resolve();
        };
        const abort = (): void => {
          const at = this.#waiting.indexOf(go);
          if (at >= 0) this.#waiting.splice(at, 1);
          reject(signal.reason as Error);
        };
        this.#waiting.push(go);
        signal.addEventListener('abort', abort, { once: true });
        this.#admit();
      });
    return this.#options.clock.now();
  }

  leave(): void {
    this.#active--;
    this.#admit();
  }

  answered(rate?: RateNote): void {
    if (rate !== undefined && rate.remaining <= 0) this.pause(rate.resetMs);
    if (!this.#options.adaptive || ++this.#answered < this.#limit) return;
    this.#answered = 0;
    // A limit that is not made use of tells nothing about a higher one.
    if (this.#active < this.#limit - 1 && this.#waiting.length === 0) return;
    this.#limit = Math.min(this.#doubling ? this.#limit * 2 : this.#limit + 1, this.#options.limit);
    this.#admit();
  }

  /** The server said that it is too much. @param sentAt what {@link enter} returned */
  limited(sentAt: number, retryAfterMs: number | undefined): void {
    if (retryAfterMs !== undefined) this.pause(retryAfterMs);
    if (!this.#options.adaptive || sentAt < this.#loweredAt) return;
    this.#loweredAt = this.#options.clock.now();
    this.#doubling = false;
    this.#answered = 0;
    this.#limit = Math.max(smallest, Math.floor(this.#limit * lowering));
  }

  /** Nothing is sent for this long. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#options.clock.now() + ms);
  }

  /** For how long nothing may be sent: a pause, or the rate. */
  #heldFor(): number {
    return Math.max(this.#pausedUntil, this.#nextAt) - this.#options.clock.now();
  }

  #take(): void {
    this.#active++;
    const { perMinute, clock } = this.#options;
    if (perMinute !== undefined) this.#nextAt = Math.max(this.#nextAt, clock.now() - creditMs) + 60_000 / perMinute;
  }

  #admit(): void {
    while (this.#active < this.#limit && this.#waiting.length > 0) {
      const held = this.#heldFor();
      if (held > 0) {
        this.#admitIn(held);
        return;
      }
      this.#take();
      this.#waiting.shift()?.();
    }
  }

  #admitIn(ms: number): void {
    if (this.#timer) return;
    this.#timer = true;
    this.#options.clock.sleep(ms, this.#options.lifetime).then(
      () => {
        this.#timer = false;
        this.#admit();
      },
      () => undefined, // The client was closed, and nobody waits any more.
    );
  }
}

const startOfAdaptive = 16;
