import * as z from 'zod';
import { costOf, type TokenPrice } from '../run/ledger.ts';
import type { LogEntry } from '../run/log.ts';
import type { Settings } from './settings.ts';

/** Questions of a pilot. */
export const pilotQuestions = 10;

const Amount = z.object({
  calls: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  /** Left out where no price is known. */
  cost: z.number().optional(),
});
export const Estimate = z.object({
  stages: z.array(
    Amount.extend({
      stage: z.enum(['selfInstruct', 'toolSelection', 'synthesis', 'evaluation']),
      /** How much was seen of it, and how much of that there will be: pairs, trajectories, answers. */
      seen: z.number(),
      times: z.number(),
      /** Two standard errors of the tokens, as a share of them; 0 where one sample says nothing about it. */
      uncertainty: z.number(),
    }),
  ),
  total: Amount,
  /** Seconds of a call in the pilot, and of the whole run if so many are under way at once and none gets slower. */
  secondsACall: z.number(),
  atOnce: z.number(),
  seconds: z.number(),
});
export type Estimate = z.infer<typeof Estimate>;
type Amount = z.infer<typeof Amount>;
type Stage = Estimate['stages'][number]['stage'];

export interface Pilot {
  readonly items: readonly { readonly key: string; readonly entries: readonly LogEntry[] }[];
  /** Pairs that self-instruct kept. */
  readonly pairs: number;
  /** Of a role, per million tokens. */
  readonly price: (role: string) => TokenPrice | undefined;
}

export interface Whole {
  readonly settings: Settings;
  readonly questions: number;
  readonly atOnce: number;
}

/** What a run will ask, from a pilot of the same run: each stage's mean times how often the stage will do the same. */
export function estimateRun(pilot: Pilot, { settings, questions, atOnce }: Whole): Estimate {
  const used = pilot.items.map(({ key, entries }) => ({ key, ...usageOf(entries, pilot.price) }));
  const { instances } = settings.selfInstruct;
  const trajectories = instances * settings.synthesis.rollouts;
  const of = (test: RegExp): Used[] => used.filter(({ key, calls }) => test.test(key) && calls > 0);
  const rollouts = of(/^synthesis\/[^/]+\/\d+$/);
  const reflections = of(/^synthesis\/.*\/reflection-\d+$/);
  const stages = [
    scaled('selfInstruct', of(/^selfInstruct\//), pilot.pairs, instances / Math.max(pilot.pairs, 1)),
    scaled('toolSelection', of(/^toolSelection\//), 1, 1),
    // Reflections come with the trajectories that they judge, in the share of the pilot.
    scaled('synthesis', [...rollouts, ...reflections], rollouts.length, trajectories / Math.max(rollouts.length, 1)),
    evaluation(of(/^evaluation\//), questions * settings.evaluation.samples * settings.evaluation.systems.length),
  ];
  const calls = used.reduce((sum, u) => sum + u.calls, 0);
  const ms = used.reduce((sum, u) => sum + u.ms, 0);
  const total = stages.reduce<Amount>(plus, { calls: 0, promptTokens: 0, completionTokens: 0 });
  const secondsACall = calls === 0 ? 0 : ms / calls / 1000;
  return { stages, total, secondsACall, atOnce, seconds: (total.calls * secondsACall) / atOnce };
}

interface Used extends Amount {
  readonly ms: number;
}

function evaluation(answers: readonly Used[], times: number): Estimate['stages'][number] {
  return scaled('evaluation', answers, answers.length, times / Math.max(answers.length, 1));
}

function scaled(stage: Stage, items: readonly Used[], seen: number, factor: number): Estimate['stages'][number] {
  const sum = items.reduce<Amount>(plus, { calls: 0, promptTokens: 0, completionTokens: 0 });
  const tokens = items.map((u) => u.promptTokens + u.completionTokens);
  const mean = tokens.reduce((a, b) => a + b, 0) / Math.max(tokens.length, 1);
  const variance = tokens.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(tokens.length - 1, 1);
  return {
    stage,
    seen,
    times: Math.round(seen * factor),
    uncertainty: tokens.length < 2 || mean === 0 ? 0 : (2 * Math.sqrt(variance / tokens.length)) / mean,
    calls: Math.round(sum.calls * factor),
    promptTokens: Math.round(sum.promptTokens * factor),
    completionTokens: Math.round(sum.completionTokens * factor),
    ...(sum.cost === undefined ? {} : { cost: sum.cost * factor }),
  };
}

function plus(a: Amount, b: Amount): Amount {
  return {
    calls: a.calls + b.calls,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    ...(a.cost === undefined && b.cost === undefined ? {} : { cost: (a.cost ?? 0) + (b.cost ?? 0) }),
  };
}

function usageOf(entries: readonly LogEntry[], price: Pilot['price']): Used {
  let all: Used = { calls: 0, promptTokens: 0, completionTokens: 0, ms: 0 };
  for (const entry of entries) {
    if (!('answer' in entry) || entry.answer.kind !== 'completion' || !('role' in entry.asked)) continue;
    const { usage } = entry.answer;
    const known = price(entry.asked.role);
    const one: Amount = {
      calls: 1,
      promptTokens: usage.promptTokens,
      completionTokens: usage.completionTokens,
      ...(known === undefined ? {} : { cost: costOf(usage, known) }),
    };
    all = { ...plus(all, one), ms: all.ms + entry.ms };
  }
  return all;
}
