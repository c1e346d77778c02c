import { forkAt, trajectoryContent, type TrajectoryJudgement } from '../annotate/judgements.ts';
import { filterReasons, type FilterReason, type ScoredTrajectory } from './filter.ts';

/** What people said of synthesised trajectories, brought into the filter and the training data; off unless chosen. */

export interface Judged {
  /** What goes into the filter: without what was rejected, with the forks of corrections. */
  readonly candidates: readonly ScoredTrajectory[];
  /** Candidates, and those that people took out. */
  readonly all: readonly ScoredTrajectory[];
  readonly dropped: readonly { readonly id: string; readonly reason: FilterReason }[];
  readonly counts: { readonly accepted: number; readonly rejected: number; readonly corrected: number };
}

/**
 * A judgement holds for the content that was judged: a trajectory that was sampled anew is another one. Accepted
 * ones pass whatever their reward, since a person's word stands above a generated answer; rejected ones are dropped.
 * With corrections, each corrected trajectory gives way to its fork, unless it was accepted as well.
 * @param hash SHA-256 in hexadecimal
 */
export function applyJudgements(
  all: readonly ScoredTrajectory[],
  judgements: readonly TrajectoryJudgement[],
  withCorrections: boolean,
  hash: (text: string) => string,
): Judged {
  const byContent = new Map(judgements.map((j) => [`${j.item}/${j.hash}`, j]));
  const candidates: ScoredTrajectory[] = [];
  const out: ScoredTrajectory[] = [];
  const dropped: { id: string; reason: FilterReason }[] = [];
  const counts = { accepted: 0, rejected: 0, corrected: 0 };
  const drop = (scored: ScoredTrajectory, reason: FilterReason): void => {
    out.push(scored);
    dropped.push({ id: scored.id, reason });
  };
  for (const scored of all) {
    const judged = byContent.get(`${scored.id}/${hash(trajectoryContent(scored.trajectory))}`);
    if (judged === undefined) {
      candidates.push(scored);
      continue;
    }
    const fork = withCorrections ? forkOf(scored, judged) : undefined;
    if (fork !== undefined) {
      counts.corrected++;
      candidates.push(fork);
    }
    if (judged.accepted === true) {
      counts.accepted++;
      candidates.push(accepted(scored, judged));
    } else if (judged.accepted === false) {
      counts.rejected++;
      drop(scored, filterReasons.rejected);
    } else if (fork !== undefined) drop(scored, filterReasons.corrected);
    else
      candidates.push({
        ...scored,
        human: { verdict: 'unsure', raters: judged.raters, faultySteps: judged.faultySteps },
      });
  }
  return { candidates, all: [...candidates, ...out], dropped, counts };
}

function accepted(scored: ScoredTrajectory, { raters, faultySteps }: TrajectoryJudgement): ScoredTrajectory {
  const last = scored.answersCorrect.length - 1;
  return {
    ...scored,
    correct: true,
    answersCorrect: scored.answersCorrect.map((right, i) => right || i === last),
    human: { verdict: 'accepted', raters, faultySteps },
  };
}

/** The fork of the earliest correction: what was corrected after it belongs to a way that was not taken. */
function forkOf(scored: ScoredTrajectory, judged: TrajectoryJudgement): ScoredTrajectory | undefined {
  const [first] = judged.corrections;
  const trajectory = first === undefined ? undefined : forkAt(scored.trajectory, first);
  if (first === undefined || trajectory === undefined) return undefined;
  const answers = trajectory.answers.map((answer, i) =>
    answer.step === first.step ? true : (scored.answersCorrect[i] ?? false),
  );
  return {
    ...scored,
    id: `${scored.id}~${first.id}`,
    trajectory,
    correct: true,
    answersCorrect: answers,
    human: {
      verdict: 'corrected',
      raters: [first.rater],
      faultySteps: judged.faultySteps.filter((step) => step < first.step),
      edited: { step: first.step, record: first.id, from: scored.id },
    },
  };
}
