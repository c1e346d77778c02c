import type { AnswerRow } from '../evaluate/results.ts';
import type { AgentContext } from '../methods/agentPrompt.ts';
import { groupPlan } from '../methods/groupPlan.ts';
import { adapterFor, systemTable, type System } from '../methods/systems.ts';
import type { TrainedAdapter } from '../ports/pipeline.ts';
import type { Item } from '../run/runner.ts';
import { createRandom } from '../run/random.ts';
import { questionText, toPublic, type GoldQuestion, type PublicQuestion } from '../task/question.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import type { Settings, SystemId } from './settings.ts';
import { planningOptions, runStageItems, targetOf, type PipelineContext } from './context.ts';

/**
 * A compared system as this run's settings make it. Without adapters it is "zero-shot" only while one base model answers
 * in all roles; when the role map names trained or different models, its title says so.
 */
export function systemOf(id: SystemId, settings: Settings): System {
  const system = systemTable[id];
  const roles = ['plan', 'tool', 'reflect'] as const;
  const targets = roles.map((role) => targetOf(settings, role));
  const [first] = targets;
  const alike = targets.every(({ server, model }) => server === first?.server && model === first.model);
  if (system.adapters !== undefined || alike) return system;
  const named = roles.map((role, n) => `${role} ${targets[n]?.model ?? ''}`).join(', ');
  return { ...system, title: `models of the role map (${named})` };
}

export interface SystemAnswers {
  readonly system: System;
  readonly rows: readonly AnswerRow[];
}

/**
 * The questions that are asked: all, or a seeded choice of `perLevel` of each level.
 * @param order levels as the task card names them; reports show them so. Others follow as they come.
 */
export function evaluationQuestions(
  questions: readonly GoldQuestion[],
  perLevel: number,
  seed: number,
  order: readonly string[],
): GoldQuestion[] {
  const random = createRandom(seed).fork('evaluation questions');
  return [...new Set([...order, ...questions.map((q) => q.level)])].flatMap((level) => {
    const there = questions.filter((q) => q.level === level);
    return perLevel === 0 ? there : random.fork(level).sample(there, perLevel);
  });
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
    start: () => groupPlan({ key, question: questionText(question), image: question.image, context: agent, options }),
  }));
  const outcomes = await runStageItems(context, 'evaluation', items, (request) => {
    const adapter = adapterFor(system, request.role);
    const target = targetOf(settings, request.role);
    const model = adapter === undefined ? undefined : served.get(adapter);
    return model === undefined ? target : { server: target.server, model };
  });
  const rows = asked.map(({ question, sample, key }): AnswerRow => {
    const outcome = outcomes.get(key);
    const used = usageOf(context, key);
    const base = {
      questionId: question.id,
      level: question.level,
      system: system.id,
      sample,
      promptTokens: used.promptTokens,
      completionTokens: used.completionTokens,
      modelCalls: used.calls,
      retries: used.retries,
      cut: used.cut,
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

interface Used {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly calls: number;
  /** Tries that failed before an answer came, and times that the item failed and was asked anew. */
  readonly retries: number;
  /** Completions that ended at their token limit. */
  readonly cut: number;
}

function usageOf(context: PipelineContext, key: string): Used {
  const used = { promptTokens: 0, completionTokens: 0, calls: 0, retries: 0, cut: 0 };
  for (const entry of context.ports.log.entries(key)) {
    if ('failed' in entry) used.retries++;
    if (!('answer' in entry) || entry.answer.kind !== 'completion') continue;
    used.calls++;
    if (entry.answer.finish === 'length') used.cut++;
    used.promptTokens += entry.answer.usage.promptTokens;
    used.completionTokens += entry.answer.usage.completionTokens;
    used.retries += entry.answer.retries ?? 0;
  }
  return used;
}
