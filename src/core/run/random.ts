/**
 * Seeded randomness that is passed in, never global. `sfc32` (PractRand's small fast counting generator) seeded
 * through a string hash; streams forked by label are independent of the order in which they are drawn from.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  int(n: number): number;
  /** @throws RangeError on an empty list. */
  pick<T>(list: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[];
  /** `k` different members in random order; all of them when the list is shorter. */
  sample<T>(list: readonly T[], k: number): T[];
  /** An independent stream for a named purpose. */
  fork(label: string): Random;
}

/** A 32-bit hash (MurmurHash3's finaliser over FNV-1a), good enough to seed with; not for security. */
function hash32(text: string, basis: number): number {
  let h = basis >>> 0;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function createRandom(seed: number | string): Random {
  const label = String(seed);
  let a = hash32(label, 0x811c9dc5);
  let b = hash32(label, 0x9e3779b9);
  let c = hash32(label, 0x85ebca77);
  let d = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  const int = (n: number): number => Math.floor(next() * n);
  const shuffle = <T>(list: readonly T[]): T[] => {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = int(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  };
  return {
    next,
    int,
    shuffle,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError('Cannot pick from an empty list.');
      return list[int(list.length)] as T;
    },
    sample: (list, k) => shuffle(list).slice(0, k),
    fork: (name) => createRandom(`${label}/${name}`),
  };
}

/** A seed for one completion, in [0, 2^31): the same run, item and index always sample alike. */
export function samplingSeed(runSeed: number, item: string, index: string): number {
  return hash32(`${runSeed}/${item}/${index}`, 0x811c9dc5) >>> 1;
}
