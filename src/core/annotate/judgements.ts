import * as z from 'zod';
import type { Trajectory, TrajectoryStep } from '../trajectory/trajectory.ts';
import type { Labels } from './labels.ts';
import { Correction, targetKey, type LabelDraft, type Target } from './records.ts';

/** Verdicts on single trajectories, and the forks that corrections make of them. */

/** What a trajectory's hash is of: labels hold for exactly this content, whatever run it is found in. */
export function trajectoryContent(trajectory: Pick<Trajectory, 'steps'>): string {
  return JSON.stringify(trajectory.steps.map((s) => [s.thought, s.tool, s.argument, s.observation]));
}

/** The record of a correction. Empty thought or tool cannot be learnt from, so they are refused. */
export function correct(
  target: Target,
  step: number,
  before: Pick<TrajectoryStep, 'thought' | 'tool' | 'argument'>,
  after: { readonly thought: string; readonly tool: string; readonly argument: string },
): LabelDraft | undefined {
  const made = { thought: after.thought.trim(), tool: after.tool.trim(), argument: after.argument.trim() };
  const same = made.thought === before.thought && made.tool === before.tool && made.argument === before.argument;
  if (same || made.thought === '' || made.tool === '') return undefined;
  const { thought, tool, argument } = before;
  return { kind: 'correction', target, step, before: { thought, tool, argument }, after: made };
}

/**
 * The trajectory that a correction makes: the old one before the step, and the corrected step, whose observation
 * nobody has seen. A corrected answer ends it; else it is open, for a run to go on from.
 */
export function forkAt(trajectory: Trajectory, correction: Pick<Correction, 'step' | 'after'>): Trajectory | undefined {
  const old = trajectory.steps[correction.step - 1];
  if (old === undefined) return undefined;
  const isAnswer = correction.after.tool === 'Finish' && old.by === 'plan';
  const edited: TrajectoryStep = {
    ...old,
    ...correction.after,
    observation: '',
    parse: 'ok',
    outcome: isAnswer || old.by === 'reflect' ? 'loop' : 'hit',
  };
  const answers = trajectory.answers.filter((a) => a.step < correction.step);
  if (isAnswer) answers.push({ text: correction.after.argument, step: correction.step });
  return {
    steps: [...trajectory.steps.slice(0, correction.step - 1), edited],
    answer: answers.at(-1)?.text ?? null,
    answers,
    finished: isAnswer,
  };
}

/** What annotators together say of one trajectory. */
export const TrajectoryJudgement = z.object({
  /** Content that was judged. */
  hash: z.string(),
  item: z.string(),
  /** By more than half of those who said so; left out where they are of two minds or said nothing. */
  accepted: z.boolean().optional(),
  raters: z.array(z.string()),
  /** Steps, from 1 on, that somebody found at fault and nobody good. */
  faultySteps: z.array(z.number()),
  /** The last correction of each annotator, the earliest step first. */
  corrections: z.array(Correction),
});
export type TrajectoryJudgement = z.infer<typeof TrajectoryJudgement>;

/** Brings the annotators' labels of runs' trajectories together, by item and content. */
export function gatherJudgements(labels: ReadonlyMap<string, Labels>): TrajectoryJudgement[] {
  const targets = new Map<
    string,
    {
      item: string;
      hash: string;
      votes: [string, boolean][];
      good: Set<number>;
      bad: Set<number>;
      corrections: Correction[];
      raters: Set<string>;
    }
  >();
  for (const [rater, { targets: own }] of labels)
    for (const { verdicts, judgement, corrections } of own.values()) {
      const records = [...verdicts.values(), ...(judgement === undefined ? [] : [judgement]), ...corrections.values()];
      for (const record of records) {
        if (!('run' in record.target)) continue;
        const { item, hash } = record.target;
        const key = targetKey(record.target);
        const of = targets.get(key) ?? {
          item,
          hash,
          votes: [],
          good: new Set(),
          bad: new Set(),
          corrections: [],
          raters: new Set(),
        };
        targets.set(key, of);
        of.raters.add(rater);
        if (record.kind === 'judgement') of.votes.push([rater, record.accepted]);
        else if (record.kind === 'correction') of.corrections.push(record);
        else (record.verdict === 'good' ? of.good : of.bad).add(record.step);
      }
    }
  return [...targets.values()].map(({ item, hash, votes, good, bad, corrections, raters }) => {
    const yes = votes.filter(([, accepted]) => accepted).length;
    return {
      item,
      hash,
      ...(yes * 2 === votes.length ? {} : { accepted: yes * 2 > votes.length }),
      raters: [...raters],
      faultySteps: [...bad].filter((step) => !good.has(step)).sort((a, b) => a - b),
      corrections: corrections.sort((a, b) => a.step - b.step || (a.rater < b.rater ? -1 : 1)),
    };
  });
}
