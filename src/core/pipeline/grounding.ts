import type { Random } from '../run/random.ts';
import type { Passage } from './selfInstruct.ts';

/** A document as the tools read it. */
export interface Document {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

/**
 * Draws passages that belong together: a random page and pages that it mentions, so that questions over several of them
 * can be asked. A model that does not know the task's documents by heart can only ask about them in this way; the paper
 * needs no such thing, since its models know Wikipedia.
 */
export class PassageGraph {
  readonly #documents: readonly Document[];
  readonly #links: readonly (readonly number[])[];

  constructor(documents: readonly Document[]) {
    this.#documents = documents;
    const byTitle = new Map(documents.map((d, i) => [d.title, i]));
    const longest = Math.max(1, ...documents.map((d) => d.title.split(' ').length));
    this.#links = documents.map((d, i) => mentions(d, i, byTitle, longest));
  }

  /**
   * Between one and `limit` passages, each after the first mentioned in one drawn before it.
   * @param later chance that a passage is one of its page's later paragraphs, where the details stand, and not the first
   */
  draw(random: Random, limit: number, later = 0): Passage[] {
    if (this.#documents.length === 0) return [];
    const drawn = [random.int(this.#documents.length)];
    const wanted = 1 + random.int(limit);
    while (drawn.length < wanted) {
      const from = drawn.at(-1) ?? 0;
      const next = (this.#links[from] ?? []).filter((i) => !drawn.includes(i));
      if (next.length === 0) break;
      drawn.push(random.pick(next));
    }
    return drawn.flatMap((i) => {
      const d = this.#documents[i];
      if (d === undefined) return [];
      const rest = d.paragraphs.slice(1);
      const text = later > 0 && rest.length > 0 && random.next() < later ? random.pick(rest) : (d.paragraphs[0] ?? '');
      return [{ title: d.title, text }];
    });
  }
}

/** Indexes of the documents whose titles occur in a document's first paragraph. */
function mentions(document: Document, self: number, byTitle: ReadonlyMap<string, number>, longest: number): number[] {
  const found = new Set<number>();
  const words = (document.paragraphs[0] ?? '').split(/\s+/).map((w) => w.replace(/^[("'“]+|[)."',;:!?”]+$/g, ''));
  for (let start = 0; start < words.length; start++) {
    for (let length = Math.min(longest, words.length - start); length > 0; length--) {
      const hit = byTitle.get(words.slice(start, start + length).join(' '));
      if (hit === undefined) continue;
      if (hit !== self) found.add(hit);
      break;
    }
  }
  return [...found];
}
