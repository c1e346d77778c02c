import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { renderPrompt } from '../../../src/core/prompts/template.ts';
import {
  promptFile,
  publishedFiles,
  readPublishedPrompts,
  stringNamed,
} from '../../../src/core/prompts/publishedPrompts.ts';
import { parsePrompt } from '../../../src/node/store/prompts.ts';

/** A clone with the files and names of the published one, and words of our own. */
const clone: Readonly<Record<string, string>> = {
  [publishedFiles.selfInstruct]: `
HOTPOTQA_TASK_NAME = "Hops"
HOTPOTQA_TASK_DESCRIPTION = "Many \\"hops\\"."
DATA_GEN_SYSTEM_PROMPT  = """Write for {task_name}:
{task_description}
"""
HOTPOTQA_DATA_GEN_HUMAN_PROMPT = """{QA_pairs}\\nWrite {Gen_num} more.
"""
`,
  [publishedFiles.selection]: `ACTION_SYSTEM_PROMPT = '''Pick.'''
TASK_PROMPT_TEMPLATE = """Of {tool_pool} for {task_name}, {task_description}.
"""`,
  [publishedFiles.planning]: `# ZEROSHOT_INSTRUCTION_HOTPOTQA = """an old one {question}"""
ZEROSHOT_INSTRUCTION_HOTPOTQA = """Use {{these}}:
{tools}
(2) Finish[answer]
Question: {question}\\n\\n{scratchpad}"""
`,
  [publishedFiles.tools.hotpotqa]:
    '[{"name": "BingSearch", "definition": "d", "usage": "BingSearch[query], which searches {all}"}]',
};
const read = (path: string): string => {
  const text = clone[path];
  if (text === undefined) throw new Error(`no ${path}`);
  return text;
};

test('the prompts of a clone become prompt files with our gaps', () => {
  const prompts = readPublishedPrompts('hotpotqa', read);
  const files = new Map(prompts.map((p) => [p.name, parsePrompt(promptFile(p, 'hotpotqa'), p.name)]));
  const agent = files.get('agent');
  assert.ok(agent);
  assert.equal(
    renderPrompt(agent, { question: 'Who?', transcript: 'Thought:' }),
    'Use {these}:\n(1) BingSearch[query], which searches {all}\n\n(2) Finish[answer]\nQuestion: Who?\n\n\nThought:',
  );
  assert.deepEqual(files.get('self-instruct')?.inputs, ['examples', 'count']);
  assert.match(
    files.get('self-instruct')?.text ?? '',
    /^Write for Hops:\nMany "hops"\.\n\{\{examples\}\}\nWrite \{\{count\}\} more\.\n$/,
  );
  assert.match(files.get('tool-selection')?.text ?? '', /^Pick\.\nOf \{\{tools\}\} for Hops/);
});

test('what a clone lacks is named with its file', () => {
  const without = (path: string, text: string) => () =>
    readPublishedPrompts('hotpotqa', (p) => (p === path ? text : read(p)));
  assert.throws(without(publishedFiles.planning, 'x = 1'), /pre_prompt\.py has no text ZEROSHOT_INSTRUCTION_HOTPOTQA/);
  assert.throws(
    without(publishedFiles.planning, 'ZEROSHOT_INSTRUCTION_HOTPOTQA = "{tools} {question}"'),
    /no place for transcript/,
  );
  assert.throws(
    without(publishedFiles.planning, 'ZEROSHOT_INSTRUCTION_HOTPOTQA = "{what} {question}"'),
    /a gap \{what\}/,
  );
  for (const text of ['[]', 'no JSON', '{"name":1}'])
    assert.throws(without(publishedFiles.tools.hotpotqa, text), /HotpotQA_Tools\.json is no list of tools/);
});

test('string literals of Python, and nothing else', () => {
  const source = 'A = "x\\n\\t\\\\ \\q"\r\nB = f"no"\nC = """two\n"quoted" \\\nlines"""\nD = "open\n';
  assert.equal(stringNamed(source, 'A'), 'x\n\t\\ \\q');
  assert.equal(stringNamed(source, 'B'), undefined);
  assert.equal(stringNamed(source, 'C'), 'two\n"quoted" lines');
  assert.equal(stringNamed(source, 'D'), undefined);
});

test('no prompt of the published code is shipped', () => {
  for (const name of ['agent', 'answer-vote', 'self-instruct', 'tool-selection'])
    assert.doesNotMatch(
      readFileSync(join(import.meta.dirname, `../../../prompts/${name}.md`), 'utf8'),
      /multi-hop question answerer|QA pair generator/,
    );
});
