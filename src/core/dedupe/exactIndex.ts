import { LcsProbe } from './lcs.ts';
import { jaccard, requiredOverlap, rougeL, type Measure } from './measure.ts';
import { Vocabulary } from './vocabulary.ts';

/** One of the records that an index holds: its words in order, and its tokens from rare to frequent. */
interface Entry {
  readonly sequence: Int32Array;
  sorted: Int32Array;
}

/** Where a token occurs in the prefixes of records: record id, and position in its sorted tokens, packed. */
class Postings {
  #packed = new Int32Array(4);
  length = 0;

  push(id: number, position: number): void {
    if (this.length === this.#packed.length) {
      const larger = new Int32Array(2 * this.#packed.length);
      larger.set(this.#packed);
      this.#packed = larger;
    }
    this.#packed[this.length++] = (id << 8) | Math.min(position, 255);
  }

  at(i: number): number {
    return this.#packed[i] as number;
  }
}

/**
 * Finds a record that is as alike as a threshold asks, among those added before: exactly, without comparing with all.
 * Similarity above a threshold needs a number of shared words, so that two records must share one already among their
 * rarest (prefix filter), early enough for the rest to suffice (positional filter; Xiao et al., PPJoin, 2008); what is
 * left is verified. Repeated words count as often as they occur.
 */
export class ExactIndex {
  readonly #measure: Measure;
  readonly #threshold: number;
  readonly #words = new Vocabulary();
  readonly #tokens = new Vocabulary();
  /** How many records have a token, and its rank from rare to frequent as of the last ordering; negative when newer. */
  readonly #frequency: number[] = [];
  #rank: number[] = [];
  readonly #entries: Entry[] = [];
  #postings = new Map<number, Postings>();
  #orderedAt = 0;
  #counts = new Int32Array(1024);
  readonly #lcs = new LcsProbe();
  readonly #shortest = new Map<number, number>();

  constructor(measure: Measure, threshold: number) {
    this.#measure = measure;
    this.#threshold = threshold;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Id of a record that reaches the threshold with these words, the first that was added; undefined for none. */
  find(words: readonly string[]): number | undefined {
    return this.#find(this.#encode(words));
  }

  /** @returns the new record's id, counted from 0 */
  add(words: readonly string[]): number {
    const entry = this.#encode(words);
    const id = this.#entries.length;
    this.#entries.push(entry);
    for (const token of entry.sorted) this.#frequency[token] = (this.#frequency[token] ?? 0) + 1;
    if (id > 64 && id >= 2 * this.#orderedAt) this.#reorder();
    else this.#post(id, entry);
    return id;
  }

  #encode(words: readonly string[]): Entry {
    const sequence = Int32Array.from(words, (w) => this.#words.id(w));
    const seen = new Map<string, number>();
    const tokens: number[] = [];
    for (const word of words) {
      const before = seen.get(word) ?? 0;
      seen.set(word, before + 1);
      if (before > 0 && this.#measure === 'words') continue;
      tokens.push(this.#tokens.id(before === 0 ? word : `${word} ${before}`));
    }
    return { sequence, sorted: this.#sort(tokens) };
  }

  #sort(tokens: readonly number[] | Int32Array): Int32Array {
    return Int32Array.from(tokens).sort((a, b) => this.#rankOf(a) - this.#rankOf(b));
  }

  /** Tokens that came after the last ordering are taken for the rarest; the order stays total until the next. */
  #rankOf(token: number): number {
    return this.#rank[token] ?? -1 - token;
  }

  /** Doubling sizes keep the order near the true one at a cost that stays linear over all. */
  #reorder(): void {
    const tokens = Array.from({ length: this.#tokens.size }, (_, token) => token);
    tokens.sort((a, b) => (this.#frequency[a] ?? 0) - (this.#frequency[b] ?? 0) || a - b);
    this.#rank = [];
    for (const [rank, token] of tokens.entries()) this.#rank[token] = rank;
    this.#postings = new Map();
    for (const [id, entry] of this.#entries.entries()) {
      entry.sorted = this.#sort(entry.sorted);
      this.#post(id, entry);
    }
    this.#orderedAt = this.#entries.length;
  }

  #post(id: number, { sorted }: Entry): void {
    const prefix = this.#prefix(sorted.length);
    for (let i = 0; i < prefix; i++) {
      const token = sorted[i] as number;
      let postings = this.#postings.get(token);
      if (postings === undefined) this.#postings.set(token, (postings = new Postings()));
      postings.push(id, i);
    }
  }

  /** Tokens of a record of this length of which one must be shared, whatever the other's length. */
  #prefix(length: number): number {
    if (length === 0) return 0;
    let shortest = this.#shortest.get(length);
    if (shortest === undefined) {
      shortest = 1;
      while (shortest < length && this.#need(length, shortest) > shortest) shortest++;
      this.#shortest.set(length, shortest);
    }
    return Math.min(length, length - this.#need(length, shortest) + 1);
  }

  #need(m: number, n: number): number {
    return requiredOverlap(this.#measure, this.#threshold, m, n);
  }

  #find(probe: Entry): number | undefined {
    if (this.#counts.length < this.#entries.length) this.#counts = new Int32Array(2 * this.#entries.length);
    const counts = this.#counts;
    const { sorted } = probe;
    const m = sorted.length;
    const prefix = this.#prefix(m);
    const touched: number[] = [];
    const needs: number[] = [];
    for (let i = 0; i < prefix; i++) {
      const postings = this.#postings.get(sorted[i] as number);
      if (postings === undefined) continue;
      for (let k = 0; k < postings.length; k++) {
        const packed = postings.at(k);
        const id = packed >> 8;
        const count = counts[id] as number;
        if (count < 0) continue;
        const n = (this.#entries[id] as Entry).sorted.length;
        const need = (needs[n] ??= this.#need(m, n));
        if (count === 0) touched.push(id);
        // What can still be shared from here on, this token included.
        counts[id] = count + 1 + Math.min(m - i - 1, n - (packed & 255) - 1) >= need ? count + 1 : -1;
      }
    }
    let best: number | undefined;
    let prepared = false;
    for (const id of touched) {
      const promising = (counts[id] as number) > 0;
      counts[id] = 0;
      if (!promising || (best !== undefined && id > best)) continue;
      if (!prepared) this.#lcs.set(this.#measure === 'words' ? [] : probe.sequence);
      prepared = true;
      if (this.#alike(probe, this.#entries[id] as Entry)) best = id;
    }
    return best;
  }

  #alike(a: Entry, b: Entry): boolean {
    const m = a.sorted.length;
    const n = b.sorted.length;
    if (this.#measure === 'rouge-l') return rougeL(this.#lcs.with(b.sequence), m, n) >= this.#threshold;
    return jaccard(this.#shared(a.sorted, b.sorted), m, n) >= this.#threshold;
  }

  /** Both are in the order of the ranks. */
  #shared(a: Int32Array, b: Int32Array): number {
    let shared = 0;
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      const order = this.#rankOf(a[i] as number) - this.#rankOf(b[j] as number);
      if (order === 0) shared++;
      if (order <= 0) i++;
      if (order >= 0) j++;
    }
    return shared;
  }
}
