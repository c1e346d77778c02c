import { Judge } from '../evaluate/judge.ts';
import { scoreRows } from '../evaluate/questionScores.ts';
import { buildReport, type Provenance, type Report } from '../evaluate/report.ts';
import { renderReport } from '../evaluate/reportMarkdown.ts';
import { systemScores } from '../evaluate/systemScores.ts';
import type { AgentContext } from '../methods/agentPrompt.ts';
import { adapterSets, adaptersOf, systemTable } from '../methods/systems.ts';
import type { TrainedAdapter } from '../ports/pipeline.ts';
import { createRandom } from '../run/random.ts';
import { stageIds, type StageId } from '../run/status.ts';
import { toPublic } from '../task/question.ts';
import type { ToolDescription } from '../tools/library.ts';
import { judgeOptions, promptNamed, runStageItems, targetOf, type PipelineContext } from './context.ts';
import { coverageOf } from './coverage.ts';
import { evaluateSystem, evaluationQuestions, type SystemAnswers } from './evaluation.ts';
import { filterTrajectories, type FilterResult } from './filter.ts';
import { PassageGraph, selfInstructDraws } from './grounding.ts';
import { selfInstruct, type Instance, type SelfInstructResult } from './selfInstruct.ts';
import { synthesise, type Synthesis } from './synthesis.ts';
import { selectTools } from './toolSelection.ts';
import { buildTrainingSets, unionOf, type TrainingRow } from './trainingData.ts';

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
  const filtered = await inStage(context, 'filter', () => filter(context, synthesis));
  if (!reached('training')) return undefined;
  const adapters = await inStage(context, 'training', () => differentiate(context, agent, synthesis, filtered));
  if (!reached('evaluation')) return undefined;
  const answers = await inStage(context, 'evaluation', () => evaluate(context, agent, adapters));
  if (!reached('report')) return undefined;
  return inStage(context, 'report', () => report(context, adapters, answers, provenance));
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
  return inStage(context, 'report', () => report(context, adapters, answers, provenance));
}

/** Marks a stage's end in the status, however it ends. */
async function inStage<T>(context: PipelineContext, stage: StageId, work: () => Promise<T> | T): Promise<T> {
  try {
    const result = await work();
    context.tracker.end(stage, 'done');
    return result;
  } catch (error) {
    if (context.signal.aborted) context.tracker.end(stage, 'cancelled');
    else context.tracker.end(stage, 'failed', describeError(error));
    throw error;
  }
}

export function describeError(error: unknown): { message: string; remedy?: string } {
  const message = error instanceof Error ? error.message : String(error);
  const remedy =
    typeof error === 'object' && error !== null && 'remedy' in error && typeof error.remedy === 'string'
      ? error.remedy
      : undefined;
  return remedy === undefined ? { message } : { message, remedy };
}

async function growDatabase(context: PipelineContext): Promise<readonly Instance[]> {
  const { settings, task, tracker, ports } = context;
  return inStage(context, 'selfInstruct', async () => {
    tracker.begin('selfInstruct', settings.selfInstruct.instances, 'asking for new pairs');
    const graph = settings.selfInstruct.passages > 0 ? new PassageGraph(context.documents) : undefined;
    const input = {
      template: promptNamed(context, 'self-instruct'),
      ...(settings.selfInstruct.votes === 0 ? {} : { voteTemplate: promptNamed(context, 'answer-vote') }),
      metric: task.metric,
      description: task.description,
      examples: task.examples,
      settings: settings.selfInstruct,
      mode: context.mode,
      seed: settings.seed,
      barred: context.questions.map((q) => q.question),
      ...(graph === undefined
        ? {}
        : {
            drawPassages: (random: Parameters<PassageGraph['draw']>[0]) =>
              graph.draw(random, settings.selfInstruct.passages, selfInstructDraws),
          }),
    };
    const live = { generated: 0, kept: 0 };
    const dropped: Record<string, number> = {};
    const item = {
      key: 'selfInstruct/0',
      start: () =>
        observe(selfInstruct(input), (request) => {
          if (request.kind !== 'note') return;
          live.generated++;
          if (request.note.kind === 'accepted') live.kept++;
          else if (request.note.reason !== undefined)
            dropped[request.note.reason] = (dropped[request.note.reason] ?? 0) + 1;
          tracker.counts('selfInstruct', live, dropped);
          tracker.progress('selfInstruct', live.kept);
        }),
    };
    const outcome = (
      await runStageItems<SelfInstructResult>(context, 'selfInstruct', [item], () => targetOf(settings, 'meta'))
    ).get(item.key);
    if (outcome?.state !== 'done') throw new StageError('selfInstruct', outcome?.message ?? 'it did not run');
    const { database, stopped, rounds } = outcome.result;
    tracker.progress('selfInstruct', database.length, false);
    ports.store.writeRows('database.jsonl', database);
    const coverage = coverageOf(database, context.documents.length);
    ports.store.writeText('coverage.json', `${JSON.stringify(coverage, null, 2)}\n`);
    if (stopped === 'repeating') {
      tracker.notice(
        'warning',
        `Self-instruct stopped at ${database.length} of ${settings.selfInstruct.instances} pairs: ${settings.selfInstruct.patience} rounds in a row brought nothing new, or too little (${rounds} rounds).`,
      );
    }
    if (database.length === 0)
      throw new StageError(
        'selfInstruct',
        'no usable pair was generated; look at the dropped pairs and their reasons, then change the prompt, the examples or the model',
      );
    return database;
  });
}

