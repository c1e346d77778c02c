import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { ToolLibrary } from '../../core/tools/provider.ts';
import { visible } from '../../core/trajectory/visible.ts';
import { loadTaskCard, loadTaskData } from '../../node/store/taskFile.ts';
import { openTools } from '../../node/tools/openTools.ts';
import { Toolbox } from '../../node/tools/toolbox.ts';
import { toolPlace } from '../toolPlace.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';

interface ToolsOptions extends CommonOptions {
  readonly task: string;
  readonly workspace: string;
  readonly call?: string;
  readonly approve?: string;
}

export function addTools(program: Command): void {
  program
    .command('tools')
    .description('List the tools of a task card: which can be used, who provides them, and why others cannot.')
    .requiredOption('-t, --task <file>', 'task card')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--call <action>', 'call one as an agent would, for example "Calculator[2 + 3]"')
    .option('--approve <name>', 'allow a tool of your own or of an MCP server to run, as it is described now')
    .option('--json', 'print JSON')
    .action((options: ToolsOptions) =>
      act(options, async (signal) => {
        if (options.approve !== undefined) {
          await approveOne(options, options.approve, signal);
          return undefined;
        }
        const library = libraryOf(options);
        if (options.call !== undefined) {
          await callOnce(library, options.call, options, signal);
          return undefined;
        }
        if (options.json === true) printJson(describe(library));
        else process.stdout.write(render(library));
        return undefined;
      }),
    );
}

/** The library of a task card, as a run of it would have it. */
export function libraryOf(options: Pick<ToolsOptions, 'task' | 'workspace'>): ToolLibrary {
  const taskFile = resolve(options.task);
  const task = loadTaskCard(taskFile);
  return openTools({
    tools: task.tools,
    pages: loadTaskData(task, taskFile).pages,
    place: toolPlace(taskFile, (message) => process.stderr.write(`  ${message}\n`)),
  });
}

async function approveOne(options: ToolsOptions, name: string, signal: AbortSignal): Promise<void> {
  const taskFile = resolve(options.task);
  const place = toolPlace(taskFile, (message) => process.stderr.write(`  ${message}\n`));
  const { approveTool } = await import('../../node/tools/approveTool.ts');
  const approved = await approveTool(name, loadTaskCard(taskFile).tools, place, signal);
  if (options.json === true) printJson(approved);
  else
    process.stdout.write(
      `${visible(JSON.stringify(approved.what, null, 2))}\n\nApproved as it is above. When it changes, it has to be approved again.\n`,
    );
}

function describe(library: ToolLibrary): object {
  return {
    selectedBy: library.named === undefined ? 'Meta-Agent' : 'task card',
    ...(library.named === undefined ? {} : { named: library.named }),
    available: library.available.map(({ description, provider }) => ({ ...description, provider })),
    unavailable: library.unavailable,
  };
}

function render(library: ToolLibrary): string {
  const by = library.named === undefined ? 'the Meta-Agent selects' : `the task card uses ${library.named.join(', ')}`;
  return [
    `Tools that can be used; ${by}:`,
    ...library.available.map(
      ({ description, provider }) =>
        `✓ ${description.name.padEnd(16)} ${provider}\n  ${' '.repeat(16)} ${description.definition}`,
    ),
    ...(library.unavailable.length === 0 ? [] : ['Not offered:']),
    ...library.unavailable.map(
      ({ name, reason, remedy }) => `✗ ${name.padEnd(16)} ${reason}\n  ${' '.repeat(16)} ${remedy}`,
    ),
    '',
  ].join('\n');
}

async function callOnce(
  library: ToolLibrary,
  action: string,
  options: ToolsOptions,
  signal: AbortSignal,
): Promise<void> {
  const parts = /^\s*([\w-]+)\[(.*)\]\s*$/s.exec(action);
  if (parts === null) throw new UsageError(`"${action}" is not an action. Write it as Name[argument].`);
  const [, tool = '', argument = ''] = parts;
  const toolbox = new Toolbox(library);
  try {
    const { text, outcome } = await toolbox.call({ kind: 'tool', tool, argument, state: {} }, signal);
    if (options.json === true) printJson({ tool, argument, outcome, text });
    else process.stdout.write(`${text}\n`);
  } finally {
    await toolbox.close();
  }
}
