import type { Measure } from '../../../src/core/dedupe/measure.ts';

/** Similarity by the textbook: the whole table of the common subsequence, word sets by `Set`. */
export function similarity(measure: Measure, a: readonly string[], b: readonly string[]): number {
  if (measure === 'words') {
    const left = new Set(a);
    const right = new Set(b);
    const shared = [...left].filter((w) => right.has(w)).length;
    return left.size + right.size === 0 ? 0 : shared / (left.size + right.size - shared);
  }
  let above = new Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    const row = [0];
    for (const [j, other] of b.entries())
      row.push(word === other ? (above[j] ?? 0) + 1 : Math.max(above[j + 1] ?? 0, row[j] ?? 0));
    above = row;
  }
  return a.length + b.length === 0 ? 0 : (2 * (above.at(-1) ?? 0)) / (a.length + b.length);
}
