import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupPlan } from '../../../src/core/methods/groupPlan.ts';
import { zeroShotPlan } from '../../../src/core/methods/zeroShotPlan.ts';
import { targetOf } from '../../../src/core/pipeline/context.ts';
import { InstanceGate } from '../../../src/core/pipeline/instanceGate.ts';
import { modes } from '../../../src/core/pipeline/mode.ts';
import { resolveSettings, SettingsError } from '../../../src/core/pipeline/settings.ts';
import { readSelection } from '../../../src/core/pipeline/toolSelection.ts';
import { lookupTools } from '../../../src/core/tools/library.ts';
import { drive, planningInput, prompts, scripted } from '../../doubles/planning.ts';

/** The points of methods 4.4 where the published code behaves otherwise than ours. */
const run = (script: readonly string[], options: Parameters<typeof planningInput>[0] = {}) =>
  drive(groupPlan(planningInput({ mode: modes.reference, ...options })), scripted(script)).result;
const single = (script: readonly string[]) =>
  drive(zeroShotPlan(planningInput({ mode: modes.reference })), scripted(script)).result;

test('a reflection is a step of its own: an answer in the last step is not judged', () => {
  const result = run([' a', ' Finish', 'Arden]'], { maxSteps: 1 });
  assert.deepEqual([result.finished, result.halt, result.answer], [false, 'steps', 'Arden']);
});

test('names are exact, with the published name of a tool as its alias, and the history shows the name that was said', () => {
  const result = run([
    ' a',
    ' BingSearch',
    'x]',
    ' b',
    ' bingsearch',
    'x]',
    ' c',
    ' Finish',
    'y]',
    ' d',
    ' Reflect[Right]',
  ]);
  assert.deepEqual(
    result.steps.map((s) => [s.tool, s.parse, s.outcome]),
    [
      ['BingSearch', 'ok', 'hit'],
      ['bingsearch', 'failed', 'loop'],
      ['Finish', 'ok', 'loop'],
      ['Reflect', 'ok', 'loop'],
    ],
  );
  assert.equal(result.finished, true);
});

test('what the reflect agent says is carried out: another answer ends the run, garbage lets the plan agent go on', () => {
  const finish = run([' a', ' Finish', 'x]', ' b', ' Finish[y]']);
  assert.deepEqual([finish.answer, finish.finished, finish.steps.length], ['y', true, 2]);
  const garbage = run([' a', ' Finish', 'x]', ' b', ' perhaps', ' c', ' Finish', 'y]']);
  // Without a bracket the published split loses the last character.
  assert.deepEqual(
    garbage.steps.map((s) => s.tool),
    ['Finish', 'perhap', 'Finish'],
  );
  assert.deepEqual(garbage.answers, [
    { text: 'x', step: 1 },
    { text: 'y', step: 3 },
  ]);
});

test('an empty first answer counts as none, so that the next one is judged', () => {
  const result = run([' a', ' Finish', ']', ' b', ' Reflect[wrong]', ' c', ' Finish', 'x]', ' d', ' Reflect[right]']);
  assert.deepEqual(
    result.answers.map((a) => a.verdict),
    ['wrong', 'right'],
  );
});

test('Lookup: group planning forgets the search at any other action, synthesis remembers it', () => {
  const group = run([
    ' a',
    ' Retrieve',
    'P]',
    ' b',
    ' Lookup',
    'k]',
    ' c',
    ' Reflect',
    'right]',
    ' d',
    ' Lookup',
    'k]',
    ' e',
    ' Finish',
    'x]',
    ' f',
    ' Reflect[right]',
  ]);
  assert.deepEqual(
    group.steps.map((s) => s.parse),
    ['ok', 'ok', 'failed', 'failed', 'ok', 'ok'],
  );
  const alone = single([
    ' a',
    ' Retrieve[P]',
    ' b',
    ' Dance[x]',
    ' c',
    ' Lookup[k]',
    ' d',
    ' Finish[x]',
    ' e',
    ' Reflect[right]',
  ]);
  assert.deepEqual(
    alone.steps.map((s) => s.parse),
    ['ok', 'failed', 'ok', 'ok', 'ok'],
  );
});

