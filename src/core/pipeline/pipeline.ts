import type { Provenance, Report } from '../evaluate/report.ts';
import type { AgentContext } from '../methods/agentPrompt.ts';
import { systemTable } from '../methods/systems.ts';
import type { TrainedAdapter } from '../ports/pipeline.ts';
import { stageIds, type StageId } from '../run/status.ts';
import { promptNamed, type PipelineContext } from './context.ts';
import { evaluate } from './stages/answers.ts';
import { growDatabase } from './stages/database.ts';
import { differentiate } from './stages/differentiation.ts';
import { filter, humanPart } from './stages/filtering.ts';
import { report } from './stages/report.ts';
import { StageError, inStage } from './stages/stage.ts';
import { chooseTools, toolsNamed } from './stages/tools.ts';
import { synthesise } from './synthesis.ts';

/**
 * The AutoAct loop (paper section 2). Calling it again on the same log goes on where it stopped: stages that are done
 * are replayed from their answers, which takes moments and asks nothing.
 * @param until the last stage to run
 * @returns the report, when the run got that far
 */
export async function runPipeline(
  context: PipelineContext,
  until: StageId,
  provenance: (models: Provenance['models']) => Provenance,
): Promise<Report | undefined> {
  const reached = (stage: StageId): boolean => stageIds.indexOf(stage) <= stageIds.indexOf(until);
  const database = await growDatabase(context);
  if (!reached('toolSelection')) return undefined;
  const tools = await chooseTools(context);
  if (!reached('synthesis')) return undefined;
  const agent: AgentContext = { template: promptNamed(context, 'agent'), description: context.task.description, tools };
  const synthesis = await inStage(context, 'synthesis', () => synthesise(context, agent, database));
  if (!reached('filter')) return undefined;
  const judged = humanPart(context, synthesis);
  const filtered = await inStage(context, 'filter', () => filter(context, judged));
  if (!reached('training')) return undefined;
  if (filtered.kept.length === 0) return runEvaluated(baseAlone(context), agent, [], until, provenance, [nothingKept]);
  const adapters = await inStage(context, 'training', () => differentiate(context, agent, synthesis, judged, filtered));
  return runEvaluated(context, agent, adapters, until, provenance);
}

async function runEvaluated(
  context: PipelineContext,
  agent: AgentContext,
  adapters: readonly TrainedAdapter[],
  until: StageId,
  provenance: (models: Provenance['models']) => Provenance,
  notes: readonly string[] = [],
): Promise<Report | undefined> {
  if (stageIds.indexOf(until) < stageIds.indexOf('evaluation')) return undefined;
  const answers = await inStage(context, 'evaluation', () => evaluate(context, agent, adapters));
  if (stageIds.indexOf(until) < stageIds.indexOf('report')) return undefined;
  return inStage(context, 'report', () => report(context, adapters, answers, provenance, notes));
}

const nothingKept =
  'No trajectory reached reward 1, so there was nothing to train on, and only systems that need no training were evaluated. Use a stronger model for synthesis, more instances, or more rollouts.';

/** The same run for the systems that need no adapter. @throws StageError when none of them was asked for */
function baseAlone(context: PipelineContext): PipelineContext {
  const { settings, tracker } = context;
  const systems = settings.evaluation.systems.filter((id) => systemTable[id].adapters === undefined);
  if (systems.length === 0)
    throw new StageError(
      'training',
      'no trajectory reached reward 1, so there is nothing to train on; use a stronger model for synthesis, more instances, or more rollouts',
    );
  tracker.notice('warning', nothingKept);
  tracker.end('training', 'skipped');
  return { ...context, settings: { ...settings, evaluation: { ...settings.evaluation, systems } } };
}

/** Evaluation and report alone, with tools and adapters of an earlier run. */
export async function runEvaluation(
  context: PipelineContext,
  toolNames: readonly string[],
  adapters: readonly TrainedAdapter[],
  provenance: (models: Provenance['models']) => Provenance,
): Promise<Report> {
  for (const stage of stageIds) if (stage !== 'evaluation' && stage !== 'report') context.tracker.end(stage, 'skipped');
  const agent: AgentContext = {
    template: promptNamed(context, 'agent'),
    description: context.task.description,
    tools: toolsNamed(context, toolNames),
  };
  const answers = await inStage(context, 'evaluation', () => evaluate(context, agent, adapters));
  return inStage(context, 'report', () => report(context, adapters, answers, provenance, []));
}
