import { wilson } from '../evaluate/intervals.ts';
import { binomialTail, chiSquareTail } from './distributions.ts';
import type { Labels } from './labels.ts';
import type { StudyKey, StudyPlan } from './prepare.ts';

/** Whether the labels can be believed: did position matter, would annotators say it again, did they know the method? */

export interface PositionBias {
  readonly rater: string;
  /** Choices of one candidate by its position. */
  readonly counts: readonly number[];
  readonly chiSquare: number;
  readonly p: number | undefined;
}

/** Chi-square against equal counts; ties and "none" say nothing of position. */
export function positionBias(plan: StudyPlan, labels: ReadonlyMap<string, Labels>): PositionBias[] {
  return plan.raters.flatMap(({ name, presentations }) => {
    const width = presentations[0]?.order.length ?? 0;
    const counts = Array.from({ length: width }, () => 0);
    for (const byAspect of labels.get(name)?.choices.values() ?? [])
      for (const { positions } of byAspect.values()) {
        const [only] = positions;
        if (positions.length === 1 && only !== undefined && only < width) counts[only] = (counts[only] ?? 0) + 1;
      }
    const total = counts.reduce((a, b) => a + b, 0);
    if (total === 0) return [];
    const mean = total / width;
    const chiSquare = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
    // The approximation wants five in each cell.
    return [{ rater: name, counts, chiSquare, p: mean < 5 ? undefined : chiSquareTail(chiSquare, width - 1) }];
  });
}

export interface Consistency {
  /** Choices that were asked twice of the same annotator. */
  readonly repeats: number;
  readonly same: number;
  readonly rate: number | undefined;
  readonly low?: number;
  readonly high?: number;
  readonly byRater: readonly { readonly rater: string; readonly repeats: number; readonly same: number }[];
}

export function repeatConsistency(plan: StudyPlan, labels: ReadonlyMap<string, Labels>): Consistency {
  const byRater = plan.raters.flatMap(({ name, presentations }) => {
    let [repeats, same] = [0, 0];
    for (const [i, again] of presentations.entries()) {
      const first = presentations.slice(0, i).find((p) => p.unit === again.unit);
      if (first === undefined) continue;
      for (const [aspect, choice] of labels.get(name)?.choices.get(again.id) ?? []) {
        const before = labels.get(name)?.choices.get(first.id)?.get(aspect);
        if (before === undefined) continue;
        repeats++;
        if (sameSet(before.best, choice.best)) same++;
      }
    }
    return repeats === 0 ? [] : [{ rater: name, repeats, same }];
  });
  const repeats = byRater.reduce((sum, r) => sum + r.repeats, 0);
  const same = byRater.reduce((sum, r) => sum + r.same, 0);
  if (repeats === 0) return { repeats, same, rate: undefined, byRater };
  const { low, high } = wilson(same, repeats);
  return { repeats, same, rate: same / repeats, low, high, byRater };
}

export interface Audit {
  readonly method: string;
  readonly guesses: number;
  readonly right: number;
  /** What guessing blindly gives. */
  readonly chance: number | undefined;
  readonly rate: number | undefined;
  /** Exact, one-sided: this many right guesses or more by chance. */
  readonly p: number | undefined;
}

export function blindingAudit(plan: StudyPlan, key: StudyKey, labels: ReadonlyMap<string, Labels>): Audit {
  const method = key.methods.find((m) => m.id === key.auditMethod)?.title ?? key.auditMethod;
  let [guesses, right, chance] = [0, 0, 0];
  for (const { name, guesses: asked } of plan.raters)
    for (const presentation of asked) {
      const guess = labels.get(name)?.guesses.get(presentation.id);
      const has = presentation.order.some((c) => key.candidates[c]?.method === key.auditMethod);
      if (guess === undefined || !has) continue;
      guesses++;
      chance += 1 / presentation.order.length;
      if (key.candidates[guess.candidate]?.method === key.auditMethod) right++;
    }
  if (guesses === 0) return { method, guesses, right, chance: undefined, rate: undefined, p: undefined };
  return {
    method,
    guesses,
    right,
    chance: chance / guesses,
    rate: right / guesses,
    p: binomialTail(right, guesses, chance / guesses),
  };
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((x) => b.includes(x));
}
