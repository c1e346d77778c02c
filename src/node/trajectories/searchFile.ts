import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pythonJson } from '../../core/data/publishedTrajectory.ts';
import { findInNotes, snippetOf } from '../../core/trajectory/searchNotes.ts';
import type { TextHit } from '../../core/trajectory/searchNotes.ts';
import { notesOf } from '../../core/trajectory/storedNotes.ts';
import { readStoredLine } from '../../core/trajectory/storedTrajectory.ts';
import type { QueryRow, TrajectoryQuery } from '../../core/trajectory/trajectoryQuery.ts';
import type { TrajectoryFile } from './trajectoryFile.ts';

export interface FileHit {
  /** Index of the trajectory in its file. */
  readonly row: number;
  /** Where the text was found; undefined when only the conditions, or the question, matched. */
  readonly hit: TextHit | undefined;
  readonly snippet: string;
}

const bytesAtOnce = 4 << 20;

/**
 * Trajectories of a file that a query finds, in the file's order. Lines are compared as they stand in the file first,
 * and only those that may hold the text are parsed.
 */
export async function* searchFile(
  source: TrajectoryFile,
  query: TrajectoryQuery,
  rows: readonly QueryRow[] = source.rows.map(({ summary }) => ({ ...summary, disagreement: null })),
  signal?: AbortSignal,
): AsyncGenerator<FileHit> {
  const accepted = source.rows.flatMap((_, row) => {
    const known = rows[row];
    return known !== undefined && query.accepts(known) ? [row] : [];
  });
  if (query.text === '') {
    for (const row of accepted) yield { row, hit: undefined, snippet: '' };
    return;
  }
  const needles = [...new Set([JSON.stringify(query.text), pythonJson(query.text)])].map((text) =>
    text.slice(1, -1).toLowerCase(),
  );
  const file = await open(source.path, 'r');
  try {
    for (let next = 0; next < accepted.length;) {
      signal?.throwIfAborted();
      const batch = batchFrom(source, accepted, next);
      next += batch.length;
      const block = await readBlock(file, source, batch);
      for (const row of batch) {
        const at = source.rows[row];
        const start = source.rows[batch[0] ?? 0]?.offset ?? 0;
        if (at === undefined) continue;
        const line = block.toString('utf8', at.offset - start, at.offset - start + at.length);
        const lower = line.toLowerCase();
        if (!needles.some((needle) => lower.includes(needle))) continue;
        const found = verify(line, at.summary.id, query.text);
        if (found !== undefined) yield { row, ...found };
      }
    }
  } finally {
    await file.close();
  }
}

/** Rows that are read in one go: neighbours in the file, as far as they fit. */
function batchFrom(source: TrajectoryFile, accepted: readonly number[], from: number): number[] {
  const batch: number[] = [];
  const start = source.rows[accepted[from] ?? 0]?.offset ?? 0;
  for (let i = from; i < accepted.length; i++) {
    const row = accepted[i] ?? 0;
    const at = source.rows[row];
    if (at === undefined || (batch.length > 0 && at.offset + at.length - start > bytesAtOnce)) break;
    batch.push(row);
  }
  return batch;
}

async function readBlock(file: FileHandle, source: TrajectoryFile, batch: readonly number[]): Promise<Buffer> {
  const first = source.rows[batch[0] ?? 0];
  const last = source.rows[batch.at(-1) ?? 0];
  const start = first?.offset ?? 0;
  const length = (last?.offset ?? 0) + (last?.length ?? 0) - start;
  const block = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(block, 0, length, start);
  return block.subarray(0, bytesRead);
}

/** The line may hold the text in a field that is not shown, or in a label. */
function verify(line: string, id: string, text: string): Omit<FileHit, 'row'> | undefined {
  const reading = readStoredLine(line, id);
  if (!reading.ok) return undefined;
  const { question } = reading.trajectory;
  const at = question.toLowerCase().indexOf(text);
  const hit = findInNotes(notesOf(reading.trajectory), text);
  if (hit === undefined && at < 0) return undefined;
  return { hit, snippet: hit?.snippet ?? snippetOf(question, at, text.length) };
}
