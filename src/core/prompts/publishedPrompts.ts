import * as z from 'zod';

/**
 * Reads the prompts of the published AutoAct code out of its own files, as texts for our prompt files: their wording
 * stays in the user's clone and workspace, and nothing of it is shipped. Python is not run; assignments of string
 * literals are read, and nothing else.
 */

export const publishedTasks = ['hotpotqa', 'scienceqa'] as const;
export type PublishedTask = (typeof publishedTasks)[number];

/** Files of the clone that are read, from its root. */
export const publishedFiles = {
  selfInstruct: 'Self_Instruct/pre_prompt.py',
  selection: 'Self_Plan/Tool_Selection/pre_prompt.py',
  planning: 'Self_Plan/Group_Planning/benchmark_run/pre_prompt.py',
  tools: {
    hotpotqa: 'Self_Plan/Tool_Selection/HotpotQA_Tools.json',
    scienceqa: 'Self_Plan/Tool_Selection/ScienceQA_Tools.json',
  },
} as const;

export class PublishedPromptError extends Error {
  override readonly name = 'PublishedPromptError';
  readonly reason = 'malformed-file';
  readonly remedy = 'Point at a clone of zjunlp/AutoAct whose prompt files are as it published them.';
}

export interface PublishedPrompt {
  readonly name: 'agent' | 'self-instruct' | 'tool-selection';
  readonly inputs: readonly string[];
  readonly text: string;
}

const Tools = z.array(z.object({ name: z.string(), usage: z.string() })).min(1);

/** @param read gives a file of the clone. @throws PublishedPromptError that names what is missing, and where */
export function readPublishedPrompts(task: PublishedTask, read: (path: string) => string): PublishedPrompt[] {
  const from = (path: string) => {
    const source = read(path);
    return (name: string): string => {
      const text = stringNamed(source, name);
      if (text === undefined) throw new PublishedPromptError(`${path} has no text ${name}.`);
      return text;
    };
  };
  const prefix = task.toUpperCase();
  const grow = from(publishedFiles.selfInstruct);
  const select = from(publishedFiles.selection);
  const plan = from(publishedFiles.planning);
  const tools = Tools.safeParse(jsonOf(read(publishedFiles.tools[task])));
  if (!tools.success)
    throw new PublishedPromptError(`${publishedFiles.tools[task]} is no list of tools with name and usage.`);
  const about = { task_name: grow(`${prefix}_TASK_NAME`), task_description: grow(`${prefix}_TASK_DESCRIPTION`) };
  const usage = tools.data.map((tool, i) => `(${i + 1}) ${tool.usage}\n`).join('');
  return [
    prompt(
      'agent',
      plan(`ZEROSHOT_INSTRUCTION_${prefix}`),
      { tools: usage },
      { question: 'question', scratchpad: 'transcript' },
      '\n',
    ),
    prompt('self-instruct', `${grow('DATA_GEN_SYSTEM_PROMPT')}${grow(`${prefix}_DATA_GEN_HUMAN_PROMPT`)}`, about, {
      QA_pairs: 'examples',
      Gen_num: 'count',
    }),
    prompt('tool-selection', `${select('ACTION_SYSTEM_PROMPT')}\n${select('TASK_PROMPT_TEMPLATE')}`.trimEnd(), about, {
      tool_pool: 'tools',
    }),
  ];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Fills in what is fixed and turns the gaps into ours.
 * @param before what the published loop puts before its transcript
 */
function prompt(
  name: PublishedPrompt['name'],
  format: string,
  fixed: Readonly<Record<string, string>>,
  gaps: Readonly<Record<string, string>>,
  before = '',
): PublishedPrompt {
  const inputs: string[] = [];
  const text = format.replace(/\{\{|\}\}|\{(\w+)\}/g, (whole, gap: string | undefined) => {
    if (gap === undefined) return whole.slice(0, 1);
    const value = fixed[gap];
    if (value !== undefined) return value;
    const ours = gaps[gap];
    if (ours === undefined)
      throw new PublishedPromptError(`The text of "${name}" has a gap {${gap}} that is not known.`);
    if (!inputs.includes(ours)) inputs.push(ours);
    return ours === 'transcript' ? `${before}{{transcript}}` : `{{${ours}}}`;
  });
  const missing = Object.values(gaps).find((gap) => !inputs.includes(gap));
  if (missing !== undefined) throw new PublishedPromptError(`The text of "${name}" has no place for ${missing}.`);
  return { name, inputs, text };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };

/** The string literal that a name is assigned to at the beginning of a line; undefined when there is none. */
export function stringNamed(source: string, name: string): string | undefined {
  const start = new RegExp(`^${name}[ \\t]*=[ \\t]*("""|'''|"|')`, 'm').exec(source.replaceAll('\r\n', '\n'));
  if (start === null) return undefined;
  const text = source.replaceAll('\r\n', '\n');
  const quote = start[1] ?? '"';
  let value = '';
  for (let at = start.index + start[0].length; at < text.length; at++) {
    if (text.startsWith(quote, at)) return value;
    const c = text[at] ?? '';
    if (c === '\n' && quote.length === 1) return undefined;
    if (c !== '\\') value += c;
    else {
      const next = text[++at] ?? '';
      value += escapes[next] ?? (/["'\\]/.test(next) ? next : `\\${next}`);
    }
  }
  return undefined;
}

/** A prompt file of ours. */
export function promptFile({ name, inputs, text }: PublishedPrompt, task: PublishedTask): string {
  return `---\nname: ${name}\nversion: 1\ninputs: [${inputs.join(', ')}]\nabout: Read out of a clone of zjunlp/AutoAct (Apache-2.0) for ${task}.\n---\n${text}\n`;
}
