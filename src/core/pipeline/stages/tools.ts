import type { ToolDescription } from '../../tools/library.ts';
import { promptNamed, runStageItems, targetOf, type PipelineContext } from '../context.ts';
import { selectTools } from '../toolSelection.ts';
import { StageError, inStage } from './stage.ts';

/** Tool selection: the tools that the card names, or that the Meta-Agent picks among what is offered. */
export async function chooseTools(context: PipelineContext): Promise<readonly ToolDescription[]> {
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

export function toolsNamed(
  { offeredTools, unavailableTools }: PipelineContext,
  names: readonly string[],
): ToolDescription[] {
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
