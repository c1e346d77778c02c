import type { AnswerRow } from '../../../src/core/evaluate/results.ts';
import type { GoldQuestion } from '../../../src/core/task/question.ts';
import { createRandom } from '../../../src/core/run/random.ts';

export const levels = ['easy', 'medium', 'hard'];

/** `perLevel` questions a level, whose gold answers are two invented words each. */
export function questionSet(perLevel: number): GoldQuestion[] {
  return levels.flatMap((level) =>
    Array.from({ length: perLevel }, (_unused, i) => ({
      id: `${level}-${i}`,
      question: `What is ${level} ${i}?`,
      answer: `gold ${level}${i}`,
      level,
    })),
  );
}

export function answerRow(question: GoldQuestion, system: string, change: Partial<AnswerRow> = {}): AnswerRow {
  return {
    questionId: question.id,
    level: question.level,
    system,
    sample: 0,
    prediction: question.answer,
    finished: true,
    steps: 3,
    toolCalls: 2,
    promptTokens: 400,
    completionTokens: 60,
    trajectory: `${system}/${question.id}`,
    seed: 7,
    ...change,
  };
}

/** Rows of a system that is right at the given rate a level; half of its faults share a word with gold. */
export function simulate(
  questions: readonly GoldQuestion[],
  system: string,
  rates: readonly number[],
  samples = 1,
): AnswerRow[] {
  const random = createRandom(`rows of ${system}`);
  return questions.flatMap((question) =>
    Array.from({ length: samples }, (_unused, sample) => {
      const right = random.next() < (rates[levels.indexOf(question.level)] ?? 0);
      const near = random.next() < 0.5;
      const steps = 2 + random.int(4);
      return answerRow(question, system, {
        sample,
        prediction: right ? question.answer : near ? 'gold other' : 'elsewhere',
        steps,
        toolCalls: steps - 1,
        promptTokens: 200 * steps,
        completionTokens: 20 * steps,
      });
    }),
  );
}
