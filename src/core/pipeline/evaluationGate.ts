import { NearDuplicates } from '../dedupe/nearDuplicates.ts';
import { normalText, wordsOf } from '../dedupe/vocabulary.ts';
import type { Settings } from './settings.ts';

/** So many words in a row are no coincidence; the usual length for decontamination. */
const run = 13;

/**
 * Keeps evaluation questions out of the database. `same-words` bars a question with the same set of words in any order;
 * `overlap` also bars one that shares 13 words in a row with one of them, holds a shorter one whole, or is a
 * near-duplicate by the run's own measure and threshold.
 */
export class EvaluationGate {
  readonly #wordSets = new Set<string>();
  readonly #runs = new Set<string>();
  readonly #shortLengths = new Set<number>();
  readonly #near: NearDuplicates | undefined;

  constructor(
    questions: readonly string[],
    settings: Pick<Settings['selfInstruct'], 'decontaminate' | 'similarityMeasure' | 'similarity'>,
  ) {
    const overlap = settings.decontaminate === 'overlap';
    if (overlap) this.#near = new NearDuplicates(settings.similarityMeasure, settings.similarity);
    for (const question of questions) {
      const words = wordsOf(question);
      this.#wordSets.add(setKey(normalText(question)));
      if (!overlap || words.length === 0) continue;
      this.#near?.add(words);
      if (words.length < run) this.#shortLengths.add(words.length);
      for (const part of runsOf(words, Math.min(run, words.length))) this.#runs.add(part);
    }
  }

  /** @param question and its words, normalised */
  has(question: string, words: readonly string[]): boolean {
    if (this.#wordSets.has(setKey(question))) return true;
    if (this.#near === undefined) return false;
    for (const length of [run, ...this.#shortLengths])
      for (const part of runsOf(words, length)) if (this.#runs.has(part)) return true;
    return this.#near.has(words);
  }
}

const setKey = (question: string): string => [...new Set(question.split(' '))].sort().join(' ');

function* runsOf(words: readonly string[], length: number): Generator<string> {
  for (let i = 0; i + length <= words.length; i++) yield words.slice(i, i + length).join(' ');
}
