import type { Random } from '../run/random.ts';

/**
 * Orders of `width` things over `rows` presentations, balanced over positions: in every `width` rows that follow one
 * another, each thing stands once at each position (a Latin square, cyclic over a base order drawn for each block, its
 * rows in random order). Gives for each row the index of the thing at each position.
 */
export function latinOrders(rows: number, width: number, random: Random): number[][] {
  const orders: number[][] = [];
  const all = Array.from({ length: width }, (_unused, i) => i);
  while (orders.length < rows) {
    const base = random.shuffle(all);
    for (const shift of random.shuffle(all)) {
      if (orders.length === rows) break;
      orders.push(all.map((position) => base[(position + shift) % width] as number));
    }
  }
  return orders;
}
