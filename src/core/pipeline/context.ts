import type { TrajectoryJudgement } from '../annotate/judgements.ts';
import type { MetricOptions } from '../evaluate/metrics.ts';
import type { GoldQuestion } from '../task/question.ts';
import type { TaskCard } from '../task/taskCard.ts';
import type { PromptTemplate } from '../prompts/template.ts';
import { PromptError } from '../prompts/template.ts';
import type { PipelinePorts } from '../ports/pipeline.ts';
import type { ModelTarget } from '../ports/models.ts';
import type { ToolDescription } from '../tools/library.ts';
import type { UnavailableTool } from '../tools/provider.ts';
import type { Drivers, Item, Outcome } from '../run/runner.ts';
import { runItems } from '../run/runner.ts';
import type { CompletionRequest, Role } from '../run/request.ts';
import { stageTitles, type StageId } from '../run/status.ts';
import type { PlanningOptions } from '../methods/planning.ts';
import type { DocumentSet } from '../tools/documentSet.ts';
import type { Mode } from './mode.ts';
import type { Price, Settings } from './settings.ts';
import type { StatusTracker } from './statusTracker.ts';

/** Everything that the stages share. Gold is in `questions` and goes to the judge alone. */
export interface PipelineContext {
  readonly task: TaskCard;
  readonly settings: Settings;
  readonly mode: Mode;
  readonly prompts: ReadonlyMap<string, PromptTemplate>;
  readonly documents: DocumentSet;
  readonly questions: readonly GoldQuestion[];
  /** Tools whose provider is configured. */
  readonly offeredTools: readonly ToolDescription[];
  /** Tools that cannot be offered, and why. */
  readonly unavailableTools: readonly UnavailableTool[];
  /** Tools that the task card says are used; undefined: the Meta-Agent selects. */
  readonly namedTools: readonly string[] | undefined;
  /** What people said of trajectories; read only where the settings ask for it. */
  readonly judgements?: readonly TrajectoryJudgement[];
  readonly ports: PipelinePorts;
  readonly tracker: StatusTracker;
  readonly signal: AbortSignal;
}

export function promptNamed(context: PipelineContext, name: string): PromptTemplate {
  const prompt = context.prompts.get(name);
  if (prompt === undefined)
    throw new PromptError('malformed-file', `There is no prompt "${name}". Put ${name}.md into the prompts folder.`);
  return prompt;
}

/** The server and model of a role; `base` of the embedded engine unless the settings say otherwise. */
export function targetOf(settings: Settings, role: Role): ModelTarget {
  // The published code calls the tool agent "action" (methods 4.4, row 1).
  const named = settings.roles[role] ?? (role === 'tool' ? settings.roles['action'] : undefined);
  const chosen = named ?? settings.roles['default'];
  return { server: chosen?.server ?? 'embedded', model: chosen?.model ?? 'base' };
}

/** With the embedded engine, as many as it decodes together; servers of the user's say or show what they take. */
const itemsOfEngine = 64;
const itemsOfServers = 512;

/** Items that are under way at once. */
export function itemsAtOnce(settings: Settings): number {
  if (settings.concurrency !== undefined) return settings.concurrency;
  const roles = ['meta', 'plan', 'tool', 'reflect'];
  return roles.some((role) => targetOf(settings, role).server === 'embedded') ? itemsOfEngine : itemsOfServers;
}

/** What the settings say that a million tokens of a model cost. Servers that share a role have the first one's prices. */
export function priceOf(settings: Settings, { server, model }: ModelTarget): Price | undefined {
  const prices = settings.servers[settings.pools[server]?.[0] ?? server]?.prices;
  return prices?.[model] ?? prices?.['*'];
}

/** How answers are read in this run. */
export function judgeOptions({ mode, settings }: Pick<PipelineContext, 'mode' | 'settings'>): MetricOptions {
  return { choiceMode: mode.lenientChoice ? 'reference' : 'fixed', lenientYesNo: settings.evaluation.lenientYesNo };
}

/** Limits and sampling of a planning loop. */
export function planningOptions(
  context: Pick<PipelineContext, 'mode' | 'settings'>,
  of: 'synthesis' | 'planning',
  maxReflections: number,
): PlanningOptions {
  const { settings } = context;
  const part = settings[of];
  const ownTokens = of === 'synthesis' ? settings.synthesis.maxTokens : undefined;
  return {
    mode: context.mode,
    maxSteps: part.maxSteps,
    maxReflections,
    maxPromptChars: settings.maxPromptChars,
    maxTokens: ownTokens === undefined ? settings.maxTokens : { thought: ownTokens, action: ownTokens },
    sampling: part.sampling,
    seed: settings.seed,
  };
}

/**
 * Runs a stage's items with progress in the status. `targetFor` says which model answers a request.
 * Failures of single items are counted and shown; a fatal one ends the stage.
 */
export async function runStageItems<R>(
  context: PipelineContext,
  stage: StageId,
  items: readonly Item<R>[],
  targetFor: (request: CompletionRequest) => ModelTarget,
  onOutcome?: (key: string, outcome: Outcome<R>) => void,
): Promise<Map<string, Outcome<R>>> {
  const { ports, tracker, settings, signal } = context;
  const before = tracker.stage(stage).done;
  let done = 0;
  let cut = 0;
  const drivers: Drivers = {
    complete: async (request, inner, item) => {
      const target = targetFor(request);
      const answer = await ports.models.complete(target, request, inner, item);
      tracker.addUsage(answer.usage.promptTokens, answer.usage.completionTokens);
      if (answer.finish === 'length' && target.server !== 'embedded') cut++;
      return { ...answer, model: target.model };
    },
    call: (request, inner) => ports.tools.call(request, inner),
    ended: (item) => ports.models.ended?.(item),
  };
  const outcomes = await runItems({
    items,
    drivers,
    signal,
    log: ports.log,
    concurrency: itemsAtOnce(settings),
    now: () => ports.now(),
    hash: (text) => ports.hash(text),
    onOutcome: (key, outcome) => {
      done++;
      onOutcome?.(key, outcome);
      tracker.progress(stage, before + done, !(outcome.state === 'done' && outcome.replayed));
      if (outcome.state === 'failed') tracker.notice('warning', `${key}: ${outcome.message}`);
    },
  });
  if (cut > 0)
    tracker.notice('info', `${stageTitles[stage]}: ${cut} answers were cut at their token limit; see maxTokens.`);
  return outcomes;
}
