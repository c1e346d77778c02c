import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { renderReportTable } from '../../core/evaluate/reportTable.ts';
import { runEvaluation } from '../../core/pipeline/pipeline.ts';
import { settingFromText } from '../../core/pipeline/settings.ts';
import { adaptersOf } from '../../core/methods/systems.ts';
import type { TrainedAdapter } from '../../core/ports/pipeline.ts';
import { RunError } from '../../core/run/runError.ts';
import { RunFolder } from '../../node/store/runFolder.ts';
import { act, type CommonOptions } from '../action.ts';
import { ProgressView } from '../progressView.ts';
import { sha256 } from '../runRecords.ts';
import { openSession, runsFolder } from '../session.ts';
import { liveOutput, withSession } from '../withSession.ts';
import { collect, wholeNumber } from './run.ts';

interface EvalOptions extends CommonOptions {
  readonly run: string;
  readonly workspace: string;
  readonly world?: number;
  readonly task?: string;
  readonly resume?: string;
  readonly setting: string[];
}

const Tools = z.object({ selected: z.array(z.string()) });
const Adapters = z.array(
  z.object({
    name: z.string(),
    model: z.string().regex(/^[\w.-]+$/),
    sha256: z.string(),
    probe: z.object({ ok: z.boolean(), message: z.string() }),
  }),
);

export function addEval(program: Command): void {
  program
    .command('eval')
    .requiredOption('--run <run>', 'the run that trained the group')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--world <seed>', 'questions and pages of the generated world of this seed', wholeNumber)
    .option('-t, --task <file>', 'questions and pages of this task card; the run’s own when left out')
    .option('-r, --resume <run>', 'go on with an evaluation that was interrupted')
    .option('-s, --setting <name=value>', 'set one setting; may be given again', collect, [])
    .option('--json', 'print one JSON event a line')
    .action((options: EvalOptions) =>
      act(options, async (signal) => {
        const workspace = resolve(options.workspace);
        const parent = new RunFolder(runsFolder(workspace), options.run);
        const record = parent.record();
        const adapters = Adapters.parse(product(parent, 'adapters.json'));
        const tools = Tools.parse(product(parent, 'tools.json')).selected;
        const view = new ProgressView(process.stderr.isTTY);
        const session = await openSession({
          workspace,
          taskFile: resolve(options.task ?? record.taskFile),
          parent: parent.id,
          name: options.world === undefined ? 'eval' : `eval-world-${options.world}`,
          ...(options.resume === undefined ? {} : { resume: options.resume }),
          ...(options.world === undefined ? {} : { world: options.world }),
          // The parent's settings, so that training and evaluation are those of one system.
          settings: [record.settings as Record<string, unknown>, ...options.setting.map(settingFromText)],
          signal,
          ...liveOutput(options, view),
        });
        return withSession(session, options, view, async () => {
          const wanted = adaptersOf(session.context.settings.evaluation.systems);
          for (const name of wanted) await session.engine.loadAdapter(...loadable(parent, adapters, name));
          const report = await runEvaluation(session.context, tools, adapters, (models) => session.provenance(models));
          if (options.json !== true)
            process.stdout.write(
              `\n${renderReportTable(report, { colour: process.stdout.isTTY, width: process.stdout.columns })}\nReport: ${session.folder.file('report.md')}\n`,
            );
        });
      }),
    );
}

function product(folder: RunFolder, name: string): unknown {
  try {
    return JSON.parse(readFileSync(folder.file(name), 'utf8')) as unknown;
  } catch {
    throw new RunError(
      'stage-order',
      `Run "${folder.id}" has no ${name}: it has not come that far.`,
      `Finish it first: autoact run --resume ${folder.id}`,
    );
  }
}

/** Model name and file of an adapter; a file that is not the recorded one is refused. */
function loadable(folder: RunFolder, adapters: readonly TrainedAdapter[], name: string): [string, string] {
  const adapter = adapters.find((a) => a.name === name);
  if (adapter === undefined)
    throw new RunError(
      'stage-order',
      `Run "${folder.id}" did not train the adapter "${name}".`,
      'Train it with: autoact run --ablations',
    );
  const path = folder.file(`adapters/${adapter.model}.gguf`);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new RunError(
      'run-missing',
      `The adapter file ${path} is gone.`,
      'Remove adapters.json and resume the run: it is converted again from the training job.',
    );
  }
  if (sha256(bytes) !== adapter.sha256)
    throw new RunError(
      'log-corrupt',
      `The adapter file ${path} is not the one that was trained.`,
      'Restore it, or train again in a new run.',
    );
  return [adapter.model, path];
}
