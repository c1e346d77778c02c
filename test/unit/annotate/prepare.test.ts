import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { latinOrders } from '../../../src/core/annotate/latinSquare.ts';
import { neutralise } from '../../../src/core/annotate/neutral.ts';
import { prepareStudy } from '../../../src/core/annotate/prepare.ts';
import { Study } from '../../../src/core/annotate/study.ts';
import { asTrajectory, readPublishedLine } from '../../../src/core/data/publishedTrajectory.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import type { Trajectory } from '../../../src/core/trajectory/trajectory.ts';
import { methods, prepared, sources, study, trajectory } from './studyFixture.ts';

const published = join(import.meta.dirname, '../../../../shared/data');
const step = (changes: Partial<Trajectory['steps'][number]>): Trajectory['steps'][number] => ({
  thought: 'I look it up.',
  tool: 'Retrieve',
  argument: 'Oslo',
  observation: 'Oslo is a city.',
  by: 'plan',
  parse: 'ok',
  outcome: 'hit',
  ...changes,
});

test('a Latin square: each thing once at each position of every block, in other orders', () => {
  const orders = latinOrders(23, 4, createRandom('square'));
  assert.equal(orders.length, 23);
  for (let block = 0; block + 4 <= 23; block += 4)
    for (let position = 0; position < 4; position++)
      assert.deepEqual(
        orders
          .slice(block, block + 4)
          .map((order) => order[position])
          .sort(),
        [0, 1, 2, 3],
      );
  assert.ok(new Set(orders.map((order) => order.join())).size > 8);
  assert.deepEqual(latinOrders(0, 4, createRandom(1)), []);
});

test('each annotator has each method as often at each position, and an order of his or her own', () => {
  const made = prepared(40);
  for (const { presentations } of made.plan.raters) {
    for (const method of methods)
      for (let position = 0; position < 4; position++) {
        const times = presentations.filter((p) => made.key.candidates[p.order[position] ?? '']?.method === method);
        assert.equal(times.length, 10);
      }
  }
  const lists = made.plan.raters.map((r) => r.presentations.map((p) => p.item).join());
  assert.equal(new Set(lists).size, 5);
  assert.equal(new Set(made.plan.raters.map((r) => r.presentations[0]?.order.join())).size > 1, true);
});

test('in pairwise studies each pair is balanced by itself', () => {
  const made = prepared(10, { design: 'pairwise', raters: ['ann'] });
  const [rater] = made.plan.raters;
  assert.equal(rater?.presentations.length, 60);
  const first = new Map<string, number>();
  for (const { order } of rater.presentations) {
    const [a = '', b = ''] = order.map((c) => made.key.candidates[c]?.method ?? '');
    first.set(`${a}>${b}`, (first.get(`${a}>${b}`) ?? 0) + 1);
  }
  assert.deepEqual([...first.values()], Array(12).fill(5));
});

test('overlap spreads the questions evenly; repeats come later and in another order', () => {
  const made = prepared(50, { overlap: 2, repeats: 0.1 });
  const raters = new Map<string, Set<string>>();
  for (const { name, presentations } of made.plan.raters) {
    assert.equal(presentations.length, 22);
    for (const [i, p] of presentations.entries()) {
      raters.set(p.unit, (raters.get(p.unit) ?? new Set()).add(name));
      const first = presentations.findIndex((other) => other.unit === p.unit);
      if (first < i) assert.ok(i - first >= 8 || i === presentations.length - 1, `${i - first} apart`);
    }
  }
  assert.deepEqual(new Set([...raters.values()].map((r) => r.size)), new Set([2]));
});

test('the same seed makes the same study, another seed another; the key tells each candidate', () => {
  assert.deepEqual(prepared(12), prepared(12));
  assert.notDeepEqual(prepared(12).plan, prepared(12, {}, 'other').plan);
  const made = prepared(12);
  assert.equal(Object.keys(made.key.candidates).length, 48);
  assert.deepEqual(Object.keys(made.key.levels).length, 12);
});

