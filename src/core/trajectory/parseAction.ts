import type { ToolDescription } from '../tools/library.ts';

/**
 * Reads an action line, `Name[argument]` (grammar G1, methods 1.3). `repaired` means that the line was not of the exact
 * form but left no doubt about what was meant; `rule` names the leniency that was used.
 */
export type ParsedAction =
  | { readonly parse: 'ok' | 'repaired'; readonly rule?: string; readonly tool: string; readonly argument: string }
  | { readonly parse: 'failed'; readonly rule: string; readonly tool: string; readonly argument: string };

/**
 * Drops characters of a set from both ends. Not a pattern with `+$`: that takes quadratic time on a long text full of
 * such characters, and models have written worse.
 */
function trimOf(text: string, set: string, ends: 'both' | 'end' = 'both'): string {
  let start = 0;
  let end = text.length;
  while (ends === 'both' && start < end && set.includes(text.charAt(start))) start++;
  while (end > start && set.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
const quotes = '"\'`';

/** Finds the tool that a name means: exact, then by case, quotes and spaces, then by alias. */
export function resolveToolName(
  raw: string,
  tools: readonly ToolDescription[],
): { readonly name: string; readonly rule?: string } | undefined {
  const exact = tools.find((tool) => tool.name === raw);
  if (exact !== undefined) return { name: exact.name };
  const loose = trimOf(trimOf(raw.trim(), quotes), '.:', 'end').trim().toLowerCase();
  if (loose === '') return undefined;
  const byCase = tools.find((tool) => tool.name.toLowerCase() === loose);
  if (byCase !== undefined) return { name: byCase.name, rule: 'name spelt loosely' };
  const byAlias = tools.find((tool) => tool.aliases.some((alias) => alias.toLowerCase() === loose));
  return byAlias === undefined ? undefined : { name: byAlias.name, rule: 'alias' };
}

/** Cuts an argument at its closing bracket, counting nested ones; to the end of the line when there is none. */
export function readArgument(raw: string): { readonly argument: string; readonly rule?: string } {
  const line = firstLine(raw);
  let depth = 1;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (c === '[') depth++;
    else if (c === ']' && --depth === 0) {
      const rest = line.slice(i + 1).trim();
      const argument = line.slice(0, i).trim();
      return rest === '' || rest === '.' ? { argument } : { argument, rule: 'text after the bracket' };
    }
  }
  return { argument: line.trim(), rule: 'bracket not closed' };
}

/** Reads a whole action line, as a single agent writes it. */
export function parseAction(raw: string, tools: readonly ToolDescription[]): ParsedAction {
  const line = trimOf(firstLine(raw).trim(), quotes);
  const open = line.indexOf('[');
  if (open < 0) return { parse: 'failed', rule: line === '' ? 'empty' : 'no bracket', tool: line, argument: '' };
  const name = line.slice(0, open);
  const tool = resolveToolName(name, tools);
  const { argument, rule } = readArgument(line.slice(open + 1));
  if (tool === undefined) return { parse: 'failed', rule: 'unknown tool', tool: name.trim(), argument };
  if (argument === '') return { parse: 'failed', rule: 'empty argument', tool: tool.name, argument };
  const used = tool.rule ?? rule;
  return used === undefined
    ? { parse: 'ok', tool: tool.name, argument }
    : { parse: 'repaired', rule: used, tool: tool.name, argument };
}

/**
 * Reads a verdict. The paper's loop takes anything but exactly "right" as wrong (methods 4.2); `legible` says whether it
 * was one of the two words at all.
 */
export function parseVerdict(raw: string): {
  readonly right: boolean;
  readonly legible: boolean;
  readonly text: string;
} {
  const line = firstLine(raw).trim();
  const inner = /^\s*(?:reflect)?\s*\[?\s*([^\]]*)/i.exec(line)?.[1] ?? line;
  const word = trimOf(inner.trim(), '. \t"\'', 'end').toLowerCase();
  return { right: word === 'right', legible: word === 'right' || word === 'wrong', text: word };
}

/** The text before the first line's end, with a leading space or newline of the completion dropped. */
export function firstLine(text: string): string {
  const trimmed = text.replace(/^\s+/, '');
  const end = trimmed.search(/[\r\n]/);
  return end < 0 ? trimmed : trimmed.slice(0, end);
}

/**
 * Makes a thought of a completion: one line, without a label that the model repeated. In `reference` mode it is cleaned
 * as the published code does.
 */
export function cleanThought(raw: string, cutAtLabelWords: boolean): string {
  const line = firstLine(raw)
    .replace(/^(?:thought)\s*\d*\s*:\s*/i, '')
    .trim();
  return cutAtLabelWords ? cleanAsPublished(line) : line;
}

/**
 * The published cleaner of everything that models and tools say (methods 0.2, 10; 4.4, row 19): line ends are dropped
 * without a space, and the text is cut at the words Thought, Action and Observation wherever they stand.
 */
export function cleanAsPublished(text: string): string {
  return (
    text
      .trim()
      .replaceAll('\n', '')
      .split(/Thought|Action|Observation/)[0] ?? ''
  ).trim();
}
