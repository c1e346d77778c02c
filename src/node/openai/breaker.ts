import type { Clock } from './clock.ts';

/** What people are told about a server that the run waits for. */
export interface ServerState {
  readonly server: string;
  readonly state: 'answering' | 'waiting' | 'retrying';
  /** For people: since when, what failed, when it is tried again. */
  readonly message: string;
  /** How long it is waited for in all, while it is. */
  readonly patienceMs?: number;
}

export interface BreakerOptions {
  readonly clock: Clock;
  /** Whether the server answers at all; rejects only when cancelled. */
  readonly alive: (signal: AbortSignal) => Promise<boolean>;
  /** Ends the waiting for good. */
  readonly lifetime: AbortSignal;
  /** An outage that lasts longer ends the run, which can be resumed. */
  readonly patienceMs: number;
  /** Called when the run begins to wait, at each vain try, and when it goes on. */
  readonly onChange: (down: { readonly sinceMs: number; readonly nextInMs: number } | undefined) => void;
}

const firstWaitMs = 1000;
const longestWaitMs = 15_000;

/**
 * Holds back everything that would be asked of a server that is down, asks whether it is back, and lets all go on when
 * it is. A request's failure is no proof: whoever suspects an outage has the server asked, once for all who suspect it
 * at that time.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #check: Promise<boolean> | undefined;
  /** Resolves to whether the server came back. */
  #outage: Promise<boolean> | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get open(): boolean {
    return this.#outage !== undefined;
  }

  /** Resolves at once unless the server is down; otherwise when it is back (true), or when patience ends (false). */
  async passable(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const outage = this.#outage;
    return outage === undefined ? true : untilAborted(outage, signal);
  }

  /**
   * @param wait whether to wait for it if it is: from then on {@link passable} does
   * @returns whether the server is down
   */
  async suspect(wait: boolean, signal: AbortSignal): Promise<boolean> {
    if (this.open) return true;
    // The signal of whoever asks is not handed on: the next who suspects needs the answer too.
    this.#check ??= this.#options.alive(this.#options.lifetime).finally(() => (this.#check = undefined));
    const alive = await untilAborted(this.#check, signal);
    if (!alive && wait) this.#begin();
    return !alive;
  }

  #begin(): void {
    if (this.#outage !== undefined) return;
    this.#outage = this.#waitForIt().finally(() => (this.#outage = undefined));
    this.#outage.catch(() => undefined); // Ended with the client, when nobody may wait any more.
  }

  async #waitForIt(): Promise<boolean> {
    const { clock, alive, lifetime, patienceMs, onChange } = this.#options;
    const since = clock.now();
    let wait = firstWaitMs;
    for (;;) {
      onChange({ sinceMs: clock.now() - since, nextInMs: wait });
      await clock.sleep(wait, lifetime);
      if (await alive(lifetime)) {
        onChange(undefined);
        return true;
      }
      if (clock.now() - since > patienceMs) return false;
      wait = Math.min(wait * 2, longestWaitMs);
    }
  }
}

export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}
