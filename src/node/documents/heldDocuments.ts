import { createHash } from 'node:crypto';
import { linkDocuments } from '../../core/pipeline/grounding.ts';
import type { Document, DocumentSet, LinkedDocuments } from '../../core/tools/documentSet.ts';
import { PagesInMemory } from '../../core/tools/pagesInMemory.ts';
import { createPageIndex } from './pageIndex.ts';

/** Documents that are few enough to be held in memory. Index, links and hash are made when they are first wanted. */
export class HeldDocuments implements DocumentSet {
  readonly pages: readonly Document[];
  #source: PagesInMemory | undefined;
  #linked: LinkedDocuments | undefined;
  #sha256: string | undefined;

  constructor(pages: readonly Document[]) {
    this.pages = pages;
  }

  get count(): number {
    return this.pages.length;
  }

  get sha256(): string {
    return (this.#sha256 ??= createHash('sha256').update(JSON.stringify(this.pages)).digest('hex'));
  }

  get linked(): LinkedDocuments {
    return (this.#linked ??= linkDocuments(this.pages));
  }

  page(title: string): Document | undefined {
    return this.#opened().page(title);
  }

  search(query: string, limit: number): readonly string[] {
    return this.#opened().search(query, limit);
  }

  similar(title: string, limit: number): readonly string[] {
    return this.#opened().similar(title, limit);
  }

  #opened(): PagesInMemory {
    return (this.#source ??= new PagesInMemory(this.pages, createPageIndex(this.pages)));
  }
}
