import type { Dialect } from './dialect.ts';
import type { HttpEndpoint } from './endpoint.ts';
import { TryFailure } from './failures.ts';
import { isIP } from 'node:net';

/** What every probe says first; test servers know it by this. */
export const probeText = 'The first letters of the alphabet are A, B, C,';

const batches = [1, 2, 4, 8] as const;
const tokens = 16;
/** Below this the network is measured and not the model. */
const shortestMs = 60;

/**
 * How many requests a server decodes together, where it does not say: batches of 1, 2, 4, 8 small requests, until a
 * token takes twice as long as alone. Only servers on this machine or a private network are measured; a hosted service
 * says by its rate limit what it takes, and every request has a price there.
 * @returns undefined when eight are no slower than one, or nothing can be told
 */
export async function measureParallel(
  endpoint: HttpEndpoint,
  model: string,
  dialect: Dialect,
  signal: AbortSignal,
): Promise<{ slots: number; from: string } | undefined> {
  if (!isPrivate(endpoint.whose.baseURL)) return undefined;
  const one = async (n: number): Promise<void> => {
    const text = `${probeText} and those after number ${n} are`;
    await endpoint.ask(
      model,
      {
        kind: 'complete',
        role: 'meta',
        purpose: 'probe',
        prompt: text,
        stop: [],
        maxTokens: tokens,
        sampling: { temperature: 0, topP: 1, topK: 0, seed: n },
      },
      dialect,
      signal,
    );
  };
  // The faster of two counts: something else that runs for a moment must not pass for the server's limit.
  const timed = async (batch: number): Promise<number> => {
    const began = performance.now();
    await Promise.all(Array.from({ length: batch }, (_, i) => one(batch + i)));
    return performance.now() - began;
  };
  let alone: number | undefined;
  let good = 1;
  try {
    for (const batch of batches) {
      const took = Math.min(await timed(batch), await timed(batch));
      if (alone === undefined) {
        if (took < shortestMs) return undefined;
        alone = took;
      } else if (took >= 2 * alone * slack) return { slots: good + 1, from: 'a measurement' };
      good = batch;
    }
  } catch (error) {
    if (!(error instanceof TryFailure)) throw error;
  }
  return undefined;
}

/** Timers and neighbours make some difference even where a server has room. */
const slack = 0.95;

function isPrivate(baseURL: string): boolean {
  const host = new URL(baseURL).hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host.endsWith('.local')) return true;
  if (isIP(host) === 6) return host === '::1' || /^f[cd]/i.test(host);
  return /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host) && isIP(host) === 4;
}
