import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateQuestions, questionKey } from '../../../src/core/world/questions.ts';
import type { WorldQuestion } from '../../../src/core/world/types.ts';
import { generateWorld, sentencesOf, valueText } from '../../../src/core/world/world.ts';

const world = generateWorld({ seed: 4711 });
const questions = generateQuestions(world, { seed: 1, perLevel: 100 });
const pages = new Map(world.pages.map((page) => [page.title, page]));
const values = (title: string, relation: string): string[] =>
  world.facts
    .filter((fact) => fact.subject.title === title && fact.relation === relation)
    .map((fact) => valueText(fact.value));
const named = (title: string): string => title.replace(/ \(.*\)$/, '');

/** Works the answer out anew from the fact base, hop by hop, and returns every answer that holds. */
function solve(question: WorldQuestion): string[] {
  const found = question.supporting.map((_, i) => {
    const hop = question.hops[i]!;
    return { title: hop.subject, values: values(hop.subject, hop.relation) };
  });
  for (const one of found) assert.equal(one.values.length, 1);
  const first = found.map((one) => one.values[0]!);
  const how = question.hops[question.supporting.length];
  if (!how) return [first.at(-1)!];
  const numbers = first.map((value) => Number(value.replaceAll(',', '')));
  const extreme = how.relation.includes('least') ? Math.min(...numbers) : Math.max(...numbers);
  switch (how.relation) {
    case 'least':
    case 'greatest':
      return found.filter((_, i) => numbers[i] === extreme).map((one) => named(one.title));
    case 'check least':
    case 'check greatest':
      return [numbers[0] === extreme ? 'yes' : 'no'];
    case 'same':
      return [first[0] === first[1] ? 'yes' : 'no'];
    case 'count':
      return [String(first.filter((value) => value === named(how.subject)).length)];
    default:
      return first[0]!.split('; ').filter((name) => first[1]!.split('; ').includes(name));
  }
}

test('there are as many questions of each level as were asked for, and none comes twice', () => {
  for (const level of ['easy', 'medium', 'hard'])
    assert.equal(questions.filter((question) => question.level === level).length, 100);
  assert.equal(new Set(questions.map((question) => question.id)).size, 300);
  assert.equal(new Set(questions.map((question) => question.question)).size, 300);
  assert.equal(new Set(questions.map(questionKey)).size, 300);
  const types = new Set(questions.map((question) => question.type));
  for (const type of ['attribute', 'bridge', 'comparison', 'chain', 'intersection', 'superlative', 'count'])
    assert.ok(types.has(type), type);
});

test('the gold answer is the only one that the facts allow', () => {
  for (const question of questions) assert.deepEqual(solve(question), [question.answer], question.question);
});

test('hops of a path join: each is about what the one before found', () => {
  for (const question of questions.filter((one) => one.type === 'bridge' || one.type === 'chain')) {
    assert.equal(question.hops.length, question.type === 'chain' ? 3 : 2);
    for (let i = 1; i < question.hops.length; i++)
      assert.equal(named(question.hops[i]!.subject), question.hops[i - 1]!.value);
  }
});

test('supporting sentences exist and hold what was found there', () => {
  for (const question of questions) {
    question.supporting.forEach(({ title, sentence }, i) => {
      const text = sentencesOf(pages.get(title)!)[sentence];
      assert.ok(text !== undefined, `${title} has no sentence ${sentence}`);
      for (const value of question.hops[i]!.value.split('; ')) assert.ok(text.includes(value), `${value} in "${text}"`);
    });
  }
});

test('a question names the page to start from and does not give its answer away', () => {
  for (const question of questions) {
    assert.ok(question.question.includes(named(question.supporting[0]!.title)), question.question);
    assert.match(question.question, /^\p{Lu}.*\?$/u);
    const offered =
      question.hops.some((hop) => named(hop.subject) === question.answer) || /^(yes|no|\d)$/.test(question.answer);
    if (!offered) assert.ok(!question.question.includes(question.answer), question.question);
    assert.ok(question.answer.split(' ').length <= 10);
  }
});

test('the same seed repeats the questions; excluded ones do not come again in other words', () => {
  assert.deepEqual(generateQuestions(world, { seed: 1, perLevel: 100 }), questions);
  const keys = new Set(questions.map(questionKey));
  for (const question of generateQuestions(world, { seed: 2, perLevel: 400, exclude: questions }))
    assert.ok(!keys.has(questionKey(question)));
});

test('yes and no come about equally often', () => {
  const many = generateQuestions(world, { seed: 3, perLevel: 600 });
  const yes = many.filter((question) => question.answer === 'yes').length;
  const no = many.filter((question) => question.answer === 'no').length;
  assert.ok(yes > 0.6 * no && no > 0.6 * yes, `${yes} yes, ${no} no`);
});

test('a world that is too small says so', () => {
  assert.throws(() => generateQuestions(generateWorld({ seed: 1, size: 20 }), { seed: 1, perLevel: 2000 }), RangeError);
});
