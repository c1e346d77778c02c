/**
 * What the Testing view's 360 questions cost of our own time: card and questions are read, the recorded answers and
 * their scores, and each becomes an outcome. Items are made by VS Code; the host test prints what all of it takes there.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcomeOf, readAnswers, systemsOf } from '../src/host/testing/recordedAnswers.ts';
import { loadTaskCard, loadTaskQuestions } from '../src/node/store/taskFile.ts';

const limits = { firstMs: 50 };
const count = 360;
const repeats = 21;
const levels = ['easy', 'medium', 'hard'];

const folder = mkdtempSync(join(tmpdir(), 'autoact-bench-'));
const card = join(folder, 'travellers.task.json');

function write(name: string, rows: readonly unknown[]): void {
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

function makeFiles(): void {
  mkdirSync(join(folder, 'evaluation'));
  const questions = Array.from({ length: count }, (_, k) => ({
    id: `q${k}`,
    question: `Where was traveller ${k}, who wrote of the harbours of Orvale, born?`,
    answer: 'Harth',
    level: levels[k % 3],
  }));
  write('questions.jsonl', questions);
  writeFileSync(
    card,
    JSON.stringify({
      name: 'travellers',
      description: 'You answer.',
      examples: [{ question: 'a?', answer: 'b' }],
      metric: 'f1',
      levels,
      questions: 'questions.jsonl',
    }),
  );
  const rows = questions.map(({ id, level }, k) => ({
    questionId: id,
    level,
    system: 'autoact',
    sample: 0,
    prediction: k % 4 === 0 ? 'Velm' : 'Harth',
    finished: true,
    steps: 2,
    toolCalls: 1,
    promptTokens: 900,
    completionTokens: 60,
    trajectory: `evaluation/autoact/${id}/0`,
    seed: 1,
  }));
  write('evaluation/autoact.jsonl', rows);
  write(
    'evaluation/autoact.scores.jsonl',
    rows.map(({ questionId, prediction }) => {
      const score = prediction === 'Harth' ? 1 : 0;
      return { questionId, system: 'autoact', sample: 0, em: score, f1: score, score };
    }),
  );
}

async function look(): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const questions = loadTaskQuestions(loadTaskCard(card), card);
  const [system = ''] = await systemsOf(folder);
  const answers = await readAnswers(folder, system);
  const states = questions.map((question) => {
    const answer = answers.get(question.id);
    return answer === undefined ? undefined : outcomeOf(answer, question).state;
  });
  const ms = performance.now() - began;
  const { user, system: kernel } = process.cpuUsage(cpu);
  if (states.filter((state) => state === 'passed').length !== (count * 3) / 4)
    throw new Error('the outcomes are not those that were written');
  return { ms, cpuMs: (user + kernel) / 1000 };
}

try {
  makeFiles();
  // The first look is what a person waits for; it finds nothing compiled.
  const first = await look();
  const again: (typeof first)[] = [];
  while (again.length < repeats) again.push(await look());
  const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
  console.log(
    `${count} questions with their outcomes, first look: ${first.cpuMs.toFixed(1)} ms of processor time, ${first.ms.toFixed(1)} ms elapsed (limit ${limits.firstMs} ms)`,
  );
  console.log(
    `looked at again, median of ${repeats}: ${median(again.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms of processor time, ${median(again.map(({ ms }) => ms)).toFixed(1)} ms elapsed`,
  );
  process.exitCode = Math.min(first.cpuMs, first.ms) < limits.firstMs ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
