import { ask, note } from '../run/ask.ts';
import type { Answer, Request } from '../run/request.ts';
import { samplingSeed } from '../run/random.ts';
import type { PromptTemplate } from '../prompts/template.ts';
import { renderPrompt } from '../prompts/template.ts';
import { renderLibrary, type ToolDescription } from '../tools/library.ts';
import { resolveToolName } from '../trajectory/parseAction.ts';
import type { Mode } from './mode.ts';
import type { Settings } from './settings.ts';

export interface ToolSelectionInput {
  readonly template: PromptTemplate;
  readonly description: string;
  /** What is configured in this run. A tool that cannot answer is not offered. */
  readonly offered: readonly ToolDescription[];
  readonly settings: Settings['toolSelection'];
  readonly mode: Mode;
  readonly seed: number;
}

export class ToolSelectionError extends Error {
  override readonly name = 'ToolSelectionError';
  readonly reason = 'tool-selection';
  readonly fatal = true;
}

/**
 * The Meta-Agent reads the library (name, definition, usage) and the task, and picks tools (paper section 2.2).
 * `fixed` takes exactly k different tools and asks again otherwise; `reference` takes what the first answer names.
 * @throws ToolSelectionError when no answer could be used.
 */
export function* selectTools(
  input: ToolSelectionInput,
): Generator<Request | readonly Request[], string[], Answer | readonly Answer[]> {
  const { settings, offered, mode } = input;
  const wanted = Math.min(settings.count, offered.length);
  const prompt = renderPrompt(input.template, {
    description: input.description,
    tools: mode.definitionsOnly
      ? offered.map((t) => `- ${t.name}: ${t.definition}.`).join('\n')
      : renderLibrary(offered),
    count: String(wanted),
  });
  let best: string[] = [];
  for (let attempt = 0; attempt < (mode.exactToolCount ? settings.attempts : 1); attempt++) {
    const answer = yield* ask({
      role: 'meta',
      purpose: 'tool selection',
      prompt,
      stop: ['\n\n'],
      maxTokens: 64,
      sampling: { ...settings.sampling, seed: samplingSeed(input.seed, 'toolSelection', String(attempt)) },
    });
    const named = readSelection(answer.text, offered, mode.exactToolCount);
    const enough = mode.exactToolCount ? named.length >= wanted : named.length > 0;
    yield* note({
      step: attempt + 1,
      role: 'meta',
      kind: enough ? 'selected' : 'dropped',
      text: answer.text.trim(),
      argument: named.join(', '),
      ...(enough ? {} : { reason: `names ${named.length} of ${wanted} tools` }),
    });
    if (enough) return mode.exactToolCount ? named.slice(0, wanted) : named;
    if (named.length > best.length) best = named;
  }
  throw new ToolSelectionError(
    `The Meta-Agent did not pick ${wanted} of the tools ${offered.map((t) => t.name).join(', ')} in ${settings.attempts} attempts (best answer: ${best.join(', ') || 'none of them'}). Name the tools in the task card under "tools", or raise toolSelection.attempts.`,
  );
}

/** Takes the first library name in each line; of repeated ones the first, or as published every one of a numbered line. */
export function readSelection(text: string, offered: readonly ToolDescription[], distinct: boolean): string[] {
  const names: string[] = [];
  for (const line of text.split('\n')) {
    if (!distinct && !/^\s*\d/.test(line)) continue;
    const found = line
      .split(/[^\p{L}\p{N}_]+/u)
      .map((word) => resolveToolName(word, offered)?.name)
      .find((name) => name !== undefined);
    if (found === undefined || (distinct && names.includes(found))) continue;
    names.push(found);
  }
  return names;
}
