import assert from 'node:assert/strict';
import test from 'node:test';
import { compareSystems } from '../../../src/core/evaluate/compare.ts';
import { EvaluationError } from '../../../src/core/evaluate/evaluationError.ts';
import { Judge } from '../../../src/core/evaluate/judge.ts';
import { gradeSystem, scoreRows } from '../../../src/core/evaluate/questionScores.ts';
import { AnswerRow, ScoredRow } from '../../../src/core/evaluate/results.ts';
import { summarise } from '../../../src/core/evaluate/summarise.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { answerRow, questionSet, simulate } from './rows.ts';

const questions = questionSet(4);
const judge = new Judge('f1', questions);
const at = (index: number) => questions[index]!;
const options = () => ({ random: createRandom('test'), resamples: 500 });
const outage = { reason: 'server', message: 'connection refused' };

test('an outage is not an answer: left out of the score, counted, wrong in the second score', () => {
  const rows = questions.map((question, i) =>
    answerRow(
      question,
      's',
      i < 2 ? { prediction: '', finished: false, error: outage } : i === 2 ? { prediction: 'no idea' } : {},
    ),
  );
  const cells = summarise(gradeSystem(rows, questions, judge, 1), 'mean@k', options());
  const [easy, medium] = cells;
  const all = cells.at(-1)!;
  assert.deepEqual(
    cells.map(({ level }) => level),
    ['easy', 'medium', 'hard', 'all'],
  );
  assert.deepEqual([easy?.n, easy?.questions, easy?.errors, easy?.answers], [2, 4, 2, 2]);
  assert.equal(easy?.score, 0.5);
  assert.equal(easy.scoreMissingWrong, 0.25);
  assert.equal(medium?.interval?.method, 'wilson');
  assert.equal(all.score, 9 / 10);
  assert.equal(all.scoreMissingWrong, 9 / 12);
  assert.equal(scoreRows(rows, judge).length, 10);
  for (const row of scoreRows(rows, judge)) ScoredRow.parse(row);
});

test('a row cannot be an error and an answer at once', () => {
  assert.equal(AnswerRow.safeParse(answerRow(at(0), 's', { error: outage, finished: false })).success, false);
  assert.equal(AnswerRow.safeParse(answerRow(at(0), 's', { error: outage, prediction: '' })).success, false);
  assert.equal(
    AnswerRow.safeParse(answerRow(at(0), 's', { error: outage, prediction: '', finished: false })).success,
    true,
  );
  assert.equal(AnswerRow.safeParse(answerRow(at(0), 's')).success, true);
});

test('questions that were never answered are missing, not forgotten', () => {
  const cells = summarise(
    gradeSystem(
      questions.slice(0, 3).map((question) => answerRow(question, 's')),
      questions,
      judge,
      2,
    ),
    'mean@k',
    options(),
  );
  const all = cells.at(-1)!;
  assert.deepEqual([all.n, all.answers, all.missing, all.score], [3, 3, 21, 1]);
  assert.equal(all.scoreMissingWrong, 3 / 24);
  assert.equal(cells[1]?.score, null);
  assert.equal(cells[1].interval, null);
});

test('halts, means and finished answers are counted over answers', () => {
  const rows = questions
    .slice(0, 4)
    .map((question, i) => answerRow(question, 's', i === 0 ? { halted: 'steps', finished: false, steps: 7 } : {}));
  const easy = summarise(gradeSystem(rows, questions, judge, 1), 'mean@k', options())[0]!;
  assert.deepEqual(easy.halted, [{ reason: 'steps', count: 1 }]);
  assert.deepEqual([easy.finished, easy.steps, easy.reflections], [3, 4, null]);
});

test('rows outside the set and second rows of a sample are refused', () => {
  const stray = { ...at(0), id: 'elsewhere' };
  assert.throws(
    () => gradeSystem([answerRow(stray, 's')], questions, judge, 1),
    (error) => EvaluationError.is(error, 'unknown-question'),
  );
  assert.throws(
    () => gradeSystem([answerRow(at(0), 's'), answerRow(at(0), 's')], questions, judge, 1),
    (error) => EvaluationError.is(error, 'duplicate-answer'),
  );
});

