import { overallLevel } from './summarise.ts';
import type { Comparison } from './compare.ts';
import type { Report } from './report.ts';
import type { Cell } from './summarise.ts';

/** Figures as a report prints them: scores and differences in points (0..100), one decimal. */

const dash = '–';

export const points = (value: number | null | undefined): string =>
  value === null || value === undefined ? dash : (value * 100).toFixed(1);

/** With a sign; the minus is a real one, so that it is as wide as the plus. */
export function signedPoints(value: number): string {
  const text = (Math.abs(value) * 100).toFixed(1);
  return text === '0.0' ? '0.0' : `${value > 0 ? '+' : '−'}${text}`;
}

export function pValue(p: number | null | undefined): string {
  if (p === null || p === undefined) return dash;
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

export const interval = (of: Cell['interval'], format = points as (value: number) => string): string =>
  of === null ? '' : ` [${format(of.low)}, ${format(of.high)}]`;

export const scoreText = (cell: Cell): string => `${points(cell.score)}${interval(cell.interval)}`;

export const differenceText = (comparison: Comparison): string =>
  comparison.n === 0 ? dash : `${signedPoints(comparison.difference)}${interval(comparison.interval, signedPoints)}`;

export const amount = (value: number | null, digits = 1): string => (value === null ? dash : value.toFixed(digits));

/** A name from a file or a model on one line, without characters that move a cursor or colour a terminal. */
export const oneLine = (text: string): string => text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim();

export const metricTitles = { f1: 'token F1', em: 'exact match', choice: 'accuracy' } as const;

/** Names of the columns by level, with how many questions each holds. */
export function levelColumns(report: Report): { level: string; title: string }[] {
  const total = report.levels.reduce((sum, { questions }) => sum + questions, 0);
  return [
    ...report.levels
      .filter(({ level }) => level !== overallLevel)
      .map(({ level, questions }) => ({ level, title: `${level} (n=${questions})` })),
    { level: overallLevel, title: `all (n=${total})` },
  ];
}

/** What a report is made for comes first, its parts after it. */
export const overallFirst = <T extends { readonly level: string }>(entries: readonly T[]): T[] => [
  ...entries.filter(({ level }) => level === overallLevel),
  ...entries.filter(({ level }) => level !== overallLevel),
];

export const cellAt = (cells: readonly Cell[], level: string): Cell | undefined =>
  cells.find((cell) => cell.level === level);
