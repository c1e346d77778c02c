import * as z from 'zod';
import { outcomes } from './summary.ts';
import type { TrajectorySummary } from './summary.ts';

/**
 * The index of a file of trajectories: where each line stands and what is known of it, so that a gigabyte opens without
 * being read. Written as JSON Lines: a header, then a row each. It can always be made again, so that anything wrong
 * with it means that it is.
 */
export const indexVersion = 1;

export const IndexHeader = z.object({
  version: z.literal(indexVersion),
  /** Of the file when it was indexed. */
  size: z.number().int().nonnegative(),
  mtimeMs: z.number(),
  /** Bytes up to the end of the last line that had one; what follows is read again. */
  indexedTo: z.number().int().nonnegative(),
  lines: z.number().int().nonnegative(),
  /** Hashes of the first bytes of the file, and of the last before `indexedTo`. */
  head: z.string(),
  tail: z.string(),
  /** Of the file with scores beside it; empty when there is none. */
  scores: z.string(),
  rows: z.number().int().nonnegative(),
});
export type IndexHeader = z.infer<typeof IndexHeader>;

/** Where a trajectory stands in its file. */
export interface IndexRow {
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
  /** Counts from 1, as editors show it. */
  readonly line: number;
  readonly summary: TrajectorySummary;
}

/** What a file looks like now; hashes are of as many bytes as the header's were. */
export interface FileLook {
  readonly size: number;
  readonly mtimeMs: number;
  readonly head: string;
  readonly tail: string;
  readonly scores: string;
}

/**
 * `fresh`: the index holds. `grown`: lines were added at the end, so that only they are read. `stale`: anything else.
 * A file that was written in the middle at the same length has another time; one that grew there has another tail.
 */
export function compareIndex(header: IndexHeader, file: FileLook): 'fresh' | 'grown' | 'stale' {
  if (header.scores !== file.scores || header.head !== file.head || header.tail !== file.tail) return 'stale';
  if (file.size === header.size) return file.mtimeMs === header.mtimeMs ? 'fresh' : 'stale';
  return file.size > header.size ? 'grown' : 'stale';
}

export function encodeRow({ offset, length, line, summary: s }: IndexRow): string {
  return JSON.stringify([
    ...[offset, length, line, s.id, s.group, s.question, s.title, s.level, s.outcome],
    ...[s.reward, s.steps, s.tools, s.answer, s.remark],
  ]);
}

/**
 * Reads a row again. Checked by hand: a schema takes longer for a hundred thousand of them than reading the file.
 * @throws SyntaxError, TypeError
 */
export function decodeRow(text: string): IndexRow {
  const row = JSON.parse(text) as unknown;
  if (!Array.isArray(row) || row.length !== 14) throw new TypeError('not a row of an index');
  const [offset, length, line, id, group, question, title, level, outcome, reward, steps, tools, answer, remark] =
    row as unknown[];
  const found = outcomes.find((each) => each === outcome);
  if (found === undefined || !Array.isArray(tools)) throw new TypeError('not a row of an index');
  return {
    offset: number(offset),
    length: number(length),
    line: number(line),
    summary: {
      id: words(id),
      group: words(group),
      question: words(question),
      title: words(title),
      level: words(level),
      outcome: found,
      reward: typeof reward === 'number' ? reward : null,
      steps: number(steps),
      tools: tools.map(words),
      tokens: null,
      ms: null,
      answer: answer === null ? null : words(answer),
      remark: words(remark),
    },
  };
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0)) throw new TypeError('not a number');
  return value;
}

function words(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}