test('draws equally from each level, only what all answered, and all finished where that is asked', () => {
  const all = sources(20).filter((s) => !(s.method === 'beta' && s.question.includes('book 3?')));
  const some = all.map((s) =>
    s.method === 'gamma' && s.question.includes('book 5?')
      ? { ...s, trajectory: { ...s.trajectory, finished: false } }
      : s,
  );
  const made = prepareStudy(study({ questions: { perLevel: 4, finishedOnly: true } }), some, 'x');
  assert.equal(made.items.length, 8);
  assert.deepEqual(Object.values(made.key.levels).sort(), [
    ...Array<string>(4).fill('easy'),
    ...Array<string>(4).fill('hard'),
  ]);
  assert.deepEqual([made.report.incomplete, made.report.unfinished], [1, 1]);
  assert.throws(() => prepareStudy(study(), sources(3, ['alpha', 'beta']), 'x'), /no question in common/);
});

test('a study says what is wrong with it', () => {
  const faults = (changes: Record<string, unknown>): string[] => {
    const parsed = Study.safeParse({
      name: 'x',
      methods: [{ id: 'a', run: 'r', system: 's' }],
      raters: ['ann'],
      ...changes,
    });
    return parsed.success ? [] : parsed.error.issues.map((issue) => issue.message);
  };
  assert.match(faults({}).join(), /needs two methods/);
  assert.match(faults({ methods: [{ id: 'a' }, { id: 'b', run: 'r', system: 's' }] }).join(), /a run and its system/);
  assert.match(faults({ design: 'single', raters: ['ann', 'Ann'] }).join(), /named twice/);
  assert.match(faults({ design: 'single', raters: ['../x'] }).join(), /Letters/);
  assert.match(faults({ design: 'single', ties: 'adjudicate' }).join(), /needs an adjudicator/);
  assert.match(faults({ design: 'single', adjudicator: '../x' }).join(), /Letters/);
  assert.match(faults({ design: 'single', adjudicator: 'Ann' }).join(), /none of the raters/);
  assert.deepEqual(faults({ design: 'single' }), []);
});

test('one template: reflection goes, later planning stays and is marked, tools get common names', () => {
  const reflected: Trajectory = {
    ...trajectory('Oslo'),
    steps: [
      step({ tool: 'BingSearch' }),
      step({
        tool: 'Finish',
        argument: 'Bergen',
        outcome: 'loop',
        observation: 'The answer is noted. Judge it now: is it right or wrong?',
      }),
      step({
        thought: 'That is a fjord town.',
        tool: 'Reflect',
        argument: 'wrong',
        by: 'reflect',
        outcome: 'loop',
        observation: 'The answer was judged wrong. Go on and find a better one.',
      }),
      step({ tool: 'Lookup', argument: 'capital' }),
      step({ tool: 'Finish', argument: 'Oslo', outcome: 'loop', observation: 'The answer is noted.' }),
    ],
  };
  const options = { reflections: 'remove' as const, toolNames: {}, tells: [] };
  const { steps } = neutralise(reflected, options).trajectory;
  assert.deepEqual(
    steps.map((s) => [s.action, s.argument, s.continued ?? false]),
    [
      ['Search', 'Oslo', false],
      ['Answer', 'Bergen', false],
      ['Look up', 'capital', true],
      ['Answer', 'Oslo', false],
    ],
  );
  assert.ok(!/judged|noted|Reflect|fjord/.test(JSON.stringify(steps)));
  assert.equal(neutralise(reflected, { ...options, reflections: 'keep' }).trajectory.steps.length, 5);
});

