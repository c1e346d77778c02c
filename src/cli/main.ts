import { Command, CommanderError } from 'commander';
import { commandFiles } from './commandFiles.ts';
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
  await addCommands(program, process.argv.slice(2));
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

/** The command that was asked for with all that it takes; of the others, name and purpose. */
async function addCommands(program: Command, words: readonly string[]): Promise<void> {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  const asked = first === 'help' ? second : first;
  for (const { commands, load } of commandFiles) {
    const names = Object.keys(commands);
    if (asked !== undefined && names.includes(asked)) (await load())(program);
    else for (const name of names) program.command(name);
  }
  for (const command of program.commands)
    command.description(commandFiles.flatMap(({ commands }) => commands[command.name()] ?? [])[0] ?? '');
}

void main();