/** Shows a generator's requests to an observer as they are yielded; changes nothing. */
function* observe<Y, R, N>(
  inner: Generator<Y, R, N>,
  see: (request: Exclude<Y, readonly unknown[]>) => void,
): Generator<Y, R, N> {
  try {
    let turn = inner.next();
    while (!turn.done) {
      if (!Array.isArray(turn.value)) see(turn.value as Exclude<Y, readonly unknown[]>);
      turn = inner.next(yield turn.value);
    }
    return turn.value;
  } finally {
    inner.return(undefined as never);
  }
}

async function chooseTools(context: PipelineContext): Promise<readonly ToolDescription[]> {
  const { namedTools, offeredTools, unavailableTools, tracker, ports } = context;
  return inStage(context, 'toolSelection', async () => {
    tracker.begin('toolSelection', 1);
    const named = namedTools ?? (await askForTools(context));
    const tools = toolsNamed(context, named);
    tracker.counts('toolSelection', Object.fromEntries(tools.map((t, i) => [t.name, i + 1])));
    tracker.progress('toolSelection', 1);
    ports.store.writeText(
      'tools.json',
      `${JSON.stringify(
        {
          by: namedTools === undefined ? 'Meta-Agent' : 'task card',
          offered: offeredTools.map((t) => t.name),
          unavailable: unavailableTools.map(({ name, reason }) => ({ name, reason })),
          selected: tools.map((t) => t.name),
        },
        null,
        2,
      )}\n`,
    );
    return tools;
  });
}

function toolsNamed({ offeredTools, unavailableTools }: PipelineContext, names: readonly string[]): ToolDescription[] {
  return names.map((name) => {
    const wanted = name.toLowerCase();
    const tool = offeredTools.find(
      (t) => t.name.toLowerCase() === wanted || t.aliases.some((a) => a.toLowerCase() === wanted),
    );
    if (tool !== undefined) return tool;
    const missing = unavailableTools.find((t) => t.name.toLowerCase() === wanted);
    throw new StageError(
      'toolSelection',
      missing === undefined
        ? `the tool "${name}" is not configured in this run; there are ${offeredTools.map((t) => t.name).join(', ')}`
        : `the tool "${name}" cannot be used. ${missing.reason} ${missing.remedy.replace(/\.$/, '')}`,
    );
  });
}

async function askForTools(context: PipelineContext): Promise<string[]> {
  const { settings } = context;
  const item = {
    key: 'toolSelection/0',
    start: () =>
      selectTools({
        template: promptNamed(context, 'tool-selection'),
        description: context.task.description,
        offered: context.offeredTools,
        settings: settings.toolSelection,
        mode: context.mode,
        seed: settings.seed,
      }),
  };
  const outcome = (await runStageItems(context, 'toolSelection', [item], () => targetOf(settings, 'meta'))).get(
    item.key,
  );
  if (outcome?.state !== 'done') throw new StageError('toolSelection', outcome?.message ?? 'it did not run');
  return outcome.result;
}

