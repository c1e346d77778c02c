/**
 * Strengths of compared methods by Luce's choice axiom: a method is chosen from a set with probability strength / sum of
 * the set's strengths. For sets of two this is the Bradley–Terry model, for more it is Plackett–Luce of the first place.
 * A weak prior (Caron and Doucet 2012: gamma, peaked at equal strengths) gives also a method that never wins a strength.
 * Fitted by Newton's method: the log-posterior is concave, and minorisation–maximisation takes thousands of rounds where
 * one method wins nearly always.
 */

export interface Choices {
  /** Methods that were compared, by index. */
  readonly set: readonly number[];
  /** Who was chosen. */
  readonly winner: number;
  /** A tie of k methods is k choices of weight 1/k. */
  readonly weight: number;
}

export interface RankOptions {
  /** Wins and losses that every method is given beforehand; 0 is maximum likelihood. */
  readonly prior?: number;
  readonly tolerance?: number;
}

/** Weak: a tenth of a choice. */
export const rankingPrior = 0.1;

/**
 * @param count methods
 * @returns strengths that sum to 1; undefined without choices, or where maximum likelihood has no end
 */
export function luceStrengths(
  count: number,
  choices: readonly Choices[],
  options: RankOptions = {},
): number[] | undefined {
  const { prior = rankingPrior, tolerance = 1e-10 } = options;
  if (choices.length === 0) return undefined;
  const wins = new Float64Array(count);
  // Sets that occur often are added up once: a study has few kinds of sets and many choices.
  const sets = new Map<string, { members: readonly number[]; weight: number }>();
  for (const { set, winner, weight } of choices) {
    wins[winner] = (wins[winner] ?? 0) + weight;
    const members = [...set].sort((a, b) => a - b);
    const known = sets.get(members.join());
    if (known === undefined) sets.set(members.join(), { members, weight });
    else known.weight += weight;
  }
  if (prior === 0 && wins.some((n) => n === 0)) return undefined;
  const likelihood = new Likelihood(wins, [...sets.values()], prior);
  let logs = Array.from({ length: count }, () => 0);
  let height = likelihood.at(logs);
  for (let round = 0; round < 200; round++) {
    const step = likelihood.newtonStep(logs);
    const size = Math.max(...step.map(Math.abs));
    if (size < tolerance) {
      const strengths = logs.map(Math.exp);
      const sum = strengths.reduce((a, b) => a + b, 0);
      return strengths.map((s) => s / sum);
    }
    // Far from the top a whole step may lead down again; no step is longer than a factor of e.
    let share = Math.min(1, 1 / size);
    const moved = (): number[] => logs.map((log, i) => log + share * (step[i] ?? 0));
    while (share > 1e-6 && likelihood.at(moved()) < height) share /= 2;
    logs = moved();
    height = likelihood.at(logs);
  }
  return undefined;
}

interface WeighedSet {
  readonly members: readonly number[];
  readonly weight: number;
}

/** The log-posterior of logarithms of strengths. */
class Likelihood {
  readonly #wins: Float64Array;
  readonly #sets: readonly WeighedSet[];
  readonly #prior: number;

  constructor(wins: Float64Array, sets: readonly WeighedSet[], prior: number) {
    this.#wins = wins;
    this.#sets = sets;
    this.#prior = prior;
  }

  at(logs: readonly number[]): number {
    let height = 0;
    for (const [i, log] of logs.entries()) height += (this.#wins[i] ?? 0) * log + this.#prior * (log - Math.exp(log));
    for (const { members, weight } of this.#sets)
      height -= weight * Math.log(members.reduce((sum, m) => sum + Math.exp(logs[m] ?? 0), 0));
    return height;
  }

  newtonStep(logs: readonly number[]): number[] {
    const count = logs.length;
    const slope = logs.map((log, i) => (this.#wins[i] ?? 0) + this.#prior * (1 - Math.exp(log)));
    // Strengths have no scale without a prior; a constant term then holds their product.
    const bend = logs.map((log, i) =>
      logs.map((_other, j) => (this.#prior === 0 ? 1 : i === j ? this.#prior * Math.exp(log) : 0)),
    );
    for (const { members, weight } of this.#sets) {
      const sum = members.reduce((total, m) => total + Math.exp(logs[m] ?? 0), 0);
      for (const a of members) {
        const share = Math.exp(logs[a] ?? 0) / sum;
        slope[a] = (slope[a] ?? 0) - weight * share;
        const row = bend[a] ?? [];
        row[a] = (row[a] ?? 0) + weight * share;
        for (const b of members) row[b] = (row[b] ?? 0) - (weight * share * Math.exp(logs[b] ?? 0)) / sum;
      }
    }
    return solve(bend, slope, count);
  }
}

/** Gaussian elimination; the matrix is symmetric and positive definite, so no pivot is sought. */
function solve(matrix: number[][], right: number[], count: number): number[] {
  const at = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  for (let pivot = 0; pivot < count; pivot++)
    for (let i = pivot + 1; i < count; i++) {
      const factor = at(i, pivot) / at(pivot, pivot);
      const row = matrix[i] ?? [];
      for (let j = pivot; j < count; j++) row[j] = at(i, j) - factor * at(pivot, j);
      right[i] = (right[i] ?? 0) - factor * (right[pivot] ?? 0);
    }
  const found = Array.from({ length: count }, () => 0);
  for (let i = count - 1; i >= 0; i--) {
    let rest = right[i] ?? 0;
    for (let j = i + 1; j < count; j++) rest -= at(i, j) * (found[j] ?? 0);
    found[i] = rest / at(i, i);
  }
  return found;
}
