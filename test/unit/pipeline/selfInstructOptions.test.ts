import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { coverageOf, questionForm, questionKind } from '../../../src/core/pipeline/coverage.ts';
import { InstanceGate } from '../../../src/core/pipeline/instanceGate.ts';
import { modes } from '../../../src/core/pipeline/mode.ts';
import { parsePairs, selfInstruct, type SelfInstructInput } from '../../../src/core/pipeline/selfInstruct.ts';
import { resolveSettings } from '../../../src/core/pipeline/settings.ts';
import { wordsOf } from '../../../src/core/dedupe/vocabulary.ts';
import type { CompletionRequest, Request } from '../../../src/core/run/request.ts';
import { completion, drive, prompts } from '../../doubles/planning.ts';
import { similarity } from '../dedupe/brute.ts';

function input(settings: Record<string, unknown> = {}, more: Partial<SelfInstructInput> = {}): SelfInstructInput {
  return {
    template: prompts.get('self-instruct')!,
    voteTemplate: prompts.get('answer-vote')!,
    description: 'You answer questions.',
    examples: [{ question: 'Where was Ada born?', answer: 'Arden' }],
    settings: resolveSettings({
      selfInstruct: { instances: 6, parallelRounds: 1, perRound: 10, patience: 2, ...settings },
    }).selfInstruct,
    mode: modes.fixed,
    seed: 1,
    barred: [],
    ...more,
  };
}

const grow = (of: SelfInstructInput, answer: (request: CompletionRequest, n: number) => string) => {
  let n = 0;
  return drive(selfInstruct(of), (r) => completion(answer(r as CompletionRequest, n++)));
};
const asked = (requests: readonly Request[]): CompletionRequest[] => requests.filter((r) => r.kind === 'complete');
const pair = (question: string, answer = 'Sarn', options: readonly string[] = []) => ({
  question,
  answer,
  options,
  raw: '',
});

test('questions of one form are alike but for names and numbers, and only so many are kept', () => {
  assert.equal(questionForm('When was Ada Lovelace born?'), 'when was * born');
  assert.equal(questionForm('When was “Émile Zola” born?'), 'when was * born');
  assert.equal(questionForm('How many of the 12 are in Velm?'), 'how many of the * are in *');
  assert.equal(questionForm('Velm lies where?'), 'velm lies where');
  const gate = new InstanceGate(input({ similarity: 1, perFormCap: 2 }));
  const judged = ['Ed', 'Bo Arden', 'Cy', 'Di'].map((name) => gate.judge(pair(`Where was ${name} born?`, name)));
  assert.deepEqual(judged, [undefined, undefined, 'form too frequent', 'form too frequent']);
  assert.equal(gate.judge(pair('Where was the founder of Velm born?', 'Eo')), undefined);
});

test('property: the gate drops what comparing with every earlier pair would drop', () => {
  const word = fc.constantFrom('which', 'river', 'town', 'is', 'in', 'the', 'north', 'of', 'Velm', 'Arden', 'old');
  const questions = fc.array(fc.array(word, { minLength: 3, maxLength: 9, size: 'max' }), {
    maxLength: 120,
    size: 'max',
  });
  fc.assert(
    fc.property(questions, fc.constantFrom(0.8, 0.9), (all, threshold) => {
      const gate = new InstanceGate(input({ similarity: threshold, perAnswerCap: 1000 }));
      const taken: string[][] = [];
      for (const words of all) {
        const text = words.join(' ');
        const mine = wordsOf(text);
        const expected = taken.some((t) => t.join(' ') === mine.join(' '))
          ? 'duplicate'
          : taken.some((t) => similarity('words', t, mine) >= threshold)
            ? 'near-duplicate'
            : undefined;
        assert.equal(gate.judge(pair(text)), expected);
        if (expected === undefined) taken.push(mine);
      }
    }),
    { numRuns: 15 },
  );
});

test('decontamination: the same words always; with overlap also 13 in a row, a short question whole, and near-duplicates', () => {
  const long = 'In which year did the river that flows past the oldest town of Velm last freeze over completely?';
  const barred = [long, 'Who leads Velm today?'];
  const shares = `Tell me this: ${long.slice(0, -1)}, and who saw it with their own eyes back then?`;
  const holds = 'As people often ask, who leads Velm today and why does it matter?';
  const near = 'In which year did the river that flows past the oldest town of Arden last freeze over completely?';
  const reordered = 'today Velm who leads?';
  const judge = (decontaminate: string, question: string) =>
    new InstanceGate(input({ decontaminate, similarity: 0.8 }, { barred })).judge(pair(question));
  assert.equal(judge('same-words', reordered), 'evaluation question');
  assert.equal(judge('same-words', shares), undefined);
  for (const question of [reordered, shares, holds, near])
    assert.equal(judge('overlap', question), 'evaluation question', question);
  assert.equal(judge('overlap', 'Which mountain is the highest in the land of Orvale?'), undefined);
});

test('strict format: a question mark, yes or no where it fits, no answer that the question tells', () => {
  const judge = (question: string, answer: string) =>
    new InstanceGate(input({ formatChecks: 'strict' })).judge(pair(question, answer));
  assert.equal(judge('Is Velm a town?', 'yes'), undefined);
  assert.equal(judge('Is Velm a town?', 'Velm'), 'format error');
  assert.equal(judge('Is Velm a town or a river?', 'a town'), undefined);
  assert.equal(judge('Which town is it?', 'yes'), 'format error');
  assert.equal(judge('Which town lies on the Sarn?', 'Sarn'), 'format error');
  assert.equal(judge('Name the town on the Sarn', 'Arden'), 'format error');
});

