import { CandidateIndex } from './candidateIndex.ts';
import { ExactIndex } from './exactIndex.ts';
import type { Measure } from './measure.ts';

/** Records up to which every near-duplicate is found; beyond, candidates are verified and a few are missed. */
export const exactLimit = 100_000;

/** Near-duplicates among records that come one after another: exact first, by candidates from {@link exactLimit} on. */
export class NearDuplicates {
  readonly #measure: Measure;
  readonly #threshold: number;
  readonly #limit: number;
  #exact: ExactIndex | undefined;
  #candidates: CandidateIndex | undefined;
  /** Kept only until the change, which has to add them again. */
  #words: (readonly string[])[] = [];

  constructor(measure: Measure, threshold: number, limit = exactLimit) {
    this.#measure = measure;
    this.#threshold = threshold;
    this.#limit = limit;
    this.#exact = new ExactIndex(measure, threshold);
  }

  /** Whether a near-duplicate of these words has been added. */
  has(words: readonly string[]): boolean {
    return (this.#exact ?? this.#candidates)?.find(words) !== undefined;
  }

  add(words: readonly string[]): void {
    if (this.#exact === undefined) {
      this.#candidates?.add(words);
      return;
    }
    this.#exact.add(words);
    this.#words.push(words);
    if (this.#exact.size < this.#limit) return;
    this.#candidates = new CandidateIndex(this.#measure, this.#threshold);
    for (const earlier of this.#words) this.#candidates.add(earlier);
    this.#exact = undefined;
    this.#words = [];
  }
}
