/** What several answers to one question are worth together. */

/**
 * Expected best score of k answers drawn without replacement from those given; with exactly k it is their maximum.
 * An oracle figure: choosing the best answer needs the gold label.
 * Undefined for fewer than k scores.
 */
export function oracleBestOf(scores: readonly number[], k: number): number | undefined {
  const n = scores.length;
  if (k < 1 || n < k) return undefined;
  const sorted = [...scores].sort((a, b) => a - b);
  // The i-th smallest (from 1) is the best of k in C(i-1, k-1) of C(n, k) draws; the ratio is built downwards from i = n.
  let share = k / n;
  let expected = 0;
  for (let i = n; i >= k; i -= 1) {
    expected += share * (sorted[i - 1] as number);
    share *= (i - k) / (i - 1);
  }
  return expected;
}

/**
 * Index of the answer that most samples agree on; among equally frequent ones the earliest. Empty keys are no answer
 * and win only when there is no other. Undefined for no samples.
 */
export function majorityIndex(keys: readonly string[]): number | undefined {
  const votes = new Map<string, number>();
  for (const key of keys) if (key !== '') votes.set(key, (votes.get(key) ?? 0) + 1);
  const most = Math.max(0, ...votes.values());
  if (most === 0) return keys.length === 0 ? undefined : 0;
  return keys.findIndex((key) => votes.get(key) === most);
}
