import assert from 'node:assert/strict';
import test from 'node:test';
import { createRandom } from '../../../src/core/run/random.ts';

test('the same seed gives the same stream, another seed another one', () => {
  const draw = (seed: number | string): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 50 }, () => random.next());
  };
  assert.deepEqual(draw(7), draw(7));
  assert.deepEqual(draw(7), draw('7'));
  assert.notDeepEqual(draw(7), draw(8));
});

test('a fork depends on seed and label, not on what was drawn before', () => {
  const fresh = createRandom(1).fork('worlds').next();
  const used = createRandom(1);
  for (let i = 0; i < 1000; i += 1) used.next();
  assert.equal(used.fork('worlds').next(), fresh);
  assert.notEqual(createRandom(1).fork('a').fork('b').next(), createRandom(1).fork('a/1:b').next());
});

test('integers are uniform (chi-square, 0.999 quantile), and so are shuffles', () => {
  const random = createRandom('uniform');
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i += 1) counts[random.int(10)]! += 1;
  const chi = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
  assert.ok(chi < 27.88, `chi-square ${chi}`); // 9 degrees of freedom

  const orders = new Map<string, number>();
  for (let i = 0; i < 60_000; i += 1) {
    const order = random.shuffle([1, 2, 3]).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.equal(orders.size, 6);
  const shuffled = [...orders.values()].reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
  assert.ok(shuffled < 20.52, `chi-square ${shuffled}`); // 5 degrees of freedom
});

test('streams of neighbouring seeds are not correlated', () => {
  let sum = 0;
  const n = 4000;
  for (let seed = 0; seed < n; seed += 1)
    sum += (createRandom(seed).next() - 0.5) * (createRandom(seed + 1).next() - 0.5);
  // The product has mean 0 and standard deviation 1/12.
  assert.ok(Math.abs(sum / n) < 4 / 12 / Math.sqrt(n), `mean product ${sum / n}`);
});

test('an empty list cannot be picked from', () => {
  const random = createRandom(0);
  assert.throws(() => random.pick([]), RangeError);
  assert.deepEqual(random.shuffle([]), []);
});
