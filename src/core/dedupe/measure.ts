/** How alike two questions are: ROUGE-L (F1 of the longest common subsequence of words), or Jaccard over word sets. */
export const measures = ['words', 'rouge-l'] as const;
export type Measure = (typeof measures)[number];

/** Words that two records must share at least, to reach a threshold, given their lengths (in sets for `words`). */
export function requiredOverlap(measure: Measure, threshold: number, m: number, n: number): number {
  const share = measure === 'words' ? threshold / (1 + threshold) : threshold / 2;
  // A little less, so that rounding never asks for a word too many; what passes is verified.
  return Math.max(1, Math.ceil(share * (m + n) - 1e-9));
}

/** ROUGE-L as F1 from the length of the common subsequence. */
export function rougeL(common: number, m: number, n: number): number {
  return m + n === 0 ? 0 : (2 * common) / (m + n);
}

export function jaccard(shared: number, m: number, n: number): number {
  return m + n === 0 ? 0 : shared / (m + n - shared);
}
