import type { Pair, SelfInstructInput } from './selfInstruct.ts';

/** Why a generated pair is not taken, in the order in which it is checked. */
export const dropReasons = {
  format: 'format error',
  answerTooLong: 'answer too long',
  example: 'repeats an example',
  evaluation: 'evaluation question',
  duplicate: 'duplicate',
  nearDuplicate: 'near-duplicate',
  answerCap: 'answer too frequent',
} as const;
export type DropReason = (typeof dropReasons)[keyof typeof dropReasons];

/** Lets a new pair into the database or says why not; remembers what it has let in. */
export class InstanceGate {
  readonly #input: SelfInstructInput;
  readonly #examples: ReadonlySet<string>;
  readonly #barred: readonly Words[];
  readonly #barredTexts: ReadonlySet<string>;
  readonly #taken = new Set<string>();
  readonly #takenWords: Words[] = [];
  readonly #answers = new Map<string, number>();

  constructor(input: SelfInstructInput) {
    this.#input = input;
    this.#examples = new Set(input.examples.map((e) => normal(e.question)));
    this.#barredTexts = new Set(input.barred.map(normal));
    this.#barred = input.barred.map(words);
  }

  judge(pair: Pair): DropReason | undefined {
    const { settings, mode } = this.#input;
    const question = normal(pair.question);
    const answer = normal(pair.answer);
    if (question === '' || answer === '') return dropReasons.format;
    if (mode.dedupeByAnswer) {
      if (pair.answer.length >= 20) return dropReasons.answerTooLong;
    } else {
      if (!/\w/.test(pair.answer) || question.split(' ').length < 3) return dropReasons.format;
      if (answer.split(' ').length > settings.maxAnswerWords) return dropReasons.answerTooLong;
    }
    if (this.#examples.has(question)) return dropReasons.example;
    const asked = words(pair.question);
    if (this.#barredTexts.has(question) || this.#barred.some((b) => similarity(b, asked) >= 0.999))
      return dropReasons.evaluation;
    if (mode.dedupeByAnswer) {
      if (this.#answers.has(answer)) return dropReasons.duplicate;
    } else {
      if (this.#taken.has(question)) return dropReasons.duplicate;
      if (this.#takenWords.some((t) => similarity(t, asked) >= settings.similarity)) return dropReasons.nearDuplicate;
      if ((this.#answers.get(answer) ?? 0) >= settings.perAnswerCap) return dropReasons.answerCap;
    }
    this.#taken.add(question);
    this.#takenWords.push(asked);
    this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1);
    return undefined;
  }
}

type Words = ReadonlySet<string>;

export function normal(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function words(text: string): Words {
  return new Set(normal(text).split(' '));
}

/** Jaccard similarity of two word sets. */
function similarity(a: Words, b: Words): number {
  if (a.size === 0 || b.size === 0) return 0;
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  if (small.size / large.size < 0.5) return small.size / large.size / 2;
  let shared = 0;
  for (const word of small) if (large.has(word)) shared++;
  return shared / (a.size + b.size - shared);
}
