import { goldChoice } from '../evaluate/choice.ts';
import { NearDuplicates } from '../dedupe/nearDuplicates.ts';
import { normalText, wordsOf } from '../dedupe/vocabulary.ts';
import { EvaluationGate } from './evaluationGate.ts';
import { questionForm } from './coverage.ts';
import type { Pair, SelfInstructInput } from './selfInstruct.ts';

/** Why a generated pair is not taken, in the order in which it is checked. */
export const dropReasons = {
  format: 'format error',
  options: 'options missing or alike',
  noOption: 'answer names no option',
  answerTooLong: 'answer too long',
  example: 'repeats an example',
  evaluation: 'evaluation question',
  duplicate: 'duplicate',
  nearDuplicate: 'near-duplicate',
  answerCap: 'answer too frequent',
  formCap: 'form too frequent',
  disagreement: 'votes disagree with the answer',
} as const;
export type DropReason = (typeof dropReasons)[keyof typeof dropReasons];

/** Lets a new pair into the database or says why not; remembers what it has let in. */
export class InstanceGate {
  readonly #input: SelfInstructInput;
  readonly #examples: ReadonlySet<string>;
  readonly #evaluation: EvaluationGate;
  readonly #taken = new Set<string>();
  readonly #near: NearDuplicates;
  readonly #answers = new Map<string, number>();
  readonly #forms = new Map<string, number>();

  constructor(input: SelfInstructInput) {
    const { settings } = input;
    this.#input = input;
    this.#examples = new Set(input.examples.map((e) => normalText(e.question)));
    this.#near = new NearDuplicates(settings.similarityMeasure, settings.similarity);
    this.#evaluation = new EvaluationGate(input.barred, settings);
    // The published code knows the answers of its examples and nothing of their questions.
    if (input.mode.dedupeByAnswer) for (const e of input.examples) this.#answers.set(this.#answerKey(e), 1);
  }

  judge(pair: Pair): DropReason | undefined {
    const { settings, mode } = this.#input;
    const question = normalText(pair.question);
    const malformed = this.#malformed(pair, question);
    if (malformed !== undefined) return malformed;
    if (this.#examples.has(question)) return dropReasons.example;
    const words = wordsOf(pair.question);
    if (this.#evaluation.has(question, words)) return dropReasons.evaluation;
    const answer = this.#answerKey(pair);
    if (mode.dedupeByAnswer) {
      if (this.#answers.has(answer)) return dropReasons.duplicate;
    } else {
      if (this.#taken.has(question)) return dropReasons.duplicate;
      if (this.#near.has(words)) return dropReasons.nearDuplicate;
      // Letters are no answers to be varied: there are only a few of them.
      if (pair.options.length === 0 && (this.#answers.get(answer) ?? 0) >= settings.perAnswerCap)
        return dropReasons.answerCap;
      const form = questionForm(pair.question);
      const alike = this.#forms.get(form) ?? 0;
      if (settings.perFormCap > 0 && alike >= settings.perFormCap) return dropReasons.formCap;
      this.#forms.set(form, alike + 1);
    }
    this.#taken.add(question);
    this.#near.add(words);
    this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1);
    return undefined;
  }

  /** Format by the kind of task (methods 4.4, rows 5 and 7). */
  #malformed(pair: Pair, question: string): DropReason | undefined {
    const { settings, mode } = this.#input;
    const answer = normalText(pair.answer);
    if (question === '' || answer === '') return dropReasons.format;
    if (this.#input.metric === 'choice') {
      const options = pair.options.map(normalText);
      if (options.length < 2 || options.includes('') || new Set(options).size < options.length)
        return dropReasons.options;
      return goldChoice(pair.answer, pair.options) === undefined ? dropReasons.noOption : undefined;
    }
    if (mode.dedupeByAnswer) return pair.answer.length >= 20 ? dropReasons.answerTooLong : undefined;
    if (!/\w/.test(pair.answer) || question.split(' ').length < 3) return dropReasons.format;
    if (answer.split(' ').length > settings.maxAnswerWords) return dropReasons.answerTooLong;
    return settings.formatChecks === 'strict' && !strictlyFormed(pair, question, answer)
      ? dropReasons.format
      : undefined;
  }

  /** The published code compares answers as they stand, and of options the first word (methods 4.4, row 5). */
  #answerKey({
    answer,
    options,
  }: {
    readonly answer: string;
    readonly options?: readonly string[] | undefined;
  }): string {
    if (!this.#input.mode.dedupeByAnswer) return normalText(answer);
    if (options === undefined || options.length === 0) return answer;
    return options[goldChoice(answer, options) ?? -1]?.split(' ')[0] ?? answer;
  }
}

const yesNoQuestion = /^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should) /;

/** A question mark, yes or no where the question asks for it and nowhere else, and no answer that the question tells. */
function strictlyFormed({ question: raw }: Pair, question: string, answer: string): boolean {
  if (!raw.trim().endsWith('?')) return false;
  // "Is it A or B?" asks for a choice.
  const yesNo = answer === 'yes' || answer === 'no';
  if (yesNoQuestion.test(question) && !question.includes(' or ') && !yesNo) return false;
  if (yesNo) return yesNoQuestion.test(question);
  return question.includes(' or ') || !` ${question} `.includes(` ${answer} `);
}
