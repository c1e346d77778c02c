import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modes } from '../../../src/core/pipeline/mode.ts';
import { resolveSettings, settingFromText, SettingsError } from '../../../src/core/pipeline/settings.ts';
import { parsePairs, selfInstruct, type SelfInstructInput } from '../../../src/core/pipeline/selfInstruct.ts';
import { PassageGraph } from '../../../src/core/pipeline/grounding.ts';
import { readSelection, selectTools, ToolSelectionError } from '../../../src/core/pipeline/toolSelection.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { lookupTools } from '../../../src/core/tools/library.ts';
import { completion, drive, prompts } from '../../doubles/planning.ts';

function input(settings: Record<string, unknown> = {}, mode: 'fixed' | 'reference' = 'fixed'): SelfInstructInput {
  return {
    template: prompts.get('self-instruct')!,
    description: 'You answer questions.',
    examples: [
      { question: 'Where was Ada born?', answer: 'Arden' },
      { question: 'Who leads Velm?', answer: 'Bo' },
    ],
    settings: resolveSettings({
      selfInstruct: { instances: 6, parallelRounds: 1, perRound: 10, patience: 3, ...settings },
    }).selfInstruct,
    mode: modes[mode],
    seed: 1,
    barred: ['What is the capital of Torv?'],
  };
}

const grow = (texts: readonly string[], of = input()) => {
  let at = 0;
  return drive(selfInstruct(of), () => completion(texts[at++] ?? ''));
};

test('good pairs enter the database with their source, others are dropped with the reason', () => {
  const { result, requests } = grow([
    'Question: Which river is longest?\nAnswer: Sarn\nQuestion: Where was Ada born?\nAnswer: Arden\nQuestion: What is the capital of Torv?\nAnswer: X\n' +
      'Question: no answer here\nQuestion: Which RIVER is longest\nAnswer: Sarn\nstray words\nQuestion: Who wrote it all?\nAnswer: one two three four five six seven eight nine ten eleven',
  ]);
  assert.deepEqual(
    result.database.map((i) => [i.id, i.question, i.answer]),
    [['i-0001', 'Which river is longest?', 'Sarn']],
  );
  assert.deepEqual(result.database[0]?.source, {
    entry: '0.0',
    round: 0,
    examples: result.database[0]?.source.examples,
    passages: [],
  });
  assert.deepEqual(result.dropped, {
    'repeats an example': 1,
    'evaluation question': 1,
    'format error': 2,
    duplicate: 1,
    'answer too long': 1,
  });
  assert.equal(result.stopped, 'repeating');
  assert.ok(
    requests.some((r) => r.kind === 'note' && r.note.kind === 'dropped' && r.note.reason === 'evaluation question'),
  );
});

test('near-duplicates and answers that come too often are dropped', () => {
  const { result } = grow(
    [
      'Question: In which year was the town of Arden founded by monks?\nAnswer: 1200\nQuestion: In which year was the old town of Arden founded by monks?\nAnswer: 1201\nQuestion: Is Velm a town?\nAnswer: yes\nQuestion: Are rivers always wet?\nAnswer: yes',
    ],
    input({ perAnswerCap: 1 }),
  );
  assert.deepEqual(result.dropped, { 'near-duplicate': 1, 'answer too frequent': 1 });
});

test('reference mode keeps one question an answer and drops long answers, as the published code does', () => {
  const { result } = grow(
    [
      'Question: Is it so?\nAnswer: yes\nQuestion: Another thing entirely?\nAnswer: yes\nQuestion: Who?\nAnswer: a name of twenty characters',
    ],
    input({}, 'reference'),
  );
  assert.deepEqual(result.dropped, { duplicate: 1, 'answer too long': 1 });
});

test('the database ends full, and the same seed grows the same prompts', () => {
  const texts = Array.from(
    { length: 9 },
    (_, i) => `Question: Thing number ${i} is what exactly, ${'abcdefghi'[i]}?\nAnswer: a${i}`,
  );
  const one = grow(texts);
  const two = grow(texts);
  assert.equal(one.result.stopped, 'full');
  assert.equal(one.result.database.length, 6);
  assert.deepEqual(one.requests, two.requests);
});

