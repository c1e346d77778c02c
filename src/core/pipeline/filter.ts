import { createRandom } from '../run/random.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import type { Mode } from './mode.ts';
import type { Settings } from './settings.ts';

/** A synthesised trajectory with its reward, judged against the instance's own answer (not against any gold). */
export interface ScoredTrajectory {
  /** The item's key. */
  readonly id: string;
  readonly instance: string;
  readonly question: string;
  readonly trajectory: Trajectory;
  /** Exact match with the instance's answer: what the paper's filter asks for (methods 1.6). */
  readonly correct: boolean;
  /** F1 with the instance's answer, 0..1. */
  readonly reward: number;
  /** For each answer of the trajectory in order, whether it was the instance's. */
  readonly answersCorrect: readonly boolean[];
  /** What people said of it, where the settings ask for that. */
  readonly human?: HumanVerdict;
}

/** Provenance of a person's part in a trajectory. */
export interface HumanVerdict {
  readonly verdict: 'accepted' | 'corrected' | 'unsure';
  readonly raters: readonly string[];
  /** Steps, from 1 on, that are history but no lesson. */
  readonly faultySteps: readonly number[];
  /** Which step was edited by hand, by which record, of which trajectory. */
  readonly edited?: { readonly step: number; readonly record: string; readonly from: string };
}

export const filterReasons = {
  noAnswer: 'no answer',
  wrong: 'reward below 1',
  surplus: 'more than needed',
  rejected: 'rejected by annotators',
  corrected: 'replaced by its correction',
} as const;
export type FilterReason = (typeof filterReasons)[keyof typeof filterReasons];

export interface FilterResult {
  readonly kept: readonly ScoredTrajectory[];
  readonly dropped: readonly { readonly id: string; readonly reason: FilterReason }[];
}

/**
 * Keeps trajectories with reward 1, at most `trajectories` of them: in random order as the published code does, or in
 * `fixed` mode in equal parts over trajectory lengths, so that the short ones, which are more often right, do not crowd
 * out the rest. `by: none` is the ablation: as many, chosen blindly.
 */
export function filterTrajectories(
  all: readonly ScoredTrajectory[],
  settings: Pick<Settings['filter'], 'by' | 'trajectories'>,
  mode: Mode,
  seed: number,
): FilterResult {
  const dropped: { id: string; reason: FilterReason }[] = [];
  const candidates: ScoredTrajectory[] = [];
  for (const scored of all) {
    if (settings.by === 'reward' && !scored.correct) {
      dropped.push({
        id: scored.id,
        reason: scored.trajectory.answer === null ? filterReasons.noAnswer : filterReasons.wrong,
      });
    } else candidates.push(scored);
  }
  const shuffled = createRandom(seed).fork(`filter/${settings.by}`).shuffle(candidates);
  const order =
    mode.stratifiedFilter && settings.by === 'reward'
      ? roundRobin(shuffled, (s) => String(toolSteps(s.trajectory)))
      : shuffled;
  const kept = order.slice(0, settings.trajectories);
  for (const surplus of order.slice(settings.trajectories))
    dropped.push({ id: surplus.id, reason: filterReasons.surplus });
  return { kept, dropped };
}

/** Steps that called a tool: the length by which trajectories are stratified. */
export function toolSteps(trajectory: Trajectory): number {
  return trajectory.steps.filter((s) => s.outcome !== 'loop').length;
}

function roundRobin<T>(list: readonly T[], stratum: (item: T) => string): T[] {
  const strata = new Map<string, T[]>();
  for (const item of list) {
    const key = stratum(item);
    const members = strata.get(key);
    if (members === undefined) strata.set(key, [item]);
    else members.push(item);
  }
  const out: T[] = [];
  for (let round = 0; out.length < list.length; round++) {
    for (const members of strata.values()) {
      const next = members[round];
      if (next !== undefined) out.push(next);
    }
  }
  return out;
}
