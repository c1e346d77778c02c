import { parse } from 'csv-parse/sync';
import MiniSearch from 'minisearch';
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type * as z from 'zod';
import type { ToolProvider } from '../../core/tools/provider.ts';
import { tableVerbalizer, type RowIndex, type Table } from '../../core/tools/tables.ts';
import type { TableTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { readJsonLines } from '../store/jsonLines.ts';
import { readText } from '../store/readText.ts';
import { TaskError } from '../store/taskError.ts';
import { fileOf } from './fileOf.ts';

const kinds = ['.csv', '.tsv', '.json', '.jsonl'];
const maxBytes = 64 * 2 ** 20;

/** Table Verbalizer over a file, or over all tables of a folder. @throws ToolError `not-configured` */
export function tables(entry: z.infer<typeof TableTool>, folder: string): ToolProvider {
  const path = fileOf(folder, entry.path);
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .map((name) => join(path, name))
    : [path];
  const found = files.filter((file) => kinds.includes(extname(file).toLowerCase())).map(readTable);
  if (found.length === 0)
    throw new ToolError('not-configured', `There is no table at ${path}.`, `Tables are ${kinds.join(', ')} files.`);
  return tableVerbalizer(found, createRowIndex, {
    provider: `tables (${found.map(({ name }) => name).join(', ')})`,
    maxChars: entry.maxChars,
  });
}

function readTable(path: string): Table {
  const bad = (why: string): ToolError =>
    new ToolError(
      'not-configured',
      `${path} is no table: ${why}.`,
      'Its first line names the columns; JSON holds a list of flat objects.',
    );
  if (statSync(path).size > maxBytes) throw bad(`it has more than ${maxBytes / 2 ** 20} MB`);
  const name = basename(path, extname(path));
  try {
    return { name, rows: rowsOf(path).map(flat) };
  } catch (error) {
    if (error instanceof TaskError) throw new ToolError('not-configured', error.message, error.remedy);
    throw bad(error instanceof Error ? error.message : String(error));
  }
}

function rowsOf(path: string): unknown[] {
  const kind = extname(path).toLowerCase();
  if (kind === '.jsonl') return readJsonLines(path).map(({ value }) => value);
  const text = readText(path);
  if (kind !== '.json')
    return parse(text, { columns: true, bom: true, skip_empty_lines: true, delimiter: kind === '.tsv' ? '\t' : ',' });
  const value = JSON.parse(text) as unknown;
  return Array.isArray(value) ? value : [value];
}

function flat(row: unknown): Record<string, string> {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) throw new Error('a row is no object');
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function createRowIndex(texts: readonly string[]): RowIndex {
  const index = new MiniSearch<{ id: number; text: string }>({ fields: ['text'] });
  index.addAll(texts.map((text, id) => ({ id, text })));
  return {
    search: (query, limit) =>
      index
        .search(query)
        .slice(0, limit)
        .map((hit) => hit.id as number),
  };
}
