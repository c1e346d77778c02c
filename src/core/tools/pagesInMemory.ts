import { mostAlike, titleKey, trigrams, type Document, type PageSource } from './documentSet.ts';

/** Full-text search over pages. Returns titles, best first, none where nothing matches. */
export interface PageIndex {
  search(query: string, limit: number): readonly string[];
}

/** Pages that are held in memory, with an index over them. */
export class PagesInMemory implements PageSource {
  readonly #pages = new Map<string, Document>();
  readonly #index: PageIndex;
  #grams: { readonly title: string; readonly grams: ReadonlySet<string> }[] | undefined;

  constructor(pages: Iterable<Document>, index: PageIndex) {
    for (const page of pages) this.#pages.set(titleKey(page.title), page);
    this.#index = index;
  }

  page(title: string): Document | undefined {
    return this.#pages.get(titleKey(title));
  }

  search(query: string, limit: number): readonly string[] {
    return this.#index.search(query, limit);
  }

  similar(title: string, limit: number): readonly string[] {
    this.#grams ??= [...this.#pages.values()].map((page) => ({ title: page.title, grams: trigrams(page.title) }));
    return mostAlike(title, this.#grams, limit);
  }
}
