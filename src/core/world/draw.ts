import type { Random } from '../run/random.ts';

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** An integer from `from` to `to`, both included. */
export function between(random: Random, from: number, to: number): number {
  return from + random.int(to - from + 1);
}

/** Picks by weight; the weights need not sum to 1. */
export function weighted<T>(random: Random, items: readonly (readonly [T, number])[]): T {
  let left = random.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  return random.pick(items)[0];
}