test('synthesis reads an action strictly: an empty argument or a space before the bracket is invalid', () => {
  const result = single([
    ' a',
    ' Retrieve []',
    ' b',
    ' Retrieve [x]',
    ' c',
    ' . Retrieve[x] and more',
    ' d',
    ' Finish[x]',
    ' e',
    ' Reflect[right]',
  ]);
  assert.deepEqual(
    result.steps.map((s) => s.parse),
    ['failed', 'failed', 'ok', 'ok', 'ok'],
  );
});

test('text is cut at label words, in thoughts, arguments and observations', () => {
  const result = run([
    ' an Action film',
    ' Retrieve',
    'Action Comics]',
    ' Thought',
    ' Finish',
    'x]',
    ' c',
    ' Reflect[right]',
  ]);
  assert.deepEqual(
    result.steps.slice(0, 2).map((s) => [s.thought, s.argument]),
    [
      ['an', ''],
      ['', 'x'],
    ],
  );
});

test('self-instruct knows the answers of its examples, exactly as they stand', () => {
  const gate = new InstanceGate({
    template: prompts.get('self-instruct')!,
    description: '',
    examples: [{ question: 'Who?', answer: 'Ada' }],
    settings: resolveSettings({ mode: 'reference' }).selfInstruct,
    mode: modes.reference,
    seed: 1,
    barred: ['Where is it?'],
  });
  const judge = (question: string, answer: string) => gate.judge({ question, answer, options: [], raw: '' });
  assert.equal(judge('Which?', 'Ada'), 'duplicate');
  assert.equal(judge('Which?', 'ada'), undefined);
  assert.equal(judge('Which?', 'Bo'), undefined, 'the same question with another answer is taken');
  assert.equal(judge('Where is it?', 'there'), 'evaluation question', 'the one point where it is not followed');
});

test('tool selection reads numbered lines', () => {
  assert.deepEqual(readSelection('These three, Search too:\n1. Lookup\n2. Lookup agent', lookupTools, false), [
    'Lookup',
    'Lookup',
  ]);
});

test('values of the published code and of the paper; what is said in a card wins over both', () => {
  const reference = resolveSettings({ mode: 'reference' });
  assert.deepEqual(reference.maxTokens, { thought: 256, action: 256 });
  assert.equal(reference.synthesis.maxTokens, 128);
  assert.equal(reference.selfInstruct.parallelRounds, 1);
  const published = resolveSettings({ preset: 'published-code' });
  assert.deepEqual(
    [published.mode, published.training.batchSize, published.planning.sampling.topK],
    ['reference', 16, 40],
  );
  const paper = resolveSettings({ preset: 'paper', training: { epochs: 2 } });
  assert.deepEqual(
    [paper.mode, paper.training.batchSize, paper.training.epochs, paper.evaluation.protocol],
    ['fixed', 4, 2, 'paper-best-of-2'],
  );
  assert.equal(resolveSettings({ preset: 'paper-70b' }).training.epochs, 3);
  assert.throws(() => resolveSettings({ preset: 'other' }), SettingsError);
});

test('the published name of the tool agent names its server too', () => {
  const settings = resolveSettings({
    roles: { action: { server: 's', model: 'a' }, default: { server: 's', model: 'd' } },
  });
  assert.equal(targetOf(settings, 'tool').model, 'a');
  assert.equal(targetOf(settings, 'plan').model, 'd');
});

test('without a preset or a mode nothing differs from the defaults', () => {
  const { selfInstruct, synthesis, evaluation } = resolveSettings();
  assert.deepEqual(
    [
      selfInstruct.similarityMeasure,
      selfInstruct.formatChecks,
      selfInstruct.decontaminate,
      selfInstruct.steer,
      selfInstruct.votes,
      selfInstruct.minYield,
    ],
    ['words', 'basic', 'same-words', false, 0, 0],
  );
  assert.deepEqual([synthesis.maxTokens, evaluation.lenientYesNo], [undefined, false]);
});