function filter(context: PipelineContext, synthesis: Synthesis): FilterResult {
  const { settings, tracker, ports } = context;
  tracker.begin('filter', synthesis.trajectories.length);
  const result = filterTrajectories(synthesis.trajectories, settings.filter, context.mode, settings.seed);
  const kept = new Set(result.kept.map((t) => t.id));
  const reasons = new Map(result.dropped.map((d) => [d.id, d.reason]));
  ports.store.writeRows(
    'trajectories.jsonl',
    synthesis.trajectories.map((t) => ({
      ...t,
      kept: kept.has(t.id),
      ...(reasons.has(t.id) ? { reason: reasons.get(t.id) } : {}),
    })),
  );
  const dropped: Record<string, number> = {};
  for (const { reason } of result.dropped) dropped[reason] = (dropped[reason] ?? 0) + 1;
  tracker.counts('filter', { synthesised: synthesis.trajectories.length, kept: result.kept.length }, dropped);
  tracker.progress('filter', synthesis.trajectories.length, false);
  if (result.kept.length === 0)
    throw new StageError(
      'filter',
      'no trajectory reached reward 1, so there is nothing to train on; use a stronger model for synthesis, more instances, or more rollouts',
    );
  if (result.kept.length < settings.filter.trajectories) {
    tracker.notice(
      'info',
      `${result.kept.length} trajectories reached reward 1; ${settings.filter.trajectories} were wanted.`,
    );
  }
  return result;
}

async function differentiate(
  context: PipelineContext,
  agent: AgentContext,
  synthesis: Synthesis,
  filtered: FilterResult,
): Promise<readonly TrainedAdapter[]> {
  const { settings, tracker, ports, mode, signal } = context;
  const wanted = adaptersOf(settings.evaluation.systems);
  tracker.begin('training', 0, 'preparing the data');
  const common = {
    context: agent,
    mode,
    seed: settings.seed,
    all: synthesis.trajectories,
    reflections: synthesis.reflections,
  };
  const sets = buildTrainingSets({ ...common, kept: filtered.kept });
  const available: Record<string, readonly TrainingRow[]> = {
    ...sets,
    [adapterSets.one.plan]: unionOf(sets, settings.seed),
  };
  if (wanted.includes(adapterSets.unfiltered.plan)) {
    // As many as the full system learns from, drawn without looking at their reward (methods 4.5, matched volume).
    const blind = filterTrajectories(
      synthesis.trajectories,
      { by: 'none', trajectories: filtered.kept.length },
      mode,
      settings.seed,
    );
    const unfiltered = buildTrainingSets({ ...common, kept: blind.kept, mode: { ...mode, balancedReflection: false } });
    for (const part of ['plan', 'tool', 'reflect'] as const) available[adapterSets.unfiltered[part]] = unfiltered[part];
  }
  for (const part of ['plan', 'tool', 'reflect'] as const) ports.store.writeRows(`training/${part}.jsonl`, sets[part]);
  const chosen: Record<string, readonly TrainingRow[]> = {};
  for (const name of wanted) {
    const rows = available[name] ?? [];
    if (rows.length === 0)
      throw new StageError(
        'training',
        `there is no example for the ${name} agent among ${filtered.kept.length} kept trajectories`,
      );
    chosen[name] = rows;
    if (!['plan', 'tool', 'reflect'].includes(name)) ports.store.writeRows(`training/${name}.jsonl`, rows);
  }
  tracker.counts(
    'training',
    Object.fromEntries(Object.entries(chosen).map(([name, rows]) => [`${name} examples`, rows.length])),
  );
  if (wanted.length === 0) return [];
  const steps = new Map<string, { step: number; steps: number }>();
  const adapters = await ports.trainer.train(
    chosen,
    settings.training,
    settings.seed,
    (p) => {
      if (p.message !== undefined) tracker.setActivity('training', p.message);
      if (p.steps === 0) return;
      steps.set(p.adapter, { step: p.step, steps: p.steps });
      tracker.loss(p.adapter, p.step, p.steps, p.loss, p.heldOut);
      const all = [...steps.values()];
      const stage = tracker.stage('training');
      stage.total = all.reduce((sum, s) => sum + s.steps, 0);
      tracker.progress(
        'training',
        all.reduce((sum, s) => sum + s.step, 0),
      );
      if (p.secondsLeft !== undefined) tracker.secondsLeft('training', p.secondsLeft);
    },
    signal,
  );
  for (const adapter of adapters) {
    tracker.probe(adapter.name, adapter.probe);
    if (!adapter.probe.ok)
      throw new StageError(
        'training',
        `the ${adapter.name} adapter is not what the server answers with: ${adapter.probe.message}`,
      );
  }
  ports.store.writeText('adapters.json', `${JSON.stringify(adapters, null, 2)}\n`);
  return adapters;
}

