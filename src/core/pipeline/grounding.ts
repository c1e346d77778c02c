import type { Random } from '../run/random.ts';
import type { Passage } from './selfInstruct.ts';

/** A document as the tools read it. */
export interface Document {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

export interface DrawOptions {
  /** Chance that a passage is one of its page's later paragraphs, where the details stand, and not the first. */
  readonly later?: number;
  /** Chance that a passage is of a page that mentions what the last one mentions, and not of one that it mentions. */
  readonly siblings?: number;
}

/** How self-instruct draws its passages: so that details are asked about too, and comparisons. */
export const selfInstructDraws: DrawOptions = { later: 0.25, siblings: 0.3 };

/**
 * Draws passages that belong together: a random page and pages that it mentions, or that mention the same as it does, so
 * that questions that follow or compare several of them can be asked. A model that does not know the task's documents by heart can only ask about them in this way; the paper
 * needs no such thing, since its models know Wikipedia.
 */
export class PassageGraph {
  readonly #documents: readonly Document[];
  /** Documents that a document mentions, and by which it is mentioned; by index. */
  readonly #links: readonly (readonly number[])[];
  readonly #mentionedBy: readonly (readonly number[])[];

  constructor(documents: readonly Document[]) {
    this.#documents = documents;
    const byTitle = new Map(documents.map((d, i) => [d.title, i]));
    const longest = Math.max(1, ...documents.map((d) => d.title.split(' ').length));
    this.#links = documents.map((d, i) => mentions(d, i, byTitle, longest));
    const mentionedBy: number[][] = documents.map(() => []);
    for (const [i, links] of this.#links.entries()) for (const link of links) mentionedBy[link]?.push(i);
    this.#mentionedBy = mentionedBy;
  }

  /** Between one and `limit` passages, each after the first linked to the one drawn before it. */
  draw(random: Random, limit: number, { later = 0, siblings = 0 }: DrawOptions = {}): Passage[] {
    if (this.#documents.length === 0) return [];
    const drawn = [random.int(this.#documents.length)];
    const wanted = 1 + random.int(limit);
    while (drawn.length < wanted) {
      const from = drawn.at(-1) ?? 0;
      const beside = siblings > 0 && random.next() < siblings;
      const next = (beside ? this.#siblings(from) : (this.#links[from] ?? [])).filter((i) => !drawn.includes(i));
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

  #siblings(of: number): number[] {
    return [...new Set((this.#links[of] ?? []).flatMap((link) => this.#mentionedBy[link] ?? []))];
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
