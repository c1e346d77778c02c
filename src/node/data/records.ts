import { JSONParser } from '@streamparser/json';
import { basename } from 'node:path';
import { delimiterOf, headerOf, tableRecords, unreadableText } from './tableRecords.ts';
import { cannotRead, firstText, maxRecordBytes, utf8Bytes } from './textFile.ts';

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
  const head = firstText(path);
  if (head.startsWith('[')) return 'json';
  if (!head.startsWith('{')) return name.endsWith('.json') ? 'json' : 'csv';
  // One object a line, or one object in all: a first line that is JSON by itself is a record.
  try {
    JSON.parse(head.split('\n')[0] ?? '');
    return head.includes('\n') || !name.endsWith('.json') ? 'jsonl' : 'json';
  } catch {
    return name.endsWith('.json') || !head.includes('\n') ? 'json' : 'jsonl';
  }
}

const tooLong = `a record of more than ${maxRecordBytes / 2 ** 20} MB`;

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
    else yield* tableRecords(path, name, delimiter(path, format), signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw cannotRead(path);
    throw error;
  }
}

async function* jsonLines(path: string, name: string, signal?: AbortSignal): AsyncGenerator<FileRecord> {
  let number = 0;
  for await (const { text, repaired } of textLines(path, signal)) {
    number++;
    if (text === undefined) {
      yield { place: `${name}:${number}`, refused: tooLong };
      continue;
    }
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

/** A line, or undefined for one that is too long. */
interface Line {
  readonly text: string | undefined;
  readonly repaired?: string;
}

/** Lines without their ends. A byte order mark is dropped; bytes that are not UTF-8 are replaced and reported. */
async function* textLines(path: string, signal?: AbortSignal): AsyncGenerator<Line> {
  let pending: Buffer[] = [];
  let size = 0;
  let first = true;
  const decode = (): Line => {
    const bytes = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending);
    const long = size > maxRecordBytes;
    [pending, size] = [[], 0];
    const end = bytes.at(-1) === 13 ? bytes.length - 1 : bytes.length;
    const body = bytes.subarray(first && bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0, end);
    first = false;
    if (long) return { text: undefined };
    try {
      return { text: strict.decode(body) };
    } catch {
      return { text: lenient.decode(body), repaired: unreadableText };
    }
  };
  const take = (bytes: Buffer): void => {
    size += bytes.length;
    if (size <= maxRecordBytes) pending.push(bytes);
    else pending = [];
  };
  for await (const bytes of utf8Bytes(path, signal)) {
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      take(bytes.subarray(from, at));
      yield decode();
      from = at + 1;
    }
    if (from < bytes.length) take(bytes.subarray(from));
  }
  if (size > 0) yield decode();
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Elements of an array, or entries of an object, one after another. */
async function* jsonEntries(path: string, name: string, signal?: AbortSignal): AsyncGenerator<FileRecord> {
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  const decoder = new TextDecoder();
  const ready: FileRecord[] = [];
  let broken: Error | undefined;
  // Records are looked through for what was replaced only after something was.
  let replaced = false;
  let since = 0;
  let started = false;
  parser.onValue = ({ value, key }) => {
    since = 0;
    ready.push({
      place: typeof key === 'string' ? `${name}#${key}` : `${name}#${Number(key) + 1}`,
      ...(typeof key === 'string' ? { key } : {}),
      value,
      ...(replaced && JSON.stringify(value).includes('\ufffd') ? { repaired: unreadableText } : {}),
    });
  };
  parser.onError = (error) => {
    broken ??= error;
  };
  for await (const bytes of utf8Bytes(path, signal)) {
    const text = decoder.decode(bytes, { stream: true });
    replaced ||= text.includes('\ufffd');
    since += bytes.length;
    started ||= text.trim() !== '';
    parser.write(text);
    yield* ready.splice(0);
    if (since > maxRecordBytes) broken ??= new Error(tooLong);
    if (broken !== undefined) break;
  }
  // A file without anything in it has no rows; that is not a fault of one.
  if (!started) return;
  if (broken === undefined && !parser.isEnded) broken = new Error('the document ends too early');
  if (broken !== undefined) yield { place: name, refused: `not valid JSON from here on (${shortly(broken)})` };
}

const delimiter = (path: string, format: RecordFormat): string => (format === 'tsv' ? '\t' : delimiterOf(path));

function shortly(error: unknown): string {
  return (
    (error instanceof Error ? error.message : String(error))
      // The streaming parser tells of its own states.
      .replace(/ at chunk position "\d+" \(absolute position "(\d+)"\).*/s, ' at character $1')
      .slice(0, 120)
  );
}

/** Column names of a table's or a JSON file's first record, for a mapping dialogue. */
export async function columnsOf(path: string, format: RecordFormat): Promise<string[]> {
  if (format === 'csv' || format === 'tsv') return headerOf(path, delimiter(path, format));
  for await (const { value } of readRecords(path, format))
    if (typeof value === 'object' && value !== null) return Object.keys(value);
  return [];
}