test('names, models, scores and headers that tell a method are taken out; the words around them stay', () => {
  const told: Trajectory = {
    ...trajectory('Oslo'),
    steps: [
      step({ thought: 'Plan agent: As ReAct with Llama-2-13b-chat I call BingSearch now.', argument: 'my-system' }),
      step({
        observation: 'A reaction. Reward = 0.5\nAnswer is INCORRECT\nEpisode finished, reward = 1\nThe score: 0.31',
      }),
      step({
        thought: 'Thought 3: gpt-4o-mini and text-davinci-003 say so.',
        tool: 'MagicTool',
        parse: 'failed',
        outcome: 'loop',
        observation: 'Valid actions are X.',
      }),
    ],
  };
  const { trajectory: neutral, tellsRemoved } = neutralise(told, {
    reflections: 'remove',
    toolNames: { MagicTool: 'Calculate' },
    tells: ['my-system'],
  });
  assert.deepEqual(
    neutral.steps.map((s) => [s.thought, s.action, s.argument, s.observation]),
    [
      ['As […] with […] I call Search now.', 'Search', '[…]', 'Oslo is a city.'],
      ['I look it up.', 'Search', 'Oslo', 'A reaction. […]\n[…]\n[…]\nThe […]'],
      ['[…] and […] say so.', 'Calculate', 'Oslo', 'The action could not be carried out.'],
    ],
  );
  assert.equal(tellsRemoved, 10);
});

test('what annotators get holds no name, model, score, gold or source', () => {
  const definition = study();
  const hidden = 'GoldAnswerNobodyGave';
  const told = sources(6).map((s) => ({ ...s, gold: hidden, correct: true, score: 0.4567 }));
  const made = prepareStudy(definition, told, 'secret');
  const shown = JSON.stringify([made.items, made.plan]);
  for (const word of [...methods, 'r-1', 'run/', hidden, '0.4567', 'correct', 'secret', 'easy', 'hard'])
    assert.ok(!new RegExp(`(?<![a-z])${word}(?![a-z])`, 'i').test(shown.replaceAll(/"rubric":"[^"]*"/g, '')), word);
});

test(
  'no tell in three hundred real trajectories of the published system',
  { skip: existsSync(published) ? false : 'the published trajectories are not here' },
  () => {
    const lines = ['easy', 'medium', 'hard'].flatMap((level) =>
      readFileSync(join(published, `reference-13b-${level}.jsonl`), 'utf8')
        .trim()
        .split('\n'),
    );
    let withReflection = 0;
    for (const [i, line] of lines.entries()) {
      const { trajectory: raw, score } = readPublishedLine(line, `row/${i}`);
      const own = asTrajectory(raw);
      const neutral = neutralise(own, { reflections: 'remove', toolNames: {}, tells: [] }).trajectory;
      const shown = neutral.steps.flatMap((s) => [s.thought, s.action, s.argument, s.observation]).join('\n');
      if (own.steps.some((s) => s.by === 'reflect')) withReflection++;
      for (const tell of [
        /\bReflect\b/,
        /BingSearch|Retrieve\b|Lookup\b/,
        /Answer is (IN)?CORRECT/,
        /reward\s*=/i,
        /Plan agent|Reflect agent/,
        /[Ll]lama-?2/,
        /Please reflect/,
        /answer maybe wrong/,
        /Invalid action/i,
      ])
        assert.ok(
          !tell.test(shown),
          `row ${i}: ${String(tell)} in ${shown.slice(Math.max(0, shown.search(tell) - 60), shown.search(tell) + 60)}`,
        );
      // Gold may only show where the trajectory itself found or gave it.
      const gold = String(score.fields['answer']);
      const said = own.steps.map((s) => `${s.thought}\n${s.argument}\n${s.observation}`).join('\n');
      if (!said.includes(gold)) assert.ok(!shown.includes(gold), `row ${i}: gold`);
      assert.equal(neutral.steps.length, own.steps.filter((s) => s.by === 'plan' && s.tool !== 'Reflect').length);
      assert.ok(!neutral.steps.some((s) => s.action === 'Check'), `row ${i}: a step that reflects`);
    }
    assert.ok(withReflection > 250);
  },
);
