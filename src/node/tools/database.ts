import { realpathSync } from 'node:fs';
import type * as Sqlite from 'node:sqlite';
import type * as z from 'zod';
import { databaseTool } from '../../core/tools/library.ts';
import { cleanLine } from '../../core/tools/observation.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { DatabaseTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { fileOf } from './fileOf.ts';
import type { ToolPlace } from './provide.ts';
import { runSandboxed } from './sandbox/runSandboxed.ts';

const startSeconds = 60;
const schemaChars = 600;
const sqlLimit = 4000;

/**
 * SELECTs over a SQLite file, in the sandbox's process: it can read this file and no other, and is killed when time or
 * memory is used up. The tables and their columns are part of what agents read of the tool.
 * @throws ToolError when the file is missing or this Node has no SQLite
 */
export function database(entry: z.infer<typeof DatabaseTool>, place: ToolPlace): ToolProvider {
  const file = realpathSync(fileOf(place.folder, entry.file));
  const schema = schemaOf(file);
  return {
    description: {
      ...databaseTool,
      definition: `${databaseTool.definition}; tables: ${cleanLine(schema, schemaChars)}`,
    },
    provider: `SQLite file ${entry.file}`,
    maxChars: entry.maxChars,
    call: async (argument, state, signal) => {
      const sql = argument.trim().slice(0, sqlLimit);
      const end = await runSandboxed(
        { kind: 'database', file, sql, maxRows: entry.maxRows },
        {
          entry: place.sandboxEntry,
          readable: [file, `${file}-wal`, `${file}-shm`],
          limits: { startSeconds, runSeconds: entry.timeoutSeconds, wasmMegabytes: 16, residentMegabytes: 800 },
          signal,
        },
      );
      switch (end.end) {
        case 'answer':
          if (end.status === 'failed') return { text: `The statement failed: ${end.text}`, outcome: 'miss', state };
          return end.text === ''
            ? { text: 'No rows.', outcome: 'miss', state }
            : { text: end.text, outcome: 'hit', state };
        case 'time':
          return { text: `The statement was stopped after ${entry.timeoutSeconds} seconds.`, outcome: 'miss', state };
        case 'memory':
          return { text: 'The statement was stopped: it used too much memory.', outcome: 'miss', state };
        case 'died':
          throw new ToolError(
            'crashed',
            `The database could not be read: ${end.said}`,
            'See whether the file is a SQLite database.',
          );
      }
    },
  };
}

function schemaOf(file: string): string {
  const sqlite = process.getBuiltinModule('node:sqlite') as typeof Sqlite | undefined;
  if (sqlite === undefined)
    throw new ToolError('not-configured', `Node ${process.versions.node} has no SQLite.`, 'Use Node 22.13 or later.');
  try {
    const opened = new sqlite.DatabaseSync(file, { readOnly: true, allowExtension: false });
    try {
      const rows = opened
        .prepare(
          "SELECT t.name AS name, group_concat(c.name, ', ') AS columns FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name ORDER BY t.name",
        )
        .all();
      return rows.map((row) => `${String(row['name'])}(${String(row['columns'])})`).join('; ');
    } finally {
      opened.close();
    }
  } catch (error) {
    throw new ToolError(
      'not-configured',
      `${file} is no SQLite database: ${error instanceof Error ? error.message : String(error)}.`,
      'Correct its path in the task card.',
    );
  }
}