test('a multiple-choice task asks for options, checks them, and names the right one by its letter', () => {
  const examples = [{ question: 'Which is hot?', answer: 'B', choices: ['ice', 'fire'] }];
  const text = [
    'Question: Which is wet?\nOptions: (A) sand (B) the sea\nAnswer: the sea',
    'Question: Which is dry?\nOptions: A. sand B. rain\nAnswer: (A)',
    'Question: Which is loud?\nAnswer: A',
    'Question: Which is soft?\nOptions: (A) wool (B) Wool\nAnswer: A',
    'Question: Which is red?\nOptions: (A) blood (B) milk\nAnswer: C',
  ].join('\n');
  const { result, requests } = grow(input({ instances: 3 }, { metric: 'choice', examples }), (_, n) =>
    n === 0 ? text : '',
  );
  assert.match(asked(requests)[0]?.prompt ?? '', /Question: Which is hot\?\nOptions: \(A\) ice \(B\) fire\nAnswer: B/);
  assert.deepEqual(
    result.database.map((i) => [i.question, i.choices, i.answer]),
    [
      ['Which is wet?', ['sand', 'the sea'], 'B'],
      ['Which is dry?', ['sand', 'rain'], 'A'],
    ],
  );
  assert.deepEqual(result.dropped, { 'options missing or alike': 2, 'answer names no option': 1 });
  assert.equal(
    parsePairs('Question: q?\nOptions: (A) x (B) y\nAnswer: A', false)[0]?.answer,
    '',
    'elsewhere an options line is no part of a pair',
  );
});

test('votes keep a pair only when most answers agree with its own, and are recorded with it', () => {
  const said: Record<string, readonly string[]> = {
    'Which river is long?': [' The Sarn.', ' sarn', ' Velm'],
    'Which town is old?': [' Velm', ' Sarn', ' Orvale'],
  };
  const { result, requests } = grow(input({ votes: 3, instances: 2 }), (request, n) => {
    if (request.purpose === 'new pairs')
      return n === 0 ? 'Question: Which river is long?\nAnswer: Sarn\nQuestion: Which town is old?\nAnswer: Velm' : '';
    const question = Object.keys(said).find((q) => request.prompt.includes(q)) ?? '';
    return said[question]?.[(n - 1) % 3] ?? '';
  });
  assert.deepEqual(
    result.database.map((i) => [i.question, i.votes]),
    [['Which river is long?', { for: 2, of: 3 }]],
  );
  assert.deepEqual(result.dropped, { 'votes disagree with the answer': 1 });
  assert.equal(
    new Set(
      asked(requests)
        .filter((r) => r.purpose === 'answer vote')
        .map((r) => r.sampling.seed),
    ).size,
    6,
  );
});

test('a model that brings too little that is new is stopped, though it never brings nothing', () => {
  let fresh = 0;
  const round = (): string =>
    Array.from(
      { length: 10 },
      (_, i) => `Question: Which thing is number ${i === 0 ? `${fresh++} of all` : 'one of the old'}?\nAnswer: a${i}`,
    ).join('\n');
  const stopped = grow(input({ instances: 50, minYield: 0.3, patience: 3 }), round);
  assert.equal(stopped.result.stopped, 'repeating');
  assert.ok(stopped.result.rounds <= 4);
  fresh = 0;
  const patient = grow(input({ instances: 8, minYield: 0, patience: 3, similarity: 1, perAnswerCap: 100 }), round);
  assert.equal(patient.result.stopped, 'full');
});

test('steering aims rounds at kinds that are rare, and shows passages that were shown least', () => {
  const titles = ['Arden', 'Velm', 'Sarn', 'Orvale', 'Torv', 'Mira'];
  const questions: Readonly<Record<string, string>> = {
    'yes or no': 'Is thing NUMBER very old?',
    'who did': 'Who made thing NUMBER then?',
    'when something': 'When was thing NUMBER found?',
    'where something': 'Where is thing NUMBER kept?',
    'a number': 'How many of thing NUMBER exist?',
    'which of': 'Which colour is thing NUMBER?',
  };
  let number = 0;
  const run = (steer: boolean) =>
    grow(
      input(
        { instances: 24, steer, similarity: 1, perAnswerCap: 100, patience: 50 },
        { drawPassages: (random) => [{ title: random.pick(titles), text: 'Text.' }] },
      ),
      ({ prompt }) => {
        const aim = Object.keys(questions).find((words) => prompt.includes(words)) ?? 'which of';
        return `Question: ${(questions[aim] ?? '').replace('NUMBER', String(number++))}\nAnswer: x`;
      },
    );
  const steered = coverageOf(run(true).result.database, titles.length);
  const free = coverageOf(run(false).result.database, titles.length);
  assert.ok(steered.evenness > 0.75 && free.evenness === 0, `${steered.evenness} against ${free.evenness}`);
  assert.deepEqual(steered.documents, { used: 6, of: 6 });
  assert.equal(steered.questions, 24);
  const again = run(true);
  number = 0;
  assert.equal(again.result.stopped, 'full');
});

test('kinds of questions', () => {
  const kinds = [
    'Is it?',
    'In which year was it?',
    'How many are there?',
    'Which city is it?',
    'To whom?',
    'Which one?',
    'What is it?',
    'Why?',
    'Name it',
  ].map(questionKind);
  assert.deepEqual(kinds, ['yes or no', 'when', 'how many', 'where', 'who', 'which', 'what', 'why or how', 'other']);
});