async function evaluate(
  context: PipelineContext,
  agent: AgentContext,
  adapters: readonly TrainedAdapter[],
): Promise<SystemAnswers[]> {
  const { settings, tracker, ports, task } = context;
  const questions = evaluationQuestions(context.questions, settings.evaluation.perLevel, settings.seed);
  if (questions.length === 0)
    throw new StageError(
      'evaluation',
      'the task has no evaluation questions; name a file under "questions" in the task card',
    );
  const judge = new Judge(task.metric, questions, judgeOptions(context));
  if (task.metric === 'choice' && context.mode.lenientChoice)
    tracker.notice(
      'warning',
      'Reference mode counts an answer that names no option as the one with the most words in common, the first on a tie, as the published code does: silence earns what option A earns.',
    );
  tracker.begin('evaluation', questions.length * settings.evaluation.samples * settings.evaluation.systems.length);
  const all: SystemAnswers[] = [];
  for (const id of settings.evaluation.systems) {
    const system = systemTable[id];
    tracker.setActivity('evaluation', `${system.title} answers ${questions.length} questions`);
    const answers = await evaluateSystem(context, agent, system, questions.map(toPublic), adapters);
    ports.store.writeRows(`evaluation/${id}.jsonl`, answers.rows);
    ports.store.writeRows(`evaluation/${id}.scores.jsonl`, scoreRows(answers.rows, judge));
    all.push(answers);
    tracker.counts(
      'evaluation',
      Object.fromEntries(all.map((a) => [a.system.title, a.rows.filter((r) => r.error === undefined).length])),
    );
  }
  return all;
}

function report(
  context: PipelineContext,
  adapters: readonly TrainedAdapter[],
  answers: readonly SystemAnswers[],
  provenance: (models: Provenance['models']) => Provenance,
): Report {
  const { settings, tracker, ports, task } = context;
  tracker.begin('report', 1);
  const questions = evaluationQuestions(context.questions, settings.evaluation.perLevel, settings.seed);
  const judge = new Judge(task.metric, questions, judgeOptions(context));
  const ablation = settings.evaluation.systems.some((id) => id.startsWith('no-'));
  const random = createRandom(settings.seed).fork('statistics');
  const roles = ['plan', 'tool', 'reflect'].map((role) => ({ role, ...targetOf(settings, role) }));
  const built = buildReport({
    title: `${task.name}: ${ablation ? 'ablations' : 'results'}`,
    task: task.name,
    protocol: settings.evaluation.protocol,
    samples: settings.evaluation.samples,
    questions: questions.map(toPublic),
    judge,
    systems: answers.map(({ system, rows }) => ({ id: system.id, title: system.title, rows })),
    // Ablations are read against the full system, everything else against the untrained base.
    reference:
      ablation && settings.evaluation.systems.includes('autoact')
        ? 'autoact'
        : (settings.evaluation.systems[0] ?? 'zero-shot'),
    provenance: provenance([
      ...roles,
      ...adapters.map((a) => ({
        role: a.name,
        server: targetOf(settings, a.name).server,
        model: a.model,
        hash: a.sha256,
      })),
    ]),
    statisticsSeed: settings.seed,
    random: (purpose) => random.fork(purpose),
  });
  ports.store.writeText('report.json', `${JSON.stringify(built, null, 2)}\n`);
  ports.store.writeText('report.md', renderReport(built));
  tracker.results(systemScores(built));
  tracker.progress('report', 1);
  return built;
}

/** A stage that cannot go on; what was logged stays, so that the run can be resumed once the cause is mended. */
export class StageError extends Error {
  override readonly name = 'StageError';
  readonly reason = 'stage';
  readonly stage: StageId;

  constructor(stage: StageId, what: string) {
    super(`Stage ${stage} cannot go on: ${what}.`);
    this.stage = stage;
  }
}
