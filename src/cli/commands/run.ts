import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { renderReportTable } from '../../core/evaluate/reportTable.ts';
import { runPipeline } from '../../core/pipeline/pipeline.ts';
import { resolveSettings, settingFromText, systems, type Settings } from '../../core/pipeline/settings.ts';
import { stageIds, type StageId } from '../../core/run/status.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';
import { loadTaskCard } from '../../node/store/taskFile.ts';
import { estimateHere, pilotLayer, renderEstimate } from '../estimateHere.ts';
import { ProgressView } from '../progressView.ts';
import { openSession, type SessionOptions } from '../session.ts';
import { liveOutput, withSession } from '../withSession.ts';

export interface RunOptions extends CommonOptions {
  readonly task?: string;
  readonly workspace: string;
  readonly resume?: string;
  readonly stage: StageId;
  readonly setting: string[];
  readonly seed?: number;
  readonly world?: number;
  readonly mode?: string;
  readonly ablations?: boolean;
  /** Trains there, also when the run was recorded with another. */
  readonly box?: string;
  readonly estimate?: boolean;
  readonly budget?: number;
  readonly budgetTokens?: number;
}

export function addRun(program: Command): void {
  addRunOptions(
    program
      .command('run')
      .option('--stage <stage>', `stop after this stage: ${stageIds.join(', ')}`, stageOf, 'report')
      .option('--estimate', 'ask ten questions, say what the whole run will take and cost, and stop')
      .option('--ablations', 'evaluate the rows of the paper’s Table 2 in kind as well'),
  )
    .addHelpText('after', '\nEverything is kept in <workspace>/.autoact/runs/<run>/. Ctrl-C cancels; --resume goes on.')
    .action((options: RunOptions) => runTask(options));
}

/** What every command that runs stages takes. */
export function addRunOptions(command: Command): Command {
  return command
    .option('-t, --task <file>', 'task card')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('-r, --resume <run>', 'go on with this run: its recorded task, settings and prompts are used')
    .option('-s, --setting <name=value>', 'set one setting, e.g. planning.maxSteps=8; may be given again', collect, [])
    .option('--seed <n>', 'seed of everything random', wholeNumber)
    .option('--world <seed>', 'run on the generated world of this seed instead of the task’s own data', wholeNumber)
    .option('--mode <mode>', 'fixed (default) or reference')
    .option('--budget <cost>', 'stop when this much is spent, in the currency of the servers’ prices', amount)
    .option('--budget-tokens <n>', 'stop when so many prompt and completion tokens are used', wholeNumber)
    .option('--json', 'print one JSON event a line');
}

/** `check` is done first, and may throw. */
export function runTask(options: RunOptions, check: () => void = () => undefined): Promise<void> {
  return act(options, async (signal) => {
    if (options.task === undefined && options.resume === undefined)
      throw new UsageError('Name a task card with --task, or a run with --resume.');
    check();
    const pilot = options.estimate === true ? planPilot(options) : undefined;
    const view = new ProgressView(process.stderr.isTTY);
    const session = await openSession({
      workspace: resolve(options.workspace),
      taskFile: resolve(options.task ?? ''),
      ...(options.resume === undefined ? {} : { resume: options.resume }),
      ...(options.world === undefined ? {} : { world: options.world }),
      ...(options.box === undefined ? {} : { box: options.box }),
      settings: [...settingLayers(options), ...(pilot === undefined ? [] : [pilotLayer(pilot.levels)])],
      ...(pilot === undefined ? {} : { name: 'pilot' }),
      ...budgetOf(options),
      signal,
      ...liveOutput(options, view),
    });
    return withSession(session, options, view, async () => {
      if (pilot !== undefined) {
        const estimate = await estimateHere(session, pilot.settings);
        if (options.json === true) printJson({ type: 'estimate', estimate });
        else process.stdout.write(`\n${renderEstimate(estimate)}\n`);
        return;
      }
      const report = await runPipeline(session.context, options.stage, (models) => session.provenance(models));
      if (report !== undefined && options.json !== true) {
        process.stdout.write(
          `\n${renderReportTable(report, { colour: process.stdout.isTTY, width: process.stdout.columns })}\nReport: ${session.folder.file('report.md')}\n`,
        );
      }
    });
  });
}

function settingLayers(options: RunOptions): Record<string, unknown>[] {
  return [
    ...(options.ablations === true
      ? [{ evaluation: { systems: ['autoact', 'zero-shot', ...systems.filter((s) => s.startsWith('no-'))] } }]
      : []),
    ...(budgetOf(options).budget === undefined ? [] : [{ budget: budgetOf(options).budget }]),
    ...(options.seed === undefined ? [] : [{ seed: options.seed }]),
    ...(options.box === undefined ? [] : [{ training: { box: options.box } }]),
    ...(options.mode === undefined ? [] : [{ mode: options.mode }]),
    ...options.setting.map(settingFromText),
  ];
}

/** The settings of the run that a pilot stands for, and the levels of its questions. */
function planPilot(options: RunOptions): { readonly settings: Settings; readonly levels: number } {
  if (options.task === undefined || options.resume !== undefined)
    throw new UsageError('An estimate is made of a task card: name it with --task, without --resume.');
  const task = loadTaskCard(resolve(options.task));
  return { settings: resolveSettings(task.settings, ...settingLayers(options)), levels: task.levels.length };
}

/** A budget that is given holds for this session, also when the run was recorded with another. */
function budgetOf({ budget, budgetTokens }: RunOptions): Pick<SessionOptions, 'budget'> {
  if (budget === undefined && budgetTokens === undefined) return {};
  return {
    budget: {
      ...(budget === undefined ? {} : { cost: budget }),
      ...(budgetTokens === undefined ? {} : { tokens: budgetTokens }),
    },
  };
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return value;
}

function amount(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function stageOf(text: string): StageId {
  const stage = stageIds.find((id) => id.toLowerCase() === text.toLowerCase());
  if (stage === undefined) throw new InvalidArgumentError(`The stages are ${stageIds.join(', ')}.`);
  return stage;
}
