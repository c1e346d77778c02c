import { createHash } from 'node:crypto';
import { ServerError } from '../../src/core/ports/models.ts';
import type { LogEntry } from '../../src/core/run/log.ts';
import { runItems } from '../../src/core/run/runner.ts';
import type { Endpoint } from '../../src/node/openai/endpoint.ts';
import { TryFailure } from '../../src/node/openai/failures.ts';
import { ModelServer } from '../../src/node/openai/modelServer.ts';
import { SimEngine } from './engine.ts';
import type { Preset } from './presets.ts';
import { RateLimit } from './rateLimit.ts';
import { VirtualClock } from './virtualClock.ts';
import { asMethod, type PlannedTrajectory } from './workload.ts';

export interface VirtualResult {
  readonly ms: number;
  readonly digest: string;
  readonly calls: number;
  readonly prefilled: number;
}

/** How a run is held back: by the client's own policies, or to a fixed number of trajectories, as peers do it. */
export type Holding = 'own' | { readonly trajectories: number };

/** Runs a workload with the product's runner and client against the simulated server, in virtual time. */
export async function virtualRun(
  plan: readonly PlannedTrajectory[],
  preset: Preset,
  holding: Holding,
): Promise<VirtualResult> {
  const clock = new VirtualClock();
  const engine = new SimEngine(preset.engine, clock);
  const limit = preset.requestsPerMinute === undefined ? undefined : new RateLimit(preset.requestsPerMinute, clock);
  const endpoint: Endpoint = {
    async ask(model, request) {
      await clock.sleep(1); // The way there and back.
      const wait = limit?.take() ?? 0;
      if (wait > 0)
        throw new TryFailure('busy', new ServerError('rate-limit', 'too many requests'), { retryAfterMs: wait });
      const done = await engine.ask(model, request.prompt, request.maxTokens, request.sampling.seed);
      return {
        answer: {
          kind: 'completion',
          text: done.text,
          finish: 'stop',
          usage: { promptTokens: done.promptTokens, completionTokens: done.completionTokens },
        },
      };
    },
    alive: () => Promise.resolve(true),
  };
  const client = new ModelServer({
    name: 'sim',
    endpoint,
    dialect: { api: 'completions', topK: true, seed: true, limit: 'max_tokens', prefill: 'none' },
    clock,
    ...(holding === 'own' ? { capacity: preset.tells } : { concurrency: 1024 }),
  });
  const log = new Map<string, LogEntry[]>();
  const work = runItems({
    items: plan.map((planned) => ({ key: planned.id, start: () => asMethod(planned) })),
    drivers: {
      complete: (request, signal, item) => client.complete(request.role, request, signal, item),
      call: async (request) => {
        await clock.sleep(Number(request.tool));
        return { kind: 'observation', text: request.argument, outcome: 'hit', state: {} };
      },
      ended: (item) => client.ended(item),
    },
    log: { entries: (item) => log.get(item) ?? [], append: () => undefined },
    concurrency: holding === 'own' ? 512 : holding.trajectories,
    signal: new AbortController().signal,
    now: () => clock.now(),
    hash: () => '',
  });
  const outcomes = await clock.run(work);
  return {
    ms: clock.now(),
    digest: digestOf(plan.map(({ id }) => outcomes.get(id))),
    calls: engine.calls,
    prefilled: engine.prefilled,
  };
}

export function digestOf(outcomes: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(outcomes)).digest('hex').slice(0, 16);
}
