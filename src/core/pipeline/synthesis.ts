import { Judge } from '../evaluate/judge.ts';
import type { AgentContext } from '../methods/agentPrompt.ts';
import { reflectOnce, type Reflection } from '../methods/reflectOnce.ts';
import { zeroShotPlan } from '../methods/zeroShotPlan.ts';
import type { Item } from '../run/runner.ts';
import { questionText } from '../task/question.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import { judgeOptions, planningOptions, runStageItems, targetOf, type PipelineContext } from './context.ts';
import type { ScoredTrajectory } from './filter.ts';
import type { Instance } from './selfInstruct.ts';
import type { SampledReflection } from './trainingData.ts';

export interface Synthesis {
  readonly trajectories: readonly ScoredTrajectory[];
  readonly reflections: readonly SampledReflection[];
  /** Items that servers or tools failed. */
  readonly failed: number;
}

/**
 * Trajectory synthesis (paper section 2.3): the Meta-Agent answers every database question zero-shot with the selected
 * tools. Rewards compare with the answer that self-instruct wrote, never with evaluation gold. Then it judges answers
 * that turned out wrong a few times more, so that the reflect agent has rejections to learn from.
 */
export async function synthesise(
  context: PipelineContext,
  agent: AgentContext,
  database: readonly Instance[],
): Promise<Synthesis> {
  const { settings, tracker } = context;
  const rollouts = settings.synthesis.rollouts;
  const samples = context.mode.balancedReflection ? settings.synthesis.reflectionSamples : 0;
  const options = planningOptions(context, 'synthesis', settings.planning.maxReflections);
  const target = targetOf(settings, 'meta');
  const judge = new Judge(
    context.task.metric,
    database.map(({ id, question, answer, choices }) => ({
      id,
      question,
      answer,
      level: 'all',
      ...(choices === undefined ? {} : { choices }),
    })),
    judgeOptions(context),
  );
  const byKey = new Map<string, Instance>(
    database.flatMap((instance) =>
      Array.from({ length: rollouts }, (_, k) => [`synthesis/${instance.id}/${k}`, instance] as const),
    ),
  );
  const items: Item<Trajectory>[] = [...byKey].map(([key, instance]) => ({
    key,
    start: () => zeroShotPlan({ key, question: questionText(instance), context: agent, options }),
  }));

  tracker.begin('synthesis', items.length, 'answering the database');
  const counts = { trajectories: 0, 'right answer': 0, 'wrong answer': 0, 'no answer': 0, failed: 0 };
  const outcomes = await runStageItems(
    context,
    'synthesis',
    items,
    () => target,
    (key, outcome) => {
      if (outcome.state === 'failed') counts.failed++;
      else {
        counts.trajectories++;
        const scored = score(judge, key, byKey.get(key) as Instance, outcome.result);
        if (outcome.result.answer === null) counts['no answer']++;
        else if (scored.correct) counts['right answer']++;
        else counts['wrong answer']++;
      }
      tracker.counts('synthesis', counts);
    },
  );
  const trajectories = [...byKey].flatMap(([key, instance]) => {
    const outcome = outcomes.get(key);
    return outcome?.state === 'done' ? [score(judge, key, instance, outcome.result)] : [];
  });

  const wrong = trajectories.filter((t) => t.answersCorrect[0] === false);
  const again = wrong.flatMap((t) =>
    Array.from({ length: samples }, (_, k) => ({ key: `${t.id}/reflection-${k}`, of: t })),
  );
  tracker.stage('synthesis').total += again.length;
  tracker.setActivity('synthesis', 'judging wrong answers again');
  const reflected = await runStageItems<Reflection>(
    context,
    'synthesis',
    again.map(({ key, of }) => ({
      key,
      start: () =>
        reflectOnce(
          { key, question: of.question, context: agent, options },
          of.trajectory.steps.slice(0, of.trajectory.answers[0]?.step ?? 0),
        ),
    })),
    () => target,
  );
  const reflections = again.flatMap(({ key, of }) => {
    const outcome = reflected.get(key);
    return outcome?.state === 'done' ? [{ id: key, trajectory: of.id, ...outcome.result }] : [];
  });
  return { trajectories, reflections, failed: counts.failed };
}

function score(judge: Judge, key: string, instance: Instance, trajectory: Trajectory): ScoredTrajectory {
  const final = judge.score(instance.id, trajectory.answer ?? '');
  return {
    id: key,
    instance: instance.id,
    question: questionText(instance),
    trajectory,
    correct: trajectory.answer !== null && final.em === 1,
    reward: final.f1,
    answersCorrect: trajectory.answers.map((a) => judge.score(instance.id, a.text).em === 1),
  };
}
