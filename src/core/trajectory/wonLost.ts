import { mcnemarExact } from '../evaluate/significance.ts';
import type { TrajectorySummary } from './summary.ts';

/**
 * Two methods or runs on the same questions: how many each got that the other did not. A question counts as right for
 * a side when more than half of its scored trajectories there are right, so that samples do not count several times.
 */
export interface WonLost {
  readonly level: string;
  readonly bothRight: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly bothWrong: number;
  /** McNemar's exact test, two-sided. */
  readonly p: number;
}

export interface WonLostResult {
  /** Levels in order of appearance, then all of them. */
  readonly rows: readonly WonLost[];
  /** Questions that only one of the two has a score for. */
  readonly unpaired: number;
  /** Questions of each cell, for a table to show. */
  readonly cells: ReadonlyMap<string, Cell>;
}

export type Cell = 'bothRight' | 'onlyFirst' | 'onlySecond' | 'bothWrong';
export const allLevels = 'all';

export function wonLost(first: readonly TrajectorySummary[], second: readonly TrajectorySummary[]): WonLostResult {
  const a = byQuestion(first);
  const b = byQuestion(second);
  const cells = new Map<string, Cell>();
  const levels = new Map<string, Record<Cell, number>>();
  const none = (): Record<Cell, number> => ({ bothRight: 0, onlyFirst: 0, onlySecond: 0, bothWrong: 0 });
  const all = none();
  let unpaired = 0;
  for (const [question, own] of a) {
    const other = b.get(question);
    if (other === undefined) {
      unpaired++;
      continue;
    }
    const cell: Cell = own.right ? (other.right ? 'bothRight' : 'onlyFirst') : other.right ? 'onlySecond' : 'bothWrong';
    cells.set(question, cell);
    all[cell]++;
    if (own.level === '') continue;
    let counts = levels.get(own.level);
    if (counts === undefined) levels.set(own.level, (counts = none()));
    counts[cell]++;
  }
  for (const question of b.keys()) if (!a.has(question)) unpaired++;
  const row = (level: string, counts: Record<Cell, number>): WonLost => ({
    level,
    ...counts,
    p: mcnemarExact(counts.onlyFirst, counts.onlySecond),
  });
  return { rows: [...[...levels].map(([level, counts]) => row(level, counts)), row(allLevels, all)], unpaired, cells };
}

function byQuestion(
  rows: readonly TrajectorySummary[],
): Map<string, { readonly right: boolean; readonly level: string }> {
  const counts = new Map<string, { right: number; n: number; level: string }>();
  for (const { question, reward, level } of rows) {
    if (question === '' || reward === null) continue;
    const known = counts.get(question) ?? { right: 0, n: 0, level };
    known.n++;
    if (reward >= 1) known.right++;
    counts.set(question, known);
  }
  return new Map([...counts].map(([question, { right, n, level }]) => [question, { right: right * 2 > n, level }]));
}
