import { quantileSorted } from '../evaluate/describe.ts';
import type { RandomSource } from '../evaluate/intervals.ts';

/** Agreement of annotators: Fleiss' kappa, and Krippendorff's alpha for labels and for sets of labels. */

/** What each rater said of an item; a set where ties were allowed. Raters who said nothing are left out. */
export type ItemRatings = readonly (readonly string[])[];

export interface Agreement {
  /** Undefined where the figure has no meaning: one category only, or too few ratings. */
  readonly value: number | undefined;
  readonly low?: number;
  readonly high?: number;
  /** Items that it was computed from. */
  readonly items: number;
  readonly raters?: number;
}

/**
 * Fleiss' kappa: (P - Pe) / (1 - Pe), with P the mean agreement of pairs within an item and Pe that of chance. It needs
 * single choices and the same number of raters everywhere, so items with a tie, or with fewer raters than the commonest
 * number, are left out.
 */
export function fleissKappa(items: readonly ItemRatings[]): Agreement {
  const single = items.filter((ratings) => ratings.length > 1 && ratings.every((r) => r.length === 1));
  const sizes = new Map<number, number>();
  for (const { length } of single) sizes.set(length, (sizes.get(length) ?? 0) + 1);
  const raters = [...sizes].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? 0;
  const used = single.filter(({ length }) => length === raters);
  const totals = new Map<string, number>();
  let agreement = 0;
  for (const ratings of used) {
    const counts = new Map<string, number>();
    for (const [label = ''] of ratings) counts.set(label, (counts.get(label) ?? 0) + 1);
    let pairs = 0;
    for (const [label, n] of counts) {
      pairs += n * (n - 1);
      totals.set(label, (totals.get(label) ?? 0) + n);
    }
    agreement += pairs / (raters * (raters - 1));
  }
  const observed = agreement / used.length;
  let chance = 0;
  for (const n of totals.values()) chance += (n / (used.length * raters)) ** 2;
  // One category only: chance alone explains everything.
  const value = used.length === 0 || 1 - chance < 1e-12 ? undefined : (observed - chance) / (1 - chance);
  return { value, items: used.length, raters };
}

/**
 * Distance of two sets of labels: 1 - J * M, J their Jaccard similarity and M 1 for equal sets, 2/3 where one holds
 * the other, 1/3 where they overlap, 0 else (MASI, Passonneau 2006). Of two single labels: 0 or 1.
 */
export function masiDistance(a: readonly string[], b: readonly string[]): number {
  const [left, right] = [new Set(a), new Set(b)];
  const shared = [...left].filter((label) => right.has(label)).length;
  const union = left.size + right.size - shared;
  if (union === 0) return 0;
  const smaller = Math.min(left.size, right.size);
  const monotony =
    shared === left.size && shared === right.size
      ? 1
      : shared === smaller && smaller > 0
        ? 2 / 3
        : shared > 0
          ? 1 / 3
          : 0;
  return 1 - (shared / union) * monotony;
}

/**
 * Krippendorff's alpha: 1 - observed / expected disagreement, over all pairs of ratings within an item, each item with
 * weight 1 / (its ratings - 1), and over all pairs of pairable ratings. Missing ratings are allowed. Over single
 * labels MASI is 0 or 1, so this is the nominal alpha.
 */
export function krippendorffAlpha(items: readonly ItemRatings[]): Agreement {
  const pairable = items.filter((ratings) => ratings.length > 1);
  // Ratings that are the same set count together: expected disagreement is then a sum over few kinds.
  const kinds = new Map<string, { labels: readonly string[]; n: number }>();
  let observed = 0;
  let total = 0;
  for (const ratings of pairable) {
    let within = 0;
    for (const [i, rating] of ratings.entries()) {
      for (const other of ratings.slice(i + 1)) within += 2 * masiDistance(rating, other);
      const name = [...new Set(rating)].sort().join('\u0000');
      const kind = kinds.get(name) ?? { labels: rating, n: 0 };
      kind.n++;
      kinds.set(name, kind);
    }
    observed += within / (ratings.length - 1);
    total += ratings.length;
  }
  let expected = 0;
  const list = [...kinds.values()];
  for (const [i, kind] of list.entries())
    for (const other of list.slice(i + 1)) expected += 2 * kind.n * other.n * masiDistance(kind.labels, other.labels);
  expected /= total - 1;
  return {
    value: pairable.length === 0 || !(expected > 0) ? undefined : 1 - observed / expected,
    items: pairable.length,
  };
}

/** Adds a 95 % percentile interval from items drawn again with replacement; resamples without a value are left out. */
export function withInterval(
  items: readonly ItemRatings[],
  figure: (items: readonly ItemRatings[]) => Agreement,
  random: RandomSource,
  resamples = 1000,
): Agreement {
  const found = figure(items);
  if (found.value === undefined || items.length < 2) return found;
  const values: number[] = [];
  for (let i = 0; i < resamples; i++) {
    const drawn = items.map(() => items[Math.floor(random.next() * items.length)] as ItemRatings);
    const { value } = figure(drawn);
    if (value !== undefined) values.push(value);
  }
  if (values.length < resamples / 2) return found;
  values.sort((a, b) => a - b);
  return { ...found, low: quantileSorted(values, 0.025) as number, high: quantileSorted(values, 0.975) as number };
}
