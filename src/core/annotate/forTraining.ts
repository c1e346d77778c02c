import type { Trajectory } from '../trajectory/trajectory.ts';
import type { TargetLabels, Labels } from './labels.ts';
import type { Origin, StudyItem, StudyKey } from './prepare.ts';
import type { Correction, LabelRecord } from './records.ts';

/**
 * A study of single trajectories, brought back to the runs' trajectories that its candidates were made of: from there
 * the filter and the training data take them as they take labels of traces (`pipeline/humanJudgements.ts`).
 */

export interface ForTraining {
  /** By annotator; the same study gives the same ids. */
  readonly records: ReadonlyMap<string, readonly LabelRecord[]>;
  readonly counts: { readonly judgements: number; readonly verdicts: number; readonly corrections: number };
  /** What was left out, by reason. */
  readonly leftOut: ReadonlyMap<string, number>;
}

export interface ForTrainingInput {
  readonly key: StudyKey;
  readonly items: readonly StudyItem[];
  /** The annotators' alone. */
  readonly labels: ReadonlyMap<string, Labels>;
  /** The run's trajectory, where its run is there and its content is what was judged. */
  readonly trajectoryOf: (origin: Origin) => Trajectory | undefined;
}

/** How ids of such records end, so that they can be found again. */
export const trainingMark = (study: string): string => `+${study}`;

export function studyForTraining({ key, items, labels, trajectoryOf }: ForTrainingInput): ForTraining {
  const counts = { judgements: 0, verdicts: 0, corrections: 0 };
  const leftOut = new Map<string, number>();
  const leave = (reason: string, n: number): void => {
    if (n > 0) leftOut.set(reason, (leftOut.get(reason) ?? 0) + n);
  };
  const shown = new Map(items.flatMap((item) => item.candidates.map((c) => [c.id, c.steps] as const)));
  const records = new Map<string, LabelRecord[]>();
  for (const [rater, { targets }] of labels) {
    const own: LabelRecord[] = [];
    for (const [target, said] of targets) {
      const candidate = target.slice(target.indexOf(':') + 1);
      const origin = key.candidates[candidate]?.origin;
      const total = recordsOf(said);
      if (origin === undefined) {
        leave('not a run’s trajectory', total);
        continue;
      }
      const trajectory = trajectoryOf(origin);
      if (trajectory === undefined) {
        leave('its run is not here, or has changed', total);
        continue;
      }
      const { run, item, hash } = origin;
      const moved = { target: { run, item, hash } };
      const id = (record: LabelRecord): string => `${record.id}${trainingMark(key.name)}`;
      if (said.judgement !== undefined) {
        own.push({ ...said.judgement, ...moved, id: id(said.judgement) });
        counts.judgements++;
      }
      for (const verdict of said.verdicts.values()) {
        const step = origin.steps[verdict.step - 1];
        if (step === undefined) continue;
        own.push({ ...verdict, ...moved, id: id(verdict), step });
        counts.verdicts++;
      }
      for (const correction of said.corrections.values()) {
        const made = corrected(correction, origin, trajectory, shown.get(candidate) ?? []);
        if (made === undefined) leave('a corrected tool whose own name is not known', 1);
        else {
          own.push({ ...made, ...moved, id: id(correction) });
          counts.corrections++;
        }
      }
    }
    if (own.length > 0) records.set(rater, own);
  }
  return { records, counts, leftOut };
}

const recordsOf = ({ judgement, verdicts, corrections }: TargetLabels): number =>
  (judgement === undefined ? 0 : 1) + verdicts.size + corrections.size;

/**
 * What was corrected of the neutral text, in the trajectory's own words: what the annotator left alone is as the
 * trajectory has it, and a tool under its common name is the trajectory's tool of that name.
 */
function corrected(
  correction: Correction,
  origin: Origin,
  trajectory: Trajectory,
  shown: StudyItem['candidates'][number]['steps'],
): Correction | undefined {
  const step = origin.steps[correction.step - 1] ?? 0;
  const own = trajectory.steps[step - 1];
  if (own === undefined) return undefined;
  const { before, after } = correction;
  const { thought, tool, argument } = own;
  const toolNamed = (name: string): string | undefined => {
    if (name === before.tool) return tool;
    if (name === 'Answer') return 'Finish';
    const names = new Set(
      shown.flatMap(({ action }, i) => {
        const found = trajectory.steps[(origin.steps[i] ?? 0) - 1];
        return found !== undefined && (action === name || found.tool === name) ? [found.tool] : [];
      }),
    );
    return names.size === 1 ? [...names][0] : undefined;
  };
  const named = toolNamed(after.tool);
  if (named === undefined) return undefined;
  return {
    ...correction,
    step,
    before: { thought, tool, argument },
    after: {
      thought: after.thought === before.thought ? thought : after.thought,
      tool: named,
      argument: after.argument === before.argument ? argument : after.argument,
    },
  };
}
