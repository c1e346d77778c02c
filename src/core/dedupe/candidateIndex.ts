import { LcsProbe } from './lcs.ts';
import { jaccard, rougeL, type Measure } from './measure.ts';
import { Vocabulary } from './vocabulary.ts';

/** Features of a record that are looked up: those with the smallest hashes among its words and pairs of words. */
const sketchSize = 12;
/** A feature that more records have than this says nothing, and is not looked up any more. */
const listLimit = 256;

/**
 * The same question as {@link ExactIndex} answers, for millions of records: candidates share one of a dozen features
 * that are chosen alike for both (a bottom-k sketch, Cohen and Kaplan 2007), and are verified exactly. What is found is
 * right; some pairs are missed, most of all those near the threshold. The benchmark states how many.
 */
export class CandidateIndex {
  readonly #measure: Measure;
  readonly #threshold: number;
  readonly #words = new Vocabulary();
  /** All sequences one after another, and where each begins. */
  #sequences = new Int32Array(1 << 16);
  #starts = new Float64Array(1 << 12);
  #size = 0;
  /** Open addressing from feature to the newest posting; postings are chains. */
  #keys = new Int32Array(1 << 16);
  #heads = new Int32Array(1 << 16).fill(-1);
  #lengths = new Uint16Array(1 << 16);
  #features = 0;
  #next = new Int32Array(1 << 14);
  #owner = new Int32Array(1 << 14);
  #postings = 0;
  readonly #lcs = new LcsProbe();

  constructor(measure: Measure, threshold: number) {
    this.#measure = measure;
    this.#threshold = threshold;
  }

  get size(): number {
    return this.#size;
  }

  find(words: readonly string[]): number | undefined {
    const sequence = this.#encode(words);
    const tried = new Set<number>();
    let prepared = false;
    let best: number | undefined;
    for (const feature of sketch(sequence)) {
      const slot = this.#slot(feature);
      if ((this.#lengths[slot] as number) > listLimit) continue;
      for (let at = this.#heads[slot] as number; at >= 0; at = this.#next[at] as number) {
        const id = this.#owner[at] as number;
        if (tried.has(id) || (best !== undefined && id > best)) continue;
        tried.add(id);
        if (!prepared) this.#lcs.set(sequence);
        prepared = true;
        if (this.#alike(sequence, this.#sequences.subarray(this.#starts[id], this.#starts[id + 1]))) best = id;
      }
    }
    return best;
  }

  add(words: readonly string[]): number {
    const sequence = this.#encode(words);
    const id = this.#size++;
    if (this.#starts.length < this.#size + 1) this.#starts = grown(this.#starts, Float64Array);
    const start = this.#starts[id] as number;
    while (this.#sequences.length < start + sequence.length) this.#sequences = grown(this.#sequences, Int32Array);
    this.#sequences.set(sequence, start);
    this.#starts[id + 1] = start + sequence.length;
    for (const feature of sketch(sequence)) this.#post(feature, id);
    return id;
  }

  #encode(words: readonly string[]): Int32Array {
    return Int32Array.from(words, (w) => this.#words.id(w));
  }

  #alike(a: Int32Array, b: Int32Array): boolean {
    if (this.#measure === 'rouge-l') return rougeL(this.#lcs.with(b), a.length, b.length) >= this.#threshold;
    const left = new Set(a);
    const right = new Set(b);
    let shared = 0;
    for (const word of left) if (right.has(word)) shared++;
    return jaccard(shared, left.size, right.size) >= this.#threshold;
  }

  #post(feature: number, id: number): void {
    if (2 * this.#features >= this.#keys.length) this.#rehash();
    const slot = this.#slot(feature);
    const length = this.#lengths[slot] as number;
    if (length > listLimit) return;
    if (length === 0) {
      this.#features++;
      this.#keys[slot] = feature;
    }
    this.#lengths[slot] = length + 1;
    if (this.#next.length === this.#postings) {
      this.#next = grown(this.#next, Int32Array);
      this.#owner = grown(this.#owner, Int32Array);
    }
    this.#owner[this.#postings] = id;
    this.#next[this.#postings] = this.#heads[slot] as number;
    this.#heads[slot] = this.#postings++;
  }

  /** The slot that has the feature, or the free one where it would stand. */
  #slot(feature: number): number {
    const mask = this.#keys.length - 1;
    let slot = mixed(feature) & mask;
    while ((this.#lengths[slot] as number) > 0 && this.#keys[slot] !== feature) slot = (slot + 1) & mask;
    return slot;
  }

  #rehash(): void {
    const old = { keys: this.#keys, heads: this.#heads, lengths: this.#lengths };
    this.#keys = new Int32Array(2 * old.keys.length);
    this.#heads = new Int32Array(2 * old.keys.length).fill(-1);
    this.#lengths = new Uint16Array(2 * old.keys.length);
    for (let i = 0; i < old.keys.length; i++) {
      if (old.lengths[i] === 0) continue;
      const slot = this.#slot(old.keys[i] as number);
      this.#keys[slot] = old.keys[i] as number;
      this.#heads[slot] = old.heads[i] as number;
      this.#lengths[slot] = old.lengths[i] as number;
    }
  }
}

/** The features with the smallest hashes: equal records choose equal ones, similar records mostly so. */
function sketch(sequence: Int32Array): Int32Array {
  const hashes = new Set<number>();
  for (let i = 0; i < sequence.length; i++) {
    const word = sequence[i] as number;
    hashes.add(mixed(word + 1));
    if (i > 0) hashes.add(mixed(Math.imul((sequence[i - 1] as number) + 1, 0x9e3779b1) ^ mixed(word + 0x7f4a7c15)));
  }
  return Int32Array.from(hashes).sort().slice(0, sketchSize);
}

/** Murmur3's finaliser: spreads a 32-bit number over all bits. */
function mixed(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function grown<A extends Int32Array | Float64Array>(array: A, make: new (length: number) => A): A {
  const larger = new make(2 * array.length);
  larger.set(array);
  return larger;
}
