import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { titleKey, type Document } from '../../core/tools/documentSet.ts';
import { diskError } from '../store/logFile.ts';
import type { sqliteOfNode } from './sqlite.ts';

/** Of the tables below; an index of another version is made anew. */
export const indexVersion = '1';
const batch = 5_000;
/** Longer titles are found by Search and Retrieve; only links to them are not followed. */
const longestLink = 16;

/**
 * Writes documents, one after another, into an index file: the documents themselves, a full-text index of title and text,
 * and one of the letter trigrams of titles. Memory does not grow with their number. The file takes its name when it is
 * complete, so that an index that was broken off is never opened.
 * @param source what the index was made from; whoever opens it compares
 * @throws RunError `disk`; the signal's reason
 */
export async function buildDocumentIndex(
  sqlite: NonNullable<ReturnType<typeof sqliteOfNode>>,
  path: string,
  source: string,
  documents: AsyncIterable<Document>,
  options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (done: number) => void } = {},
): Promise<void> {
  const partial = `${path}.partial-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(partial, { force: true });
    const database = new sqlite.DatabaseSync(partial);
    try {
      await fill(database, source, documents, options);
    } finally {
      database.close();
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    // 13 is SQLite's number of a full disk, 10 that of a failed write.
    const number = (error as { errcode?: number }).errcode;
    if (number === 13 || number === 10) throw diskError(path, error);
    throw error;
  }
}

async function fill(
  database: DatabaseSync,
  source: string,
  documents: AsyncIterable<Document>,
  { signal, onProgress }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (done: number) => void },
): Promise<void> {
  database.exec(`
    PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;
    CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE documents(id INTEGER PRIMARY KEY, title TEXT, key TEXT UNIQUE, base TEXT, sha BLOB, paragraphs TEXT);
    CREATE INDEX bases ON documents(base, sha);
    CREATE INDEX titles ON documents(title);
    CREATE VIRTUAL TABLE words USING fts5(title, text, content='', tokenize='unicode61 remove_diacritics 2');
    INSERT INTO words(words, rank) VALUES('rank', 'bm25(3.0, 1.0)');
    CREATE VIRTUAL TABLE letters USING fts5(title, content='', tokenize='trigram');
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab('words', 'row');
    BEGIN`);
  const known = database.prepare('SELECT count(*) AS n, max(sha = ?) AS same FROM documents WHERE base = ?');
  const taken = database.prepare('SELECT 1 FROM documents WHERE key = ?');
  const document = database.prepare('INSERT INTO documents VALUES(?, ?, ?, ?, ?, ?)');
  const words = database.prepare('INSERT INTO words(rowid, title, text) VALUES(?, ?, ?)');
  const letters = database.prepare('INSERT INTO letters(rowid, title) VALUES(?, ?)');
  const all = createHash('sha256');
  let count = 0;
  let longest = 1;
  for await (const { title, paragraphs } of documents) {
    const text = JSON.stringify(paragraphs);
    const sha = createHash('sha1').update(text).digest();
    const base = title.toLowerCase();
    const before = known.get(sha, base) as { n: number; same: number | null };
    // Pages that say the same are one page; others of one title are numbered.
    if (before.same === 1) continue;
    let name = title;
    for (let n = Math.max(1, before.n); taken.get(titleKey(name)) !== undefined; n++) name = `${title} (${n + 1})`;
    count++;
    document.run(count, name, titleKey(name), base, sha, text);
    words.run(count, name, paragraphs.join(' '));
    letters.run(count, titleKey(name));
    all.update(`${JSON.stringify([name, paragraphs])}\n`);
    longest = Math.max(longest, name.split(' ').length);
    if (count % batch !== 0) continue;
    database.exec('COMMIT; BEGIN');
    onProgress?.(count);
    // Reading from a file in memory's cache never waits, and a signal has to be heard.
    await new Promise((go) => setImmediate(go));
    signal?.throwIfAborted();
  }
  const meta = database.prepare('INSERT INTO meta VALUES(?, ?)');
  const facts = { version: indexVersion, source, count, longest: Math.min(longest, longestLink) };
  for (const [name, value] of Object.entries({ ...facts, sha256: all.digest('hex') })) meta.run(name, String(value));
  database.exec("COMMIT; INSERT INTO words(words) VALUES('optimize'); INSERT INTO letters(letters) VALUES('optimize')");
}
