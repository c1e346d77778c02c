import type { Command } from 'commander';
import { findBox } from '../../node/box/boxes.ts';
import type { RunOptions } from './run.ts';
import { addRunOptions, runTask } from './run.ts';

/** The loop up to self-differentiation: what comes before is done, or taken from the run, and the evaluation is left. */
export function addTrain(program: Command): void {
  addRunOptions(
    program.command('train').requiredOption('--box <name>', 'where to train: a name of "autoact box list", or local'),
  )
    .addHelpText(
      'after',
      '\nThe job goes on on the box when this ends or the connection breaks. With --resume RUN it is followed again.',
    )
    .action((options: Omit<RunOptions, 'stage'> & { readonly box: string }) => {
      return runTask({ ...options, stage: 'training' }, () => {
        if (options.box !== 'local') findBox(options.box);
      });
    });
}
