/**
 * Length of the longest common subsequence of one sequence with many others, bit-parallel (Hyyrö 2004): a word of 32
 * bits holds 32 cells of the table, so that a pair of short questions takes as many steps as the other one has words.
 */
export class LcsProbe {
  #length = 0;
  #blocks = 1;
  /** For each token the positions where the sequence has it: `#blocks` words each, at the token's slot. */
  #masks = new Uint32Array(64);
  /** Slot of a token plus one; 0 for tokens that the sequence lacks. */
  #slots = new Int32Array(1024);
  #used: number[] = [];
  #row = new Uint32Array(1);

  /** Takes the sequence that the others are compared with. */
  set(tokens: ArrayLike<number>): void {
    for (const token of this.#used) this.#slots[token] = 0;
    this.#used = [];
    this.#length = tokens.length;
    this.#blocks = Math.max(1, Math.ceil(tokens.length / 32));
    if (this.#masks.length < tokens.length * this.#blocks)
      this.#masks = new Uint32Array(2 * tokens.length * this.#blocks);
    if (this.#row.length < this.#blocks) this.#row = new Uint32Array(this.#blocks);
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as number;
      if (token >= this.#slots.length) this.#grow(token);
      let slot = this.#slots[token] as number;
      if (slot === 0) {
        this.#used.push(token);
        slot = this.#used.length;
        this.#slots[token] = slot;
        this.#masks.fill(0, (slot - 1) * this.#blocks, slot * this.#blocks);
      }
      const at = (slot - 1) * this.#blocks + (i >>> 5);
      this.#masks[at] = (this.#masks[at] as number) | (1 << (i & 31));
    }
  }

  /** Length of the longest common subsequence with the sequence that was set. */
  with(tokens: ArrayLike<number>): number {
    const { length } = tokens;
    const blocks = this.#blocks;
    const row = this.#row.fill(0xffffffff, 0, blocks);
    for (let j = 0; j < length; j++) {
      const token = tokens[j] as number;
      const slot = token < this.#slots.length ? (this.#slots[token] as number) : 0;
      if (slot === 0) continue;
      let carry = 0;
      for (let b = 0; b < blocks; b++) {
        const v = row[b] as number;
        const match = (v & (this.#masks[(slot - 1) * blocks + b] as number)) >>> 0;
        const sum = v + match + carry;
        carry = sum > 0xffffffff ? 1 : 0;
        row[b] = (sum | (v - match)) >>> 0;
      }
    }
    let found = 0;
    for (let i = 0; i < this.#length; i++) if (((row[i >>> 5] as number) & (1 << (i & 31))) === 0) found++;
    return found;
  }

  #grow(token: number): void {
    const larger = new Int32Array(Math.max(2 * this.#slots.length, token + 1));
    larger.set(this.#slots);
    this.#slots = larger;
  }
}
