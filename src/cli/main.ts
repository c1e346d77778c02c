import { Command, CommanderError } from 'commander';
import { addBoxCommands } from './commands/box.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEval } from './commands/eval.ts';
import { addExplain } from './commands/explain.ts';
import { addImport } from './commands/import.ts';
import { addJobs } from './commands/jobs.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addScore } from './commands/score.ts';
import { addServe } from './commands/serve.ts';
import { addTools } from './commands/tools.ts';
import { addTrain } from './commands/train.ts';
import { addWorld } from './commands/world.ts';
import { exitCodes } from './exitCodes.ts';
import { packageRoot, packageVersion } from '../node/packageRoot.ts';

/** `autoact`: the pipeline without an editor, and the runner process of the editor. */
async function main(): Promise<void> {
  const program = new Command('autoact')
    .description('Grow an agent group from a handful of examples, on models and machines of your own.')
    .version(packageVersion(packageRoot()))
    .showHelpAfterError('Run "autoact help" or add --help to a command to see what it takes.')
    .addHelpText(
      'after',
      `
First steps
  autoact doctor                                   see whether engine, model and Python are in order
  autoact run --task starter/starter.task.json     the whole loop on the starter task
  autoact runs                                     what ran here, and how far it came
  autoact box add gpu HOST                         a machine to train on, reached by SSH
  autoact train --resume RUN --box gpu             train a run's adapters there; "autoact jobs" lists what goes on
  autoact serve --box gpu --run RUN                its adapters, served from there on a port of this machine
  autoact run --resume RUN                         go on after a crash or a cancel; nothing is asked twice

Exit codes
  0 done   2 wrong usage   3 wrong task card, settings or data   4 model server, engine or tool
  5 a stage could not go on   6 disk or run folder   7 doctor found something   130 cancelled   1 anything else`,
    )
    .exitOverride();
  const commands = [
    addRun,
    addTrain,
    addEval,
    addRuns,
    addExplain,
    addScore,
    addImport,
    addWorld,
    addServe,
    addTools,
    addBoxCommands,
    addJobs,
  ];
  for (const add of [...commands, addDoctor]) add(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

void main();
