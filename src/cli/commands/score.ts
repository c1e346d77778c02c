import type { Command } from 'commander';
import { Option } from 'commander';
import { readFileSync } from 'node:fs';
import { metrics, type Metric } from '../../core/evaluate/metrics.ts';
import { renderPredictionReport, scorePredictions } from '../../core/evaluate/predictions.ts';
import { createRandom } from '../../core/run/random.ts';
import { TaskError } from '../../node/store/taskError.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { wholeNumber } from './run.ts';

interface ScoreOptions extends CommonOptions {
  readonly predictions: string;
  readonly questions: string;
  readonly metric: Metric;
  readonly seed: number;
}

export function addScore(program: Command): void {
  program
    .command('score')
    .requiredOption('--predictions <file>', 'JSON Lines with id or question, and prediction')
    .requiredOption('--questions <file>', 'JSON Lines with id, question, answer and level')
    .addOption(
      new Option('--metric <metric>', 'token F1, exact match, or option letter').choices(metrics).default('f1'),
    )
    .option('--seed <n>', 'seed of the bootstrap', wholeNumber, 1)
    .option('--json', 'print JSON')
    .action((options: ScoreOptions) =>
      act(options, () => {
        const report = scorePredictions({
          predictions: lines(options.predictions),
          questions: lines(options.questions),
          metric: options.metric,
          random: createRandom(options.seed),
        });
        if (options.json === true) printJson(report);
        else process.stdout.write(`${renderPredictionReport(report)}\n`);
        return Promise.resolve(undefined);
      }),
    );
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    throw new TaskError('data', `The file ${path} cannot be read.`, 'Check its path.');
  }
}
