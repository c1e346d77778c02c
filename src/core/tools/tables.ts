import type { Finding, ToolProvider } from './provider.ts';
import { tableTool } from './library.ts';

/** A table, read: its name, and its rows as columns and cells in order. */
export interface Table {
  readonly name: string;
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** Full-text search over rows; numbers of the best, best first. */
export interface RowIndex {
  search(query: string, limit: number): readonly number[];
}

const rowLimit = 8;

/**
 * Table Verbalizer: the rows that fit the words of the argument, each as a sentence (paper section 2.2 names the tool).
 * The argument "table: words" asks one table alone.
 */
export function tableVerbalizer(
  tables: readonly Table[],
  createIndex: (texts: readonly string[]) => RowIndex,
  options: Pick<ToolProvider, 'provider' | 'maxChars'>,
): ToolProvider {
  const rows = tables.flatMap((table) =>
    table.rows.map((row, i) => ({ table: table.name, text: sentence(table.name, i, row) })),
  );
  const index = createIndex(rows.map(({ text }) => text));
  return {
    ...options,
    description: { ...tableTool, definition: `${tableTool.definition}; ${describe(tables)}` },
    call: (argument, state): Finding => {
      const { table, words } = read(argument, tables);
      const numbers = words === '' ? rows.map((_row, i) => i) : index.search(words, rows.length);
      const found = numbers.flatMap((i) => rows[i] ?? []).filter((row) => table === undefined || row.table === table);
      if (found.length === 0)
        return { text: `No row fits "${argument.trim().slice(0, 200)}".`, outcome: 'miss', state };
      const lines = found.slice(0, rowLimit).map(({ text }) => text);
      const more = found.length > rowLimit ? [`(${found.length - rowLimit} more rows)`] : [];
      return {
        text: [...lines, ...more].join('\n'),
        outcome: 'hit',
        state: { lookup: { lines, keyword: null, index: 0 } },
      };
    },
  };
}

function read(argument: string, tables: readonly Table[]): { readonly table?: string; readonly words: string } {
  const [before = '', ...after] = argument.split(':');
  const named = tables.find(({ name }) => name.toLowerCase() === before.trim().toLowerCase());
  return named === undefined ? { words: argument.trim() } : { table: named.name, words: after.join(':').trim() };
}

function sentence(table: string, index: number, row: Readonly<Record<string, string>>): string {
  const cells = Object.entries(row)
    .filter(([, value]) => value.trim() !== '')
    .map(([column, value]) => `${column} is ${value.replace(/\s+/g, ' ').trim()}`);
  return `In row ${index + 1} of ${table}, ${cells.join(', ')}.`;
}

const describe = (tables: readonly Table[]): string =>
  `tables: ${tables.map(({ name, rows }) => `${name} (${Object.keys(rows[0] ?? {}).join(', ')})`).join('; ')}`;
