import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { PassageGraph } from '../../../src/core/pipeline/grounding.ts';
import { parsePairs } from '../../../src/core/pipeline/selfInstruct.ts';
import { readSelection } from '../../../src/core/pipeline/toolSelection.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { lookupTools } from '../../../src/core/tools/library.ts';
import { loopObservations } from '../../../src/core/trajectory/transcript.ts';
import { generateQuestions } from '../../../src/core/world/questions.ts';
import { loadPrompts } from '../../../src/node/store/prompts.ts';
import { openWorld } from '../../../starter/corpus/context.ts';
import { defaultRates } from '../../../starter/corpus/rates.ts';
import type { Rates } from '../../../starter/corpus/rates.ts';
import { writeSelfInstruct } from '../../../starter/corpus/selfInstruct.ts';
import { writeToolSelection } from '../../../starter/corpus/toolSelect.ts';
import { writeTrajectory } from '../../../starter/corpus/trajectory.ts';

const prompts = loadPrompts(join(import.meta.dirname, '../../../prompts'));
const context = openWorld(5001, 400, prompts);
const questions = generateQuestions(context.world, { seed: 1, perLevel: 60 });
const faultless: Rates = { ...defaultRates, careless: 0, carefulFault: 0, carefulJudge: 1, carefulVerdict: 1, faultyPair: 0, faultySelection: 0 };

test('without faults every trajectory ends in the gold answer and the verdict right, within ten steps', () => {
  const random = createRandom(1);
  for (const question of questions) {
    const rollout = writeTrajectory(context, question, faultless, random);
    assert.ok(rollout.firstRight, question.question);
    assert.deepEqual(rollout.faults, []);
    assert.ok(rollout.steps <= 10);
    assert.ok(rollout.line.text.endsWith(`Action: Reflect[right]\nObservation: ${loopObservations.judgedRight}\n`));
    assert.ok(rollout.line.text.includes(`\nAction: Finish[${question.answer}]\n`));
  }
});

test('a value in the answer was observed before: nothing has to be known by heart', () => {
  const random = createRandom(2);
  for (const question of questions.filter((one) => !/^(yes|no|\d)$/.test(one.answer))) {
    const { text, lossFrom } = writeTrajectory(context, question, faultless, random).line;
    const finish = text.indexOf('\nAction: Finish[');
    const seen = (text.slice(lossFrom, finish).match(/^Observation: .*$/gm) ?? []).join('\n');
    assert.ok(seen.includes(question.answer) || question.question.includes(question.answer), question.question);
  }
});

test('masks cover the observations and nothing else', () => {
  const random = createRandom(3);
  for (const question of questions) {
    const { text, lossFrom, mask } = writeTrajectory(context, question, defaultRates, random).line;
    assert.ok(text.slice(0, lossFrom).endsWith(`\nQuestion: ${question.question}\n`));
    let end = lossFrom!;
    for (const [from, to] of mask!) {
      assert.match(text.slice(end, from), /^Thought: [^\n]+\n(\(Choose one of [^\n]+\)\n)?Action: [^\n]+\n$/);
      assert.match(text.slice(from, to), /^Observation: [\s\S]+\n$/);
      end = to;
    }
    assert.equal(end, text.length);
  }
});

test('faults come at their rates, and early finishes spare the one-hop questions of a lead', () => {
  const random = createRandom(4);
  const rollouts = Array.from({ length: 900 }, (_, i) => writeTrajectory(context, questions[i % questions.length]!, defaultRates, random));
  const careless = rollouts.filter((one) => one.author === 'careless');
  assert.ok(Math.abs(careless.length / rollouts.length - defaultRates.careless) < 0.06);
  assert.ok(careless.filter((one) => one.firstRight).length < 0.6 * careless.length);
  for (const fault of ['early finish', 'wrong tool', 'wrong argument', 'malformed', 'over-confident']) {
    assert.ok(rollouts.some((one) => one.faults.includes(fault)), fault);
  }
});

test('self-instruct texts are pairs that the product can read, and without faults each follows from the passages', () => {
  const random = createRandom(5);
  const graph = new PassageGraph(context.world.pages);
  for (let i = 0; i < 100; i++) {
    const { text, lossFrom } = writeSelfInstruct(context, graph, questions, faultless, random);
    const prompt = text.slice(0, lossFrom);
    const pairs = parsePairs(text.slice(lossFrom), false);
    assert.ok(prompt.endsWith('\nNew pairs:'));
    assert.ok(pairs.length >= 1 && pairs.length <= 4);
    const passages = prompt.slice(prompt.indexOf('Passages:'), prompt.indexOf('\nExamples:'));
    for (const pair of pairs) {
      assert.ok(pair.question.endsWith('?'), pair.raw);
      assert.ok(/^(yes|no)$/.test(pair.answer) || passages.includes(pair.answer), `${pair.raw}\n${passages}`);
    }
  }
});

test('tool selections can be read and pick the tools of an encyclopedia for it', () => {
  const random = createRandom(6);
  for (let i = 0; i < 100; i++) {
    const { text, lossFrom } = writeToolSelection(prompts, faultless, random);
    const named = readSelection(text.slice(lossFrom), lookupTools, true);
    if (text.includes('encyclopedia')) assert.deepEqual(named.slice(0, 2), ['Retrieve', 'Search']);
  }
});
