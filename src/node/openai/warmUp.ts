import type { Clock } from './clock.ts';
import { untilAborted } from './breaker.ts';

/** Shared text below this many characters is prefilled faster than it is waited for. */
const worthIt = 800;
/** Nobody waits longer than this for a prefix. */
const longestWaitMs = 3000;

/**
 * Has a model's first prompt read once, for one token, before the prompts that begin like it are sent: sent all
 * together, each of them would have the server compute the same prefix again. Every adapter has its own.
 */
export class WarmUp {
  readonly #clock: Clock;
  readonly #first = new Map<string, { readonly prompt: string; ready: Promise<void> | undefined }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param read has the server read the prompt; whatever comes of it, the prompts are sent afterwards */
  async before(model: string, prompt: string, signal: AbortSignal, read: () => Promise<void>): Promise<void> {
    if (prompt.length < worthIt) return;
    let first = this.#first.get(model);
    if (first === undefined) {
      const timer = new AbortController();
      const tooLong = this.#clock.sleep(longestWaitMs, timer.signal).catch(() => undefined);
      const entry: { readonly prompt: string; ready: Promise<void> | undefined } = { prompt, ready: undefined };
      entry.ready = Promise.race([read().catch(() => undefined), tooLong]).then(() => {
        entry.ready = undefined;
        timer.abort();
      });
      first = entry;
      this.#first.set(model, first);
    }
    if (first.ready !== undefined && first.prompt.slice(0, worthIt) === prompt.slice(0, worthIt))
      await untilAborted(first.ready, signal);
  }
}
