import { parse as csvParser, type CsvError } from 'csv-parse';
import { Readable } from 'node:stream';
import type { FileRecord } from './records.ts';
import { firstText, maxRecordBytes, utf8Bytes } from './textFile.ts';

/** What the parser's codes mean to a reader of the report. */
const faults: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS: 'it has more or fewer cells than the first line',
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is never closed, and everything after it is lost',
  CSV_INVALID_CLOSING_QUOTE: 'something stands after a closing quotation mark',
  CSV_MAX_RECORD_SIZE: `it has more than ${maxRecordBytes / 2 ** 20} MB; is a quotation mark never closed?`,
  INVALID_OPENING_QUOTE: 'a quotation mark stands within a cell that has none around it',
};

/** The column names of a table, from its first line. */
export async function headerOf(path: string, delimiter: string): Promise<string[]> {
  const file = Readable.from(utf8Bytes(path));
  try {
    for await (const header of file.pipe(csvParser({ delimiter, bom: true, to: 1, relax_quotes: true })))
      return named(header as string[]).names;
  } finally {
    file.destroy();
  }
  return [];
}

/** Rows of a table by the names in its first line. */
export async function* tableRecords(
  path: string,
  name: string,
  delimiter: string,
  signal?: AbortSignal,
): AsyncGenerator<FileRecord> {
  const skipped: FileRecord[] = [];
  const repaired: string[] = [];
  const parser = csvParser({
    delimiter,
    bom: true,
    columns: (header: string[]) => {
      const { names, twice } = named(header);
      for (const column of twice) repaired.push(`two columns are called "${column}": the second is "${column} (2)"`);
      return names;
    },
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: maxRecordBytes,
    on_skip: (error) => {
      skipped.push({ place: `${name}:${Number(error?.['lines'] ?? 0)}`, refused: reasonOf(error) });
      return undefined;
    },
  });
  const file = Readable.from(utf8Bytes(path, signal));
  // A pipe hands on what was read and no failure: without this, nobody would hear of a file that is not there.
  file.once('error', (error) => parser.destroy(error));
  file.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { lines: number };
    }>) {
      const said = [...repaired.splice(0), ...(damaged(record) ? [unreadableText] : [])];
      yield {
        place: `${name}:${info.lines}`,
        value: record,
        ...(said.length === 0 ? {} : { repaired: said.join('; ') }),
      };
    }
  } finally {
    file.destroy();
  }
  // The parser runs ahead of its reader, so that only the end is a place where the order of these is certain.
  yield* skipped;
}

/** A comma, or what spreadsheets write in countries where the comma stands in numbers. */
export function delimiterOf(path: string): string {
  const [line = ''] = firstText(path)
    .replace(/"[^"]*"/g, '')
    .split(/[\r\n]/);
  return line.includes(',') ? ',' : ([';', '\t'].find((mark) => line.includes(mark)) ?? ',');
}

export const unreadableText = 'bytes that are not UTF-8 replaced';

const damaged = (record: Readonly<Record<string, string>>): boolean =>
  Object.values(record).some((cell) => cell.includes('\ufffd'));

/** Names without spaces around them; a name that is there already gets a number, so that no column hides another. */
function named(header: readonly string[]): { names: string[]; twice: string[] } {
  const names: string[] = [];
  const twice: string[] = [];
  for (const column of header.map((cell) => cell.trim())) {
    let n = 1;
    const numbered = (): string => (n === 1 ? column : `${column} (${n})`);
    while (names.includes(numbered())) n++;
    if (n === 2 && column !== '') twice.push(column);
    names.push(numbered());
  }
  return { names, twice };
}

function reasonOf(error: CsvError | undefined): string {
  return `not a row of the table: ${faults[error?.code ?? ''] ?? error?.message ?? 'unreadable'}`;
}
