import { JSONParser } from '@streamparser/json';
import { parse as csvParser } from 'csv-parse';
import { createReadStream, openSync, readSync, closeSync } from 'node:fs';
import { basename } from 'node:path';
import { TaskError } from '../store/taskError.ts';

export const recordFormats = ['jsonl', 'json', 'csv', 'tsv'] as const;
export type RecordFormat = (typeof recordFormats)[number];

/** One record of a file, in order, or why there is none. Never the whole file: a gigabyte streams through. */
export interface FileRecord {
  /** `file:line`, or `file#key` in a JSON document. */
  readonly place: string;
  /** The key of a JSON object's entry. */
  readonly key?: string;
  readonly value?: unknown;
  /** The line as it stands in a file of lines, without its end. */
  readonly line?: string;
  readonly refused?: string;
  readonly repaired?: string;
}

/** What a file is, from its first byte and its name. @throws TaskError when it cannot be read */
export function detectFormat(path: string): RecordFormat {
  const name = basename(path).toLowerCase();
  if (/\.(?:jsonl|ndjson)$/.test(name)) return 'jsonl';
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.tsv')) return 'tsv';
  const head = firstBytes(path);
  if (head.startsWith('[')) return 'json';
  if (!head.startsWith('{')) return 'csv';
  // One object a line, or one object in all: a first line that is JSON by itself is a record.
  try {
    JSON.parse(head.split('\n')[0] ?? '');
    return head.includes('\n') || !name.endsWith('.json') ? 'jsonl' : 'json';
  } catch {
    return name.endsWith('.json') || !head.includes('\n') ? 'json' : 'jsonl';
  }
}

function firstBytes(path: string): string {
  const buffer = Buffer.alloc(65_536);
  try {
    const fd = openSync(path, 'r');
    try {
      return buffer
        .toString('utf8', 0, readSync(fd, buffer))
        .replace(/^\uFEFF/, '')
        .trimStart();
    } finally {
      closeSync(fd);
    }
  } catch {
    throw cannotRead(path);
  }
}

function cannotRead(path: string): TaskError {
  return new TaskError('data', `The file ${path} cannot be read.`, 'Check its path and whether you may read it.');
}

/** Streams the records of a file. @throws TaskError when it cannot be read, or is no JSON document at all */
export async function* readRecords(
  path: string,
  format: RecordFormat,
  signal?: AbortSignal,
): AsyncGenerator<FileRecord> {
  const name = basename(path);
  try {
    if (format === 'jsonl') yield* jsonLines(path, name, signal);
    else if (format === 'json') yield* jsonEntries(path, name, signal);
    else yield* table(path, name, format === 'tsv' ? '\t' : ',', signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw cannotRead(path);
    throw error;
  }
}

async function* jsonLines(path: string, name: string, signal?: AbortSignal): AsyncGenerator<FileRecord> {
  let number = 0;
  for await (const { text, repaired } of textLines(path, signal)) {
    number++;
    if (text.trim() === '') continue;
    const record = { place: `${name}:${number}`, line: text, ...(repaired === undefined ? {} : { repaired }) };
    try {
      yield { ...record, value: JSON.parse(text) as unknown };
    } catch (error) {
      yield { ...record, refused: `not valid JSON (${shortly(error)})` };
    }
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** Lines without their ends. A byte order mark is dropped; bytes that are not UTF-8 are replaced and reported. */
async function* textLines(path: string, signal?: AbortSignal): AsyncGenerator<{ text: string; repaired?: string }> {
  let pending: Buffer[] = [];
  let first = true;
  const decode = (bytes: Buffer): { text: string; repaired?: string } => {
    const end = bytes.at(-1) === 13 ? bytes.length - 1 : bytes.length;
    const body = bytes.subarray(first && bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0, end);
    first = false;
    try {
      return { text: strict.decode(body) };
    } catch {
      return { text: lenient.decode(body), repaired: 'bytes that are not UTF-8 replaced' };
    }
  };
  for await (const chunk of createReadStream(path, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      yield decode(
        pending.length === 0 ? bytes.subarray(from, at) : Buffer.concat([...pending, bytes.subarray(from, at)]),
      );
      pending = [];
      from = at + 1;
    }
    if (from < bytes.length) pending.push(bytes.subarray(from));
  }
  if (pending.length > 0) yield decode(Buffer.concat(pending));
}

/** Elements of an array, or entries of an object, one after another. */
async function* jsonEntries(path: string, name: string, signal?: AbortSignal): AsyncGenerator<FileRecord> {
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  const ready: FileRecord[] = [];
  let broken: Error | undefined;
  parser.onValue = ({ value, key }) => {
    ready.push(
      typeof key === 'string'
        ? { place: `${name}#${key}`, key, value }
        : { place: `${name}#${Number(key) + 1}`, value },
    );
  };
  parser.onError = (error) => {
    broken ??= error;
  };
  for await (const chunk of createReadStream(path, {
    highWaterMark: 1 << 18,
    ...(signal === undefined ? {} : { signal }),
  })) {
    parser.write(chunk as Buffer);
    yield* ready.splice(0);
    if (broken !== undefined) break;
  }
  if (broken === undefined && !parser.isEnded) broken = new Error('the document ends too early');
  if (broken !== undefined) yield { place: name, refused: `not valid JSON from here on (${shortly(broken)})` };
}

async function* table(path: string, name: string, delimiter: string, signal?: AbortSignal): AsyncGenerator<FileRecord> {
  const skipped: FileRecord[] = [];
  const parser = createReadStream(path, signal === undefined ? {} : { signal }).pipe(
    csvParser({
      delimiter,
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip: (error) => {
        skipped.push({
          place: `${name}:${Number(error?.['lines'] ?? 0)}`,
          refused: `not a row of the table (${error?.code ?? 'unreadable'})`,
        });
        return undefined;
      },
    }),
  );
  for await (const { record, info } of parser as AsyncIterable<{
    record: Record<string, string>;
    info: { lines: number };
  }>) {
    yield { place: `${name}:${info.lines}`, value: record };
  }
  // The parser runs ahead of its reader, so that only the end is a place where the order of these is certain.
  yield* skipped;
}

function shortly(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 120);
}

/** Column names of a table's or a JSON file's first record, for a mapping dialogue. */
export async function columnsOf(path: string, format: RecordFormat): Promise<string[]> {
  for await (const { value } of readRecords(path, format))
    if (typeof value === 'object' && value !== null) return Object.keys(value);
  return [];
}
