import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from './boxErrors.ts';

export interface PersistOptions {
  readonly signal?: AbortSignal;
  /** How often in a row the connection may break without anything having arrived. */
  readonly attempts?: number;
  /** Wait before the second of them; doubles with each. */
  readonly retryMs?: number;
}

const longestWaitMs = 30_000;

/**
 * Does `work` again when the connection breaks, with longer and longer waits, as long as something arrives in between.
 * A host that was never met, and whose name or port nobody answers to, is not waited for: whoever waits is told.
 * Two clients that write the same part file count as a break too: one of them finds it longer than it thought.
 */
export async function persistently<T>(options: PersistOptions, work: (arrived: () => void) => Promise<T>): Promise<T> {
  const { attempts = 8, retryMs = 500, signal } = options;
  for (let failed = 0; ;) {
    try {
      return await work(() => (failed = 0));
    } catch (error) {
      const passing = (JobError.is(error, 'unreachable') && !error.lasting) || isTaken(error);
      if (!passing || signal?.aborted === true || ++failed >= attempts) throw error;
      const wait = Math.min(retryMs * 2 ** (failed - 1), longestWaitMs) * (0.5 + Math.random() / 2);
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}

const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST';
