import type * as Sqlite from 'node:sqlite';

/** Node's own SQLite with its full-text search; undefined where this Node has none. */
export function sqliteOfNode(): typeof Sqlite | undefined {
  return process.getBuiltinModule('node:sqlite');
}
