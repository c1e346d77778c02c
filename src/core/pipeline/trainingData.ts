import { createRandom } from '../run/random.ts';
import { agentPrompt, type AgentContext } from '../methods/agentPrompt.ts';
import { renderTarget, type Cue } from '../trajectory/transcript.ts';
import type { TrajectoryStep } from '../trajectory/trajectory.ts';
import type { ScoredTrajectory } from './filter.ts';
import type { Mode } from './mode.ts';

/** One supervised example: the adapter learns `completion` after `prompt`. A line of `training/<adapter>.jsonl`. */
export interface TrainingRow {
  /** `<trajectory id>#<step>-<kind>`; unique within an adapter's file. */
  readonly id: string;
  readonly trajectory: string;
  /** Instance id: held-out loss is split by it. */
  readonly question: string;
  readonly step: number;
  readonly kind: Cue['kind'];
  readonly prompt: string;
  readonly completion: string;
}

/** A reflection on the first answer of a trajectory, sampled apart from it. */
export interface SampledReflection {
  readonly id: string;
  readonly trajectory: string;
  readonly thought: string;
  readonly verdict: 'right' | 'wrong';
}

export interface TrainingSets {
  readonly plan: readonly TrainingRow[];
  readonly tool: readonly TrainingRow[];
  readonly reflect: readonly TrainingRow[];
}

export interface TrainingInput {
  readonly context: AgentContext;
  readonly mode: Mode;
  readonly seed: number;
  readonly kept: readonly ScoredTrajectory[];
  /** All synthesised trajectories: the reflect agent also learns from answers that were wrong (row 11). */
  readonly all: readonly ScoredTrajectory[];
  readonly reflections: readonly SampledReflection[];
}

/**
 * Self-differentiation's data (paper section 2.4, methods 4.3): trajectories reorganised by responsibility. Plan learns
 * thought and tool name, tool learns the argument, reflect learns thought and verdict.
 */
export function buildTrainingSets(input: TrainingInput): TrainingSets {
  const plan: TrainingRow[] = [];
  const tool: TrainingRow[] = [];
  for (const scored of input.kept) {
    let planning = true;
    for (const [index, step] of scored.trajectory.steps.entries()) {
      if (step.by === 'reflect') {
        planning &&= input.mode.trainAfterRejection;
        continue;
      }
      if (scored.human?.faultySteps.includes(index + 1) === true) continue;
      if (!teaches(step, input.mode) || leadsToRejection(scored, index, input.mode)) continue;
      if (planning) {
        plan.push(row(input, scored, index, { kind: 'thought' }, step.thought));
        plan.push(row(input, scored, index, { kind: 'tool', thought: step.thought }, step.tool));
      }
      tool.push(row(input, scored, index, { kind: 'argument', thought: step.thought, tool: step.tool }, step.argument));
    }
  }
  return { plan, tool, reflect: reflectRows(input) };
}

/** One adapter for all roles: the ablation without division of labour (methods 4.5). */
export function unionOf(sets: TrainingSets, seed: number): TrainingRow[] {
  return createRandom(seed)
    .fork('union')
    .shuffle([...sets.plan, ...sets.tool, ...sets.reflect]);
}

/** Steps with an empty part, and in `fixed` mode steps whose action could not be read, are history but no lesson. */
function teaches(step: TrajectoryStep, mode: Mode): boolean {
  if (step.thought === '' || step.argument === '' || step.tool === '(none)') return false;
  return !mode.trainOnReadableStepsOnly || (step.parse !== 'failed' && step.outcome !== 'error');
}

/** In `fixed` mode an answer that was not the right one is not taught, though the trajectory found it later. */
function leadsToRejection(scored: ScoredTrajectory, index: number, mode: Mode): boolean {
  if (!mode.balancedReflection || scored.trajectory.steps[index]?.tool !== 'Finish') return false;
  const answer = scored.trajectory.answers.findIndex((a) => a.step === index + 1);
  return scored.correct && scored.answersCorrect[answer] === false;
}

function reflectRows(input: TrainingInput): TrainingRow[] {
  if (!input.mode.balancedReflection) {
    return input.kept.flatMap((scored) =>
      ownReflections(scored).flatMap((r) => reflectPair(input, scored, r.index, r.thought, r.verdict)),
    );
  }
  // A reflection is a lesson when its verdict agrees with the reward of the answer that it judges.
  const right: TrainingRow[][] = [];
  const wrong: TrainingRow[][] = [];
  const byId = new Map(input.all.map((s) => [s.id, s]));
  const keptIds = new Set(input.kept.map((s) => s.id));
  const add = (
    scored: ScoredTrajectory,
    index: number,
    answer: number,
    thought: string,
    verdict: 'right' | 'wrong',
    id = scored.id,
  ): void => {
    if (thought === '' || (scored.answersCorrect[answer] === true) !== (verdict === 'right')) return;
    if (verdict === 'right' && !keptIds.has(scored.id)) return;
    (verdict === 'right' ? right : wrong).push(reflectPair(input, scored, index, thought, verdict, id));
  };
  for (const scored of input.all)
    for (const r of ownReflections(scored)) add(scored, r.index, r.answer, r.thought, r.verdict);
  for (const sampled of input.reflections) {
    const scored = byId.get(sampled.trajectory);
    const first = scored?.trajectory.answers[0];
    if (scored !== undefined && first !== undefined)
      add(scored, first.step, 0, sampled.thought, sampled.verdict, sampled.id);
  }
  const random = createRandom(input.seed).fork('reflect');
  const size = wrong.length === 0 ? right.length : Math.min(right.length, wrong.length);
  return random.shuffle([...random.sample(right, size), ...random.sample(wrong, size)]).flat();
}

/** The reflections that a trajectory went through, with the answer that each one judges. */
function ownReflections(
  scored: ScoredTrajectory,
): { index: number; answer: number; thought: string; verdict: 'right' | 'wrong' }[] {
  let answer = -1;
  return scored.trajectory.steps.flatMap((step, index) => {
    if (step.tool === 'Finish' && step.by === 'plan' && step.parse !== 'failed') answer++;
    if (step.by !== 'reflect' || answer < 0) return [];
    return [
      {
        index,
        answer,
        thought: step.thought,
        verdict: step.argument === 'right' ? ('right' as const) : ('wrong' as const),
      },
    ];
  });
}

function reflectPair(
  input: TrainingInput,
  scored: ScoredTrajectory,
  index: number,
  thought: string,
  verdict: 'right' | 'wrong',
  id = scored.id,
): TrainingRow[] {
  return [
    row(input, scored, index, { kind: 'thought' }, thought, id),
    row(input, scored, index, { kind: 'verdict', thought }, verdict, id),
  ];
}

function row(
  input: TrainingInput,
  scored: ScoredTrajectory,
  index: number,
  cue: Cue,
  target: string,
  id = scored.id,
): TrainingRow {
  return {
    id: `${id}#${index + 1}-${cue.kind}`,
    trajectory: scored.id,
    question: scored.instance,
    step: index + 1,
    kind: cue.kind,
    prompt: agentPrompt(input.context, scored.question, scored.trajectory.steps.slice(0, index), cue),
    completion: renderTarget(cue.kind, target),
  };
}
