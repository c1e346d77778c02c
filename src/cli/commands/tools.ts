import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { ToolLibrary } from '../../core/tools/provider.ts';
import { visible } from '../../core/trajectory/visible.ts';
import { loadTaskCard, openTaskData } from '../../node/store/taskFile.ts';
import { defaultCacheFolder } from '../../node/store/cacheFolder.ts';
import { TaskError } from '../../node/store/taskError.ts';
import { openTools } from '../../node/tools/openTools.ts';
import { Toolbox } from '../../node/tools/toolbox.ts';
import { toolPlace } from '../toolPlace.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';

interface ToolsOptions extends CommonOptions {
  readonly task: string;
  readonly workspace: string;
  readonly call?: string;
  readonly approve?: string;
  readonly sha256?: string;
  readonly approvals?: boolean;
}

export function addTools(program: Command): void {
  program
    .command('tools')
    .requiredOption('-t, --task <file>', 'task card')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--call <action>', 'call one as an agent would, for example "Calculator[2 + 3]"')
    .option('--approve <name>', 'allow a tool of your own or of an MCP server to run, as it is described now')
    .option('--sha256 <hash>', 'with --approve: only if it is still what --approvals showed under this hash')
    .option('--approvals', 'list what would be approved, tool by tool; starts nothing')
    .option('--json', 'print JSON')
    .action((options: ToolsOptions) =>
      act(options, async (signal) => {
        if (options.approve !== undefined) {
          await approveOne(options, options.approve, signal);
          return undefined;
        }
        if (options.approvals === true) {
          await listApprovals(options);
          return undefined;
        }
        const library = await libraryOf(options, signal);
        if (options.call !== undefined) {
          await callOnce(library, options.call, options, signal);
          return undefined;
        }
        if (options.json === true) printJson(describe(library));
        else process.stdout.write(visible(render(library)));
        return undefined;
      }),
    );
}

/** The library of a task card, as a run of it would have it. */
export async function libraryOf(
  options: Pick<ToolsOptions, 'task' | 'workspace'>,
  signal: AbortSignal,
): Promise<ToolLibrary> {
  const taskFile = resolve(options.task);
  const task = loadTaskCard(taskFile);
  const notify = (message: string): void => void process.stderr.write(`  ${visible(message)}\n`);
  const place = toolPlace(taskFile, notify);
  const cacheFolder = defaultCacheFolder(place.root);
  const data = await openTaskData(task, taskFile, { cacheFolder, notify, signal });
  return openTools({
    tools: task.tools,
    documents: data.documents,
    place,
  });
}

async function approveOne(options: ToolsOptions, name: string, signal: AbortSignal): Promise<void> {
  const taskFile = resolve(options.task);
  const place = toolPlace(taskFile, (message) => process.stderr.write(`  ${message}\n`));
  const { approveTool } = await import('../../node/tools/approveTool.ts');
  const approved = await approveTool(name, loadTaskCard(taskFile).tools, place, signal, options.sha256);
  if (options.json === true) printJson(approved);
  else
    process.stdout.write(
      `${visible(JSON.stringify(approved.what, null, 2))}\n\nApproved as it is above. When it changes, it has to be approved again.\n`,
    );
}

async function listApprovals(options: ToolsOptions): Promise<void> {
  const taskFile = resolve(options.task);
  const { toolsToApprove } = await import('../../node/tools/approveTool.ts');
  const tools = toolsToApprove(
    loadTaskCard(taskFile).tools,
    toolPlace(taskFile, () => undefined),
  );
  if (options.json === true) printJson(tools);
  else
    for (const { name, sha256, what, approved } of tools)
      process.stdout.write(
        `${name}: ${approved ? 'approved' : 'not approved'}, ${sha256}\n${visible(JSON.stringify(what, null, 2))}\n`,
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
  if (!library.available.some(({ description }) => description.name === tool)) {
    const missing = library.unavailable.find(({ name }) => name === tool);
    const names = library.available.map(({ description }) => description.name).join(', ');
    throw new TaskError(
      'task-card',
      missing === undefined ? `There is no tool ${tool}.` : `${tool} cannot be used: ${missing.reason}`,
      missing?.remedy ?? `The tools that can be used are ${names}.`,
    );
  }
  const toolbox = new Toolbox(library);
  try {
    const { text, outcome } = await toolbox.call({ kind: 'tool', tool, argument, state: {} }, signal);
    if (options.json === true) printJson({ tool, argument, outcome, text });
    else process.stdout.write(`${text}\n`);
  } finally {
    await toolbox.close();
  }
}
