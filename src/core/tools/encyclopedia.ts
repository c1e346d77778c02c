import type { ToolState } from '../run/request.ts';
import type { Page as WorldPage } from '../world/types.ts';
import { splitSentences } from '../world/sentences.ts';
import { cutText } from './observation.ts';
import type { Finding } from './provider.ts';

/** Any document with a title; its kind does not matter here. */
type Page = Pick<WorldPage, 'title' | 'paragraphs'>;

/** Full-text search over the pages. Returns titles, best first, none where nothing matches. */
export interface PageIndex {
  search(query: string, limit: number): readonly string[];
}

/** What Lookup reads: the page, or the result lines, that the last successful Retrieve or Search showed. */
interface OpenDocument {
  readonly title?: string;
  readonly lines?: readonly string[];
  readonly keyword: string | null;
  /** Results of this keyword that were already given. */
  readonly index: number;
}

const sentenceLimit = 5;
const lineLimit = 240;

/** Retrieve, Lookup and Search over a set of pages (methods 1.4, column `fixed`). Plain data in, plain data out. */
export class Encyclopedia {
  readonly #pages = new Map<string, Page>();
  readonly #index: PageIndex;
  #grams: { readonly title: string; readonly grams: ReadonlySet<string> }[] | undefined;

  constructor(pages: Iterable<Page>, index: PageIndex) {
    for (const page of pages) this.#pages.set(titleKey(page.title), page);
    this.#index = index;
  }

  page(title: string): Page | undefined {
    return this.#pages.get(titleKey(title));
  }

  /** The first paragraph of a page. A miss names similar titles and leaves the open document as it was. */
  retrieve(title: string, state: ToolState): Finding {
    const page = this.page(title);
    if (!page) {
      return {
        text: cutText(`No page "${title.trim()}". Similar titles: ${this.#similar(title).join('; ')}.`),
        outcome: 'miss',
        state,
      };
    }
    const text = splitSentences(page.paragraphs[0] ?? '')
      .slice(0, sentenceLimit)
      .join(' ');
    return { text: cutText(text), outcome: 'hit', state: open({ title: page.title, keyword: null, index: 0 }) };
  }

  /** The next sentence with the keyword; the count begins anew with a new keyword or a new document. */
  lookup(keyword: string, state: ToolState): Finding {
    const document = state['lookup'] as OpenDocument | undefined;
    const units = document && this.#units(document);
    const wanted = tidy(keyword);
    if (!document || !units) return { text: 'No page is open. Use Search or Retrieve first.', outcome: 'miss', state };
    const needle = wanted.toLowerCase();
    const found = needle === '' ? [] : units.filter((unit) => unit.toLowerCase().includes(needle));
    const index = document.keyword === needle ? document.index : 0;
    const next = open({ ...document, keyword: needle, index: Math.min(index + 1, found.length) });
    if (found.length === 0) return { text: cutText(`No results for "${wanted}".`), outcome: 'miss', state: next };
    const unit = found[index];
    if (unit === undefined) return { text: cutText(`No more results for "${wanted}".`), outcome: 'miss', state: next };
    return { text: cutText(`(Result ${index + 1} / ${found.length}) ${unit}`), outcome: 'hit', state: next };
  }

  /** The opening sentences of the three best pages, one a line; they become what Lookup reads. */
  search(query: string, state: ToolState): Finding {
    const wanted = tidy(query);
    const lines = (wanted === '' ? [] : this.#index.search(wanted, 3)).flatMap((title) => {
      const page = this.page(title);
      return page ? [cutText(`${page.title}: ${splitSentences(page.paragraphs[0] ?? '')[0] ?? ''}`, lineLimit)] : [];
    });
    if (lines.length === 0) return { text: cutText(`No results for "${wanted}".`), outcome: 'miss', state };
    return { text: cutText(lines.join('\n')), outcome: 'hit', state: open({ lines, keyword: null, index: 0 }) };
  }

  #units(document: OpenDocument): readonly string[] | undefined {
    if (document.lines) return document.lines;
    return document.title === undefined ? undefined : this.page(document.title)?.paragraphs.flatMap(splitSentences);
  }

  /** The five titles that share most letter trigrams with the text (Dice's coefficient). */
  #similar(text: string): string[] {
    this.#grams ??= [...this.#pages.values()].map((page) => ({ title: page.title, grams: trigrams(page.title) }));
    const wanted = trigrams(text);
    return this.#grams
      .map(({ title, grams }) => {
        let shared = 0;
        for (const gram of wanted) if (grams.has(gram)) shared++;
        return { title, score: (2 * shared) / (wanted.size + grams.size) };
      })
      .sort((a, b) => b.score - a.score || (a.title < b.title ? -1 : 1))
      .slice(0, 5)
      .map(({ title }) => title);
  }
}

const open = (lookup: OpenDocument): ToolState => ({ lookup });
const tidy = (text: string): string =>
  text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/^["'“”‘’`]+|["'“”‘’`]+$/g, '')
    .trim();
const titleKey = (title: string): string => tidy(title).toLowerCase();

function trigrams(text: string): Set<string> {
  const padded = `  ${titleKey(text)} `;
  const grams = new Set<string>();
  for (let i = 0; i + 3 <= padded.length; i++) grams.add(padded.slice(i, i + 3));
  return grams;
}
