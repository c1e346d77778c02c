import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { mentions } from '../../core/pipeline/grounding.ts';
import {
  mostAlike,
  titleKey,
  trigrams,
  type Document,
  type DocumentSet,
  type LinkedDocuments,
} from '../../core/tools/documentSet.ts';
import { indexVersion } from './documentIndex.ts';
import type { sqliteOfNode } from './sqlite.ts';

/** Words that more than this share of the documents have tell nothing and cost most. */
const commonShare = 0.1;
/** The rarest words of a query that are searched for. */
const queryWords = 16;
/** Titles that are compared letter by letter, of those that share most trigrams. */
const similarCandidates = 60;
const siblingLimit = 50;

/** Documents in an index file: memory does not grow with their number. */
export class StoredDocuments implements DocumentSet {
  readonly count: number;
  readonly sha256: string;
  /** What the index was made from. */
  readonly source: string;
  readonly linked: LinkedDocuments;
  readonly #longest: number;
  readonly #byKey: StatementSync;
  readonly #byId: StatementSync;
  readonly #idOf: StatementSync;
  readonly #words: StatementSync;
  readonly #letters: StatementSync;
  readonly #frequency: StatementSync;

  constructor(database: DatabaseSync) {
    const meta = new Map(
      database
        .prepare('SELECT name, value FROM meta')
        .all()
        .map((row) => [String(row['name']), String(row['value'])]),
    );
    if (meta.get('version') !== indexVersion) throw new Error('an index of another version');
    this.count = Number(meta.get('count'));
    this.sha256 = meta.get('sha256') ?? '';
    this.source = meta.get('source') ?? '';
    this.#longest = Number(meta.get('longest'));
    this.#byKey = database.prepare('SELECT title, paragraphs FROM documents WHERE key = ?');
    this.#byId = database.prepare('SELECT title, paragraphs FROM documents WHERE id = ?');
    this.#idOf = database.prepare('SELECT id FROM documents WHERE title = ?');
    this.#words = database.prepare(
      'SELECT d.id AS id, d.title AS title FROM (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS w JOIN documents AS d ON d.id = w.rowid',
    );
    this.#letters = database.prepare(
      'SELECT d.title AS title FROM (SELECT rowid FROM letters WHERE letters MATCH ? ORDER BY rank LIMIT ?) AS l JOIN documents AS d ON d.id = l.rowid',
    );
    this.#frequency = database.prepare('SELECT doc FROM vocabulary WHERE term = ?');
    this.linked = {
      count: this.count,
      document: (index) => read(this.#byId.get(index + 1)),
      links: (index) => this.#links(index),
      siblings: (index) => this.#siblings(index),
    };
  }

  page(title: string): Document | undefined {
    return read(this.#byKey.get(titleKey(title)));
  }

  search(query: string, limit: number): readonly string[] {
    const words = this.#telling(query);
    return words.length === 0 ? [] : this.#found(words.map(quoted).join(' OR '), limit).map(({ title }) => title);
  }

  similar(title: string, limit: number): readonly string[] {
    const key = titleKey(title);
    const grams = Array.from({ length: Math.max(0, key.length - 2) }, (_, i) => key.slice(i, i + 3));
    if (grams.length === 0) return [];
    const rows = this.#letters.all([...new Set(grams)].map(quoted).join(' OR '), similarCandidates);
    const titles = rows.map((row) => String(row['title']));
    return mostAlike(
      title,
      titles.map((one) => ({ title: one, grams: trigrams(one) })),
      limit,
    );
  }

  #found(match: string, limit: number): { id: number; title: string }[] {
    return this.#words.all(match, limit).map((row) => ({ id: Number(row['id']), title: String(row['title']) }));
  }

  /** The query's words as the index has them, without those that stand everywhere, rarest first. */
  #telling(query: string): string[] {
    const words = new Set(
      query
        .normalize('NFD')
        .replace(/\p{M}+/gu, '')
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu),
    );
    const known = [...words]
      .map((word) => ({ word, documents: Number(this.#frequency.get(word)?.['doc'] ?? 0) }))
      .filter(({ documents }) => documents > 0)
      .sort((a, b) => a.documents - b.documents);
    const telling = known.filter(({ documents }) => documents <= commonShare * this.count);
    return (telling.length > 0 ? telling : known).slice(0, queryWords).map(({ word }) => word);
  }

  #links(index: number): readonly number[] {
    const document = this.linked.document(index);
    if (document === undefined) return [];
    const get = (title: string): number | undefined => {
      const row = this.#idOf.get(title);
      return row === undefined ? undefined : Number(row['id']) - 1;
    };
    return mentions(document, index, { get }, this.#longest);
  }

  #siblings(index: number): readonly number[] {
    const found = this.#links(index).flatMap((link) => {
      const title = this.linked.document(link)?.title ?? '';
      return this.#found(`text : ${quoted(title)}`, siblingLimit).map(({ id }) => id - 1);
    });
    return [...new Set(found)].filter((sibling) => this.linked.document(sibling) !== undefined);
  }
}

function read(row: Record<string, unknown> | undefined): Document | undefined {
  if (row === undefined) return undefined;
  return { title: String(row['title']), paragraphs: JSON.parse(String(row['paragraphs'])) as string[] };
}

/** A phrase of FTS5's query language, whatever stands in it. */
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

export function openStored(
  sqlite: NonNullable<ReturnType<typeof sqliteOfNode>>,
  path: string,
  source: string,
): StoredDocuments | undefined {
  try {
    const stored = new StoredDocuments(new sqlite.DatabaseSync(path, { readOnly: true }));
    return stored.source === source ? stored : undefined;
  } catch {
    return undefined; // Not there, of another version, or damaged: it is made anew.
  }
}
