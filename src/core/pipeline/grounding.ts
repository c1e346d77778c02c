import type { Random } from '../run/random.ts';
import type { Document, LinkedDocuments } from '../tools/documentSet.ts';
import type { Passage } from './selfInstruct.ts';

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
  readonly #documents: LinkedDocuments;

  constructor(documents: readonly Document[] | LinkedDocuments) {
    this.#documents = 'links' in documents ? documents : linkDocuments(documents);
  }

  /** Between one and `limit` passages, each after the first linked to the one drawn before it. */
  draw(random: Random, limit: number, { later = 0, siblings = 0 }: DrawOptions = {}): Passage[] {
    if (this.#documents.count === 0) return [];
    const drawn = [random.int(this.#documents.count)];
    const wanted = 1 + random.int(limit);
    while (drawn.length < wanted) {
      const from = drawn.at(-1) ?? 0;
      const beside = siblings > 0 && random.next() < siblings;
      const next = (beside ? this.#documents.siblings(from) : this.#documents.links(from)).filter(
        (i) => !drawn.includes(i),
      );
      if (next.length === 0) break;
      drawn.push(random.pick(next));
    }
    return drawn.flatMap((i) => {
      const d = this.#documents.document(i);
      if (d === undefined) return [];
      const rest = d.paragraphs.slice(1);
      const text = later > 0 && rest.length > 0 && random.next() < later ? random.pick(rest) : (d.paragraphs[0] ?? '');
      return [{ title: d.title, text }];
    });
  }
}

/** The links of documents that are held in memory, worked out at once. */
export function linkDocuments(documents: readonly Document[]): LinkedDocuments {
  const byTitle = new Map(documents.map((d, i) => [d.title, i]));
  const longest = Math.max(1, ...documents.map((d) => d.title.split(' ').length));
  const links = documents.map((d, i) => mentions(d, i, byTitle, longest));
  const mentionedBy: number[][] = documents.map(() => []);
  for (const [i, found] of links.entries()) for (const link of found) mentionedBy[link]?.push(i);
  return {
    count: documents.length,
    document: (index) => documents[index],
    links: (index) => links[index] ?? [],
    siblings: (index) => [...new Set((links[index] ?? []).flatMap((link) => mentionedBy[link] ?? []))],
  };
}

/**
 * Indexes of the documents whose titles occur in a document's first paragraph.
 * @param longest words of the longest title
 */
export function mentions(
  document: Document,
  self: number,
  byTitle: { get(title: string): number | undefined },
  longest: number,
): number[] {
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