test('protocols: mean, majority, and the oracle that needs two answers', () => {
  const said = (...predictions: string[]) =>
    predictions.map((prediction, sample) => answerRow(at(0), 's', { prediction, sample }));
  const one = (rows: ReturnType<typeof said>, protocol: Parameters<typeof summarise>[1]) =>
    summarise(gradeSystem(rows, [at(0)], judge, rows.length), protocol, options()).at(-1)!;
  const rows = said('gold easy0', 'wrong', 'Wrong!');
  assert.equal(one(rows, 'mean@k').score, 1 / 3);
  assert.equal(one(rows, 'majority@k').score, 0);
  assert.equal(one(said('gold easy0', 'wrong'), 'paper-best-of-2').score, 1);
  // Three answers: the expected best of two of them.
  assert.ok(Math.abs(one(rows, 'paper-best-of-2').score! - 2 / 3) < 1e-12);
  assert.equal(one(rows, 'mean@k').majority, 0);
  assert.ok(one(rows, 'mean@k').sampleDeviation! > 0.5);
  assert.throws(
    () => one(said('x'), 'paper-best-of-2'),
    (error) => EvaluationError.is(error, 'bad-request'),
  );
});

test('systems are paired by question, whatever the order of their rows', () => {
  const set = questionSet(100);
  const own = new Judge('em', set);
  const a = simulate(set, 'a', [0.9, 0.7, 0.5]);
  const b = simulate(set, 'b', [0.5, 0.3, 0.1]);
  const grade = (rows: typeof a) => gradeSystem(rows, set, own, 1);
  const forward = compareSystems(grade(a), grade(b), { ...options(), protocol: 'mean@k', binary: true });
  const shuffled = compareSystems(grade(createRandom(1).shuffle(a)), grade(b).reverse(), {
    ...options(),
    protocol: 'mean@k',
    binary: true,
  });
  assert.deepEqual(forward, shuffled);
  const all = forward.at(-1)!;
  assert.equal(all.test, 'McNemar exact');
  assert.equal(all.n, 300);
  assert.ok(Math.abs(all.difference - (all.better - all.worse) / 300) < 1e-12);
  assert.ok(all.interval!.low < all.difference && all.difference < all.interval!.high);
  assert.ok(all.p < 1e-6);
  const back = compareSystems(grade(b), grade(a), { ...options(), protocol: 'mean@k', binary: true }).at(-1)!;
  assert.ok(Math.abs(back.difference + all.difference) < 1e-12);
  assert.equal(back.p, all.p);
});

test('a question that one side could not answer is left out of the pairing and counted', () => {
  const a = gradeSystem(
    questions.map((question) => answerRow(question, 'a')),
    questions,
    judge,
    1,
  );
  const b = gradeSystem(
    questions.slice(1).map((question) => answerRow(question, 'b', { prediction: 'gold' })),
    questions,
    judge,
    1,
  );
  const all = compareSystems(a, b, { random: createRandom('exact'), protocol: 'mean@k' }).at(-1)!;
  assert.deepEqual([all.n, all.unpaired, all.test], [11, 1, 'sign-flip exact']);
  const wrong = compareSystems(a, b, { ...options(), protocol: 'mean@k', errors: 'wrong' }).at(-1)!;
  assert.deepEqual([wrong.n, wrong.unpaired], [12, 0]);
});

test('a set without levels is summarised once', () => {
  const set = questionSet(2).map((question) => ({ ...question, level: 'all' }));
  const graded = gradeSystem(
    set.map((question) => answerRow(question, 's')),
    set,
    new Judge('f1', set),
    1,
  );
  assert.deepEqual(
    summarise(graded, 'mean@k', options()).map(({ level }) => level),
    ['all'],
  );
  assert.deepEqual(
    compareSystems(graded, graded, { ...options(), protocol: 'mean@k' }).map(({ level }) => level),
    ['all'],
  );
});
