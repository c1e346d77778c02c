import type { SQLOutputValue } from 'node:sqlite';
import type { DatabaseJob, SandboxAnswer } from './jobs.ts';

const memoryBytes = 256 * 2 ** 20;
const maxCell = 200;

/**
 * One SELECT over a SQLite file that is opened for reading alone. A statement is compiled by itself, so that nothing can
 * follow it, and an authorizer, where this Node has it, refuses whatever does not read.
 */
export async function loadDatabase(job: DatabaseJob): Promise<() => SandboxAnswer> {
  const { DatabaseSync, constants } = await import('node:sqlite');
  const database = new DatabaseSync(job.file, { readOnly: true, allowExtension: false });
  database.exec(`PRAGMA hard_heap_limit=${memoryBytes}; PRAGMA trusted_schema=OFF`);
  // Node 22 has none; there the kind of the statement and the file's mode have to do.
  if ('setAuthorizer' in database) {
    const reads: readonly number[] = [
      constants.SQLITE_SELECT,
      constants.SQLITE_READ,
      constants.SQLITE_FUNCTION,
      constants.SQLITE_RECURSIVE,
    ];
    database.setAuthorizer((action) => (reads.includes(action) ? constants.SQLITE_OK : constants.SQLITE_DENY));
  }
  return () => {
    const sql = job.sql.trim().replace(/;\s*$/, '');
    if (!/^(?:select|with|values)\b/i.test(sql)) return { status: 'failed', text: 'Only one SELECT is allowed.' };
    try {
      const statement = database.prepare(sql);
      // SQLite compiles the first statement and leaves the rest: what is not run must not look as if it had been.
      if (statement.sourceSQL.trim().replace(/;$/, '').length < sql.length)
        return { status: 'failed', text: 'Only one SELECT is allowed, with nothing after it.' };
      statement.setReadBigInts(true);
      const rows: string[] = [];
      let more = false;
      for (const row of statement.iterate()) {
        if (rows.length > job.maxRows) {
          more = true;
          break;
        }
        if (rows.length === 0) rows.push(Object.keys(row).join(' | '));
        rows.push(Object.values(row).map(cell).join(' | '));
      }
      if (rows.length === 0) return { status: 'ok', text: '' };
      return { status: 'ok', text: [...rows, ...(more ? ['(more rows; ask for fewer)'] : [])].join('\n') };
    } catch (error) {
      return { status: 'failed', text: error instanceof Error ? error.message : String(error) };
    }
  };
}

function cell(value: SQLOutputValue): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  const text = String(value).replace(/\s+/g, ' ');
  return text.length > maxCell ? `${text.slice(0, maxCell)}…` : text;
}
