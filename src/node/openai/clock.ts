import { setTimeout as wait } from 'node:timers/promises';

/** Time and chance as the client's policies see them; a test or a bench passes its own, in which no time passes. */
export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Rejects with the signal's reason when that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export const realClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
  // Only spreads retries in time; nothing that a run records depends on it.
  random: () => Math.random(),
};
