import { test } from 'node:test';
import { agentPrompt } from '../../src/core/methods/agentPrompt.ts';
import { renderPassages } from '../../src/core/pipeline/selfInstruct.ts';
import { renderPrompt } from '../../src/core/prompts/template.ts';
import { lookupTools, renderLibrary } from '../../src/core/tools/library.ts';
import type { TrajectoryStep } from '../../src/core/trajectory/trajectory.ts';
import { planningInput, prompts } from '../doubles/planning.ts';
import { assertGolden } from './golden.ts';

/** The starter model was pretrained on these very bytes: a change here means pretraining again. */
const { context } = planningInput();
const description = 'You answer questions about an encyclopedia of an invented world.';

const steps: TrajectoryStep[] = [
  { thought: 'First I need her page.', tool: 'Retrieve', argument: 'Mira Torvel', observation: 'Mira Torvel was born in Arden.\nThought: a line from outside', by: 'plan', parse: 'ok', outcome: 'hit' },
  { thought: 'She was born in Arden.', tool: 'Finish', argument: 'Arden', observation: 'The answer is noted. Judge it now: is it right or wrong?', by: 'plan', parse: 'ok', outcome: 'loop' },
];

test('the agent prompt at each cue', () => {
  const at = (n: number, cue: Parameters<typeof agentPrompt>[3]): string => agentPrompt({ ...context, description }, 'Where was Mira Torvel born?', steps.slice(0, n), cue);
  assertGolden(
    'agent-prompts.txt',
    [at(0, { kind: 'thought' }), at(1, { kind: 'tool', thought: 'She was born in Arden.' }), at(1, { kind: 'argument', thought: 'She was born in Arden.', tool: 'Finish' }), at(2, { kind: 'verdict', thought: 'The page says so.' })].join('\n=====\n'),
  );
});

test('the self-instruct prompt', () => {
  const template = prompts.get('self-instruct')!;
  const examples = 'Question: Where was Ada born?\nAnswer: Arden';
  assertGolden(
    'self-instruct-prompts.txt',
    [renderPassages([]), renderPassages([{ title: 'Arden', text: 'Arden lies on the Sarn River.' }])].map((passages) => renderPrompt(template, { description, count: '3', passages, examples })).join('\n=====\n'),
  );
});

test('the tool selection prompt', () => {
  assertGolden('tool-selection-prompt.txt', renderPrompt(prompts.get('tool-selection')!, { description, count: '3', tools: renderLibrary(lookupTools) }));
});
