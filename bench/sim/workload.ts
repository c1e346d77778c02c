import { createRandom } from '../../src/core/run/random.ts';
import { ask, call } from '../../src/core/run/ask.ts';
import type { Method } from '../../src/core/run/request.ts';
import { charsPerToken, tokensOf, type EngineParameters } from './engine.ts';

/** One request of a trajectory as every driver sends it, in whatever language: all text is in the plan. */
export interface PlannedCall {
  /** Adapter that is asked; its name is the model's. */
  readonly model: 'plan' | 'tool' | 'reflect' | 'base';
  /** Added to the text before the prompt is sent. */
  readonly add: string;
  readonly tokens: number;
  readonly seed: number;
  /** A tool is called after the answer: it takes so long and its text is added. */
  readonly tool?: { readonly ms: number; readonly text: string };
}
/** Calls that follow on each other: each prompt is the text so far with answers and observations. */
export interface PlannedTrajectory {
  readonly id: string;
  /** What the first prompt begins with. */
  readonly head: string;
  readonly calls: readonly PlannedCall[];
}

function words(random: ReturnType<typeof createRandom>, tokens: number): string {
  let text = '';
  while (text.length < tokens * charsPerToken) text += `${random.int(2 ** 31).toString(36)} `;
  return text.slice(0, tokens * charsPerToken);
}

const systemTokens = 550;
const observationTokens = 150;

/** W2: AutoAct's chains of two to six steps with three adapters (evals-traces-speed 2.3). */
export function chains(count: number, seed: number): PlannedTrajectory[] {
  const system = words(createRandom('system prompt'), systemTokens);
  return Array.from({ length: count }, (_, n) => {
    const random = createRandom(seed).fork(`chain ${n}`);
    const calls: PlannedCall[] = [];
    let at = 0;
    const add = (model: PlannedCall['model'], text: string, tokens: number, tool?: PlannedCall['tool']): void => {
      calls.push({ model, add: text, tokens, seed: n * 64 + at++, ...(tool === undefined ? {} : { tool }) });
    };
    const steps = 2 + random.int(5);
    for (let step = 0; step < steps; step++) {
      add('plan', '\nThought:', 30 + random.int(30));
      add('plan', '\nAction:', 4 + random.int(3));
      add('tool', '[', 6 + random.int(10), {
        ms: 100 + random.int(300),
        text: `]\nObservation: ${words(random, observationTokens)}`,
      });
    }
    add('reflect', '\nThought:', 30 + random.int(30));
    add('reflect', '\nAction:', 4);
    return { id: `q${n}`, head: `${system}Question: ${words(random, 30)}`, calls };
  });
}

/** W1: single calls that think aloud. */
export function singles(count: number, seed: number): PlannedTrajectory[] {
  const system = words(createRandom('system prompt'), systemTokens);
  return Array.from({ length: count }, (_, n) => {
    const random = createRandom(seed).fork(`single ${n}`);
    return {
      id: `s${n}`,
      head: `${system}Question: ${words(random, 40)}`,
      calls: [{ model: 'base', add: '\nAnswer:', tokens: 60 + random.int(120), seed: n }],
    };
  });
}

/** W3: self-instruct, one shared prompt of 600 tokens, four samples of each request. */
export function selfInstructs(count: number, seed: number): PlannedTrajectory[] {
  const shared = words(createRandom('self-instruct'), 600);
  return Array.from({ length: count * 4 }, (_, n) => {
    const random = createRandom(seed).fork(`examples ${Math.floor(n / 4)}`);
    return {
      id: `r${n}`,
      head: shared + words(random, 80),
      calls: [{ model: 'base', add: '\nNew pairs:', tokens: 200 + (n % 4) * 30, seed: n }],
    };
  });
}

/** A planned trajectory as a method, for our runner. */
export function* asMethod(planned: PlannedTrajectory): Method<string> {
  let text = planned.head;
  for (const c of planned.calls) {
    text += c.add;
    const answer = yield* ask({
      role: c.model,
      purpose: c.model,
      prompt: text,
      stop: [],
      maxTokens: c.tokens,
      sampling: { temperature: 0, topP: 1, topK: 0, seed: c.seed },
    });
    text += answer.text;
    if (c.tool !== undefined) {
      const found = yield* call({ tool: String(c.tool.ms), argument: c.tool.text, state: {} });
      text += found.text;
    }
  }
  return text;
}

/**
 * What no client can beat (evals-traces-speed 2.2), in milliseconds: the longest chain alone, and all tokens at the
 * largest batch with every prefix computed once.
 */
export function physicalLimit(
  plan: readonly PlannedTrajectory[],
  { t0, td, tp, maxSequences }: EngineParameters,
  requestsPerMinute?: number,
): number {
  let chain = 0;
  let prefill = 0;
  let decode = 0;
  let calls = 0;
  const seen = new Set<string>();
  for (const { head, calls: list } of plan) {
    let own = 0;
    let length = tokensOf(head);
    const known = new Map<string, number>();
    const shared = Math.min(length, systemTokens);
    for (const c of list) {
      calls++;
      length += c.add.length / charsPerToken;
      const from = known.get(c.model);
      const fresh = length - (from ?? (seen.has(c.model) ? shared : 0));
      seen.add(c.model);
      prefill += fresh;
      decode += c.tokens;
      own += t0 + tp * fresh + c.tokens * (t0 + td) + (c.tool?.ms ?? 0);
      length += c.tokens;
      known.set(c.model, length);
      if (c.tool !== undefined) length += c.tool.text.length / charsPerToken;
    }
    chain = Math.max(chain, own);
  }
  const tokens = prefill * tp + decode * td + (decode / maxSequences) * t0;
  const rate = requestsPerMinute === undefined ? 0 : ((calls - requestsPerMinute) / requestsPerMinute) * 60_000;
  return Math.max(chain, tokens, rate);
}
