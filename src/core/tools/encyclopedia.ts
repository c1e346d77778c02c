import type { ToolState } from '../run/request.ts';
import { splitSentences } from '../world/sentences.ts';
import { tidy, type Document, type PageSource } from './documentSet.ts';
import { cutText } from './observation.ts';
import type { Finding } from './provider.ts';

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

/** Retrieve, Lookup and Search over documents (methods 1.4, column `fixed`). Plain data in, plain data out. */
export class Encyclopedia {
  readonly #source: PageSource;

  constructor(source: PageSource) {
    this.#source = source;
  }

  page(title: string): Document | undefined {
    return this.#source.page(title);
  }

  /** The first paragraph of a page. A miss names similar titles and leaves the open document as it was. */
  retrieve(title: string, state: ToolState): Finding {
    const page = this.page(title);
    if (!page) {
      return {
        text: cutText(`No page "${title.trim()}". Similar titles: ${this.#source.similar(title, 5).join('; ')}.`),
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
    const lines = (wanted === '' ? [] : this.#source.search(wanted, 3)).flatMap((title) => {
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
}

const open = (lookup: OpenDocument): ToolState => ({ lookup });
