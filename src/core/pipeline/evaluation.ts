import type { AnswerRow } from '../evaluate/results.ts';
import type { AgentContext } from '../methods/agentPrompt.ts';
import { groupPlan } from '../methods/groupPlan.ts';
import { adapterFor, type System } from '../methods/systems.ts';
import type { TrainedAdapter } from '../ports/pipeline.ts';
import type { Item } from '../run/runner.ts';
import { createRandom } from '../run/random.ts';
import { questionText, toPublic, type GoldQuestion, type PublicQuestion } from '../task/question.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import { planningOptions, runStageItems, targetOf, type PipelineContext } from './context.ts';

export interface SystemAnswers {
  readonly system: System;
  readonly rows: readonly AnswerRow[];
}

/** The questions that are asked: all, or a seeded choice of `perLevel` of each level. */
export function evaluationQuestions(
  questions: readonly GoldQuestion[],
  perLevel: number,
  seed: number,
): GoldQuestion[] {
  if (perLevel === 0) return [...questions];
  const random = createRandom(seed).fork('evaluation questions');
  const levels = [...new Set(questions.map((q) => q.level))];
  return levels.flatMap((level) =>
    random.fork(level).sample(
      questions.filter((q) => q.level === level),
      perLevel,
    ),
  );
}

/** Lets one system answer every question, `samples` times. Servers' failures are rows with an error, never answers. */
export async function evaluateSystem(
  context: PipelineContext,
  agent: AgentContext,
  system: System,
  questions: readonly PublicQuestion[],
  adapters: readonly TrainedAdapter[],
): Promise<SystemAnswers> {
  const { settings } = context;
  const options = planningOptions(context, 'planning', system.reflects ? settings.planning.maxReflections : 0);
  const served = new Map(adapters.map((a) => [a.name, a.model]));
  const asked = questions.flatMap((question) =>
    Array.from({ length: settings.evaluation.samples }, (_, sample) => ({
      question: toPublic(question),
      sample,
      key: `evaluation/${system.id}/${question.id}/${sample}`,
    })),
  );
  const items: Item<Trajectory>[] = asked.map(({ question, key }) => ({
    key,
    start: () => groupPlan({ key, question: questionText(question), context: agent, options }),
  }));
  const usage = new Map<string, { promptTokens: number; completionTokens: number; calls: number }>();
  const outcomes = await runStageItems(context, 'evaluation', items, (request) => {
    const adapter = adapterFor(system, request.role);
    const target = targetOf(settings, request.role);
    const model = adapter === undefined ? undefined : served.get(adapter);
    return model === undefined ? target : { server: target.server, model };
  });
  for (const { key } of asked) usage.set(key, usageOf(context, key));
  const rows = asked.map(({ question, sample, key }): AnswerRow => {
    const outcome = outcomes.get(key);
    const used = usage.get(key) ?? { promptTokens: 0, completionTokens: 0, calls: 0 };
    const base = {
      questionId: question.id,
      level: question.level,
      system: system.id,
      sample,
      promptTokens: used.promptTokens,
      completionTokens: used.completionTokens,
      modelCalls: used.calls,
      trajectory: key,
      seed: settings.seed,
    };
    if (outcome?.state !== 'done') {
      const error =
        outcome === undefined
          ? { reason: 'not-run', message: 'The run ended before this question.' }
          : { reason: outcome.reason, message: outcome.message };
      return { ...base, prediction: '', finished: false, steps: 0, toolCalls: 0, error };
    }
    const t = outcome.result;
    return {
      ...base,
      prediction: t.answer ?? '',
      finished: t.finished,
      ...(t.halt === undefined ? {} : { halted: t.halt }),
      steps: t.steps.length,
      toolCalls: t.steps.filter((s) => s.outcome !== 'loop').length,
      toolMisses: t.steps.filter((s) => s.outcome === 'miss').length,
      reflections: t.steps.filter((s) => s.by === 'reflect').length,
      parseFailures: t.steps.filter((s) => s.parse === 'failed').length,
    };
  });
  return { system, rows };
}

function usageOf(
  context: PipelineContext,
  key: string,
): { promptTokens: number; completionTokens: number; calls: number } {
  let promptTokens = 0;
  let completionTokens = 0;
  let calls = 0;
  for (const entry of context.ports.log.entries(key)) {
    if (!('answer' in entry) || entry.answer.kind !== 'completion') continue;
    calls++;
    promptTokens += entry.answer.usage.promptTokens;
    completionTokens += entry.answer.usage.completionTokens;
  }
  return { promptTokens, completionTokens, calls };
}
