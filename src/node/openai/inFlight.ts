import { untilAborted } from './breaker.ts';

/** Asks once for all who ask the same at the same time. */
export class InFlight<T> {
  readonly #asked = new Map<string, Promise<T>>();

  async share(key: string, signal: AbortSignal, ask: () => Promise<T>): Promise<{ value: T; shared: boolean }> {
    for (;;) {
      const other = this.#asked.get(key);
      if (other === undefined) break;
      try {
        return { value: await untilAborted(other, signal), shared: true };
      } catch (error) {
        signal.throwIfAborted();
        // Whoever asked may have been cancelled; that is no answer for those who were not.
        if (!isAbort(error)) throw error;
      }
    }
    const mine = ask();
    this.#asked.set(key, mine);
    try {
      return { value: await mine, shared: false };
    } finally {
      if (this.#asked.get(key) === mine) this.#asked.delete(key);
    }
  }
}

function isAbort(error: unknown): boolean {
  return !(error instanceof Error) || error.name === 'AbortError' || !('reason' in error);
}
