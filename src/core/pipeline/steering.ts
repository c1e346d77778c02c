import { wordsOf } from '../dedupe/vocabulary.ts';
import type { Random } from '../run/random.ts';
import { questionKind, type QuestionKind } from './coverage.ts';
import type { Passage } from './selfInstruct.ts';

/** How a round is asked for a kind of question. Kinds without a line are never aimed at. */
const aims: Readonly<Partial<Record<QuestionKind, string>>> = {
  'yes or no': 'questions that are answered by yes or no',
  who: 'questions about who did something',
  when: 'questions about when something happened',
  where: 'questions about where something is',
  'how many': 'questions that ask for a number',
  which: 'questions that ask which of several things it is',
};
const aimed = Object.keys(aims) as QuestionKind[];

/**
 * Diversity steering (the paper names diversity as its open problem): each round is aimed at the kind of question that
 * the database has least of, shows passages that were shown least, and examples that are unlike each other.
 */
export class Steering {
  readonly #kinds = new Map<QuestionKind, number>();
  readonly #shown = new Map<string, number>();

  /** A pair has entered the database. */
  accepted(question: string): void {
    const kind = questionKind(question);
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
  }

  /** The line that a prompt carries; rounds that are asked together aim at different kinds. */
  aim(random: Random): string {
    const rarest = random.shuffle(aimed).reduce((a, b) => (this.#count(b) < this.#count(a) ? b : a));
    // Counted as if a pair had come, so that the next round of the same turn takes another aim.
    this.#kinds.set(rarest, this.#count(rarest) + 1);
    return `Write ${aims[rarest] ?? ''}.`;
  }

  /** Of a few draws, the passages that were shown least so far. */
  passages(draw: () => readonly Passage[]): readonly Passage[] {
    const seen = (list: readonly Passage[]): number =>
      list.reduce((sum, p) => sum + (this.#shown.get(p.title) ?? 0), 0) / Math.max(1, list.length);
    const best = Array.from({ length: 4 }, draw).reduce((a, b) => (seen(b) < seen(a) ? b : a));
    for (const { title } of best) this.#shown.set(title, (this.#shown.get(title) ?? 0) + 1);
    return best;
  }

  /** `k` members of a random pool, each as unlike those before it as can be. */
  examples<T extends { readonly question: string }>(random: Random, all: readonly T[], k: number): T[] {
    const pool = random.sample(all, 4 * k).map((item) => ({ item, words: new Set(wordsOf(item.question)) }));
    const chosen: typeof pool = [];
    while (chosen.length < k && pool.length > 0) {
      const nearest = (words: ReadonlySet<string>): number =>
        Math.max(
          0,
          ...chosen.map(
            (c) => [...words].filter((w) => c.words.has(w)).length / Math.max(1, words.size + c.words.size),
          ),
        );
      const next = pool.reduce((a, b) => (nearest(b.words) < nearest(a.words) ? b : a));
      pool.splice(pool.indexOf(next), 1);
      chosen.push(next);
    }
    return chosen.map((c) => c.item);
  }

  #count(kind: QuestionKind): number {
    return this.#kinds.get(kind) ?? 0;
  }
}