test('a text cut at the token limit loses its last pair, which is not malformed but unfinished', () => {
  assert.deepEqual(
    parsePairs('Question: a b c?\nAnswer: d\nQuestion: half of a', true).map((p) => p.question),
    ['a b c?'],
  );
});

test('passages are drawn along mentions', () => {
  const graph = new PassageGraph([
    { title: 'Arden', paragraphs: ['Arden lies on the Sarn River.', 'It has a mill.'] },
    { title: 'Sarn River', paragraphs: ['The Sarn River is long.'] },
    { title: 'Velm', paragraphs: ['Nothing here.'] },
  ]);
  const random = createRandom(3);
  const drawn = Array.from({ length: 200 }, () => graph.draw(random, 2, { later: 0.3 }));
  const pairs = new Set(drawn.map((d) => d.map((p) => p.title).join('>')));
  assert.deepEqual([...pairs].sort(), ['Arden', 'Arden>Sarn River', 'Sarn River', 'Velm']);
  assert.ok(drawn.some((d) => d.some((p) => p.text === 'It has a mill.')));
});

test('passages can be drawn beside one another, so that they can be compared', () => {
  const graph = new PassageGraph([
    { title: 'Arden', paragraphs: ['Arden lies on the Sarn River.'] },
    { title: 'Sarn River', paragraphs: ['The Sarn River is long.'] },
    { title: 'Velm', paragraphs: ['Velm lies on the Sarn River.'] },
  ]);
  const random = createRandom(3);
  const drawn = Array.from({ length: 300 }, () => graph.draw(random, 2, { siblings: 0.5 }));
  const pairs = new Set(drawn.map((d) => d.map((p) => p.title).join('>')));
  assert.ok(pairs.has('Arden>Velm') && pairs.has('Velm>Arden') && pairs.has('Arden>Sarn River'));
  assert.ok(!pairs.has('Sarn River>Arden'));
});

const selection = {
  template: prompts.get('tool-selection')!,
  description: 'd',
  offered: lookupTools,
  settings: resolveSettings().toolSelection,
  seed: 1,
};

test('tool selection takes k different tools, asks again when there are fewer, and gives up with a remedy', () => {
  const texts = [
    '\n1. Search\n2. Search\n3. nothing',
    '\n1. Retrieve (pages)\n2. BingSearch\n3. Lookup\n4. Calculator',
  ];
  let at = 0;
  assert.deepEqual(
    drive(selectTools({ ...selection, mode: modes.fixed }), () => completion(texts[at++] ?? '')).result,
    ['Retrieve', 'Search', 'Lookup'],
  );
  assert.throws(
    () => drive(selectTools({ ...selection, mode: modes.fixed }), () => completion('none')),
    (e) => e instanceof ToolSelectionError && /task card/.test(e.message),
  );
  assert.deepEqual(readSelection('1. Lookup\n2. Lookup', lookupTools, false), ['Lookup', 'Lookup']);
});

test('settings name what is wrong by path, and text settings nest', () => {
  assert.throws(
    () => resolveSettings({ planning: { maxStep: 3 } }),
    (e) => e instanceof SettingsError && e.message.includes('planning'),
  );
  assert.throws(
    () => resolveSettings({ planning: { maxSteps: 'x' } }),
    (e) => e instanceof SettingsError && e.message.includes('planning.maxSteps'),
  );
  assert.deepEqual(settingFromText('a.b=[1]'), { a: { b: [1] } });
  assert.throws(() => settingFromText('nothing'), SettingsError);
  assert.equal(resolveSettings({ mode: 'reference' }).planning.sampling.temperature, 0.5);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  resolveSettings(JSON.parse('{"servers":{"__proto__":{"polluted":1}}}') as Record<string, unknown>, {});
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});
