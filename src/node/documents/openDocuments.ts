import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Document, DocumentSet } from '../../core/tools/documentSet.ts';
import { readRecords } from '../data/records.ts';
import { TaskError } from '../store/taskError.ts';
import { documentFiles, loadDocuments, pageOf, readDocumentFile } from './documentFiles.ts';
import { buildDocumentIndex } from './documentIndex.ts';
import { HeldDocuments } from './heldDocuments.ts';
import { sqliteOfNode } from './sqlite.ts';
import { openStored } from './storedDocuments.ts';

export interface OpenDocumentsOptions {
  /** Folder for the indexes of large sets, which are kept from run to run. */
  readonly cacheFolder: string;
  readonly notify: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of files up to which documents are held in memory. */
  readonly heldBytes?: number;
}

/** Their pages take some ten times as much in memory, with the index; opening them takes a second or two. */
const heldBytes = 24 * 2 ** 20;

/**
 * The documents at a path, a file or a folder. Small sets are held in memory; of large ones an index is made once and
 * kept, and made anew when a file's name, size or time has changed.
 * @throws TaskError that names file and line; RunError `disk`
 */
export async function openDocuments(path: string, options: OpenDocumentsOptions): Promise<DocumentSet> {
  const files = documentFiles(path).map((file) => ({ file, stat: statSync(file) }));
  const bytes = files.reduce((sum, { stat }) => sum + stat.size, 0);
  if (bytes <= (options.heldBytes ?? heldBytes)) return new HeldDocuments(loadDocuments(path));
  const sqlite = sqliteOfNode();
  if (sqlite === undefined)
    throw new TaskError(
      'data',
      `The documents in ${path} have ${megabytes(bytes)} MB, and this Node (${process.versions.node}) has no SQLite to index them.`,
      `Use Node 22.13 or later, or keep ${megabytes(heldBytes)} MB of them.`,
    );
  const real = realpathSync(path);
  const source = sha256(JSON.stringify(files.map(({ file, stat }) => [file, stat.size, stat.mtimeMs])));
  const index = join(options.cacheFolder, 'documents', `${sha256(real).slice(0, 32)}.sqlite`);
  const kept = openStored(sqlite, index, source);
  if (kept !== undefined) return kept;
  options.notify(`Indexing the documents in ${path} (${megabytes(bytes)} MB), once`);
  await buildDocumentIndex(
    sqlite,
    index,
    source,
    read(
      files.map(({ file }) => file),
      options.signal,
    ),
    {
      signal: options.signal,
      onProgress: (done) => options.notify(`Indexing documents: ${done}`),
    },
  );
  const made = openStored(sqlite, index, source);
  if (made !== undefined) return made;
  throw new TaskError('data', `The index ${index} cannot be read.`, 'Remove it, and try again.');
}

async function* read(files: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<Document> {
  for (const file of files) {
    if (extname(file).toLowerCase() !== '.jsonl') {
      yield* readDocumentFile(file);
      continue;
    }
    for await (const { value, refused, place } of readRecords(file, 'jsonl', signal)) {
      if (refused !== undefined)
        throw new TaskError('data', `${file} (${place}): ${refused}.`, 'The file must hold one JSON object a line.');
      yield pageOf(value, `${place} in ${file}`);
    }
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
