/**
 * A model server's scheduler as iteration-level batching has it (evals-traces-speed 2.2): one step takes
 * `t0 + td * decoding sequences + tp * prefilled tokens` milliseconds. Prompts find what is left of their beginning in
 * a cache of blocks, by model (adapters share nothing), from which the least recently used blocks go when there is no
 * room. A sequence waits in a queue until its blocks fit. Time is the caller's: `bench/` runs it in its own and in real.
 * A token is four characters.
 */
export interface EngineParameters {
  readonly t0: number;
  readonly td: number;
  readonly tp: number;
  readonly maxSequences: number;
  /** Tokens prefilled in one step. */
  readonly stepTokens: number;
  readonly kvTokens: number;
}

export const charsPerToken = 4;
const blockTokens = 16;
const blockChars = blockTokens * charsPerToken;

export interface Done {
  readonly text: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

interface Sequence {
  readonly model: string;
  readonly text: string;
  readonly output: string;
  readonly keys: readonly string[];
  readonly promptBlocks: number;
  readonly done: (done: Done) => void;
  readonly cancelled: () => boolean;
  prefillLeft: number;
  decodeLeft: number;
  cachedTokens: number;
}

export interface EngineClock {
  now(): number;
  at(time: number, go: () => void): void;
}

export class SimEngine {
  readonly #parameters: EngineParameters;
  readonly #clock: EngineClock;
  readonly #queue: Sequence[] = [];
  #running: Sequence[] = [];
  /** Blocks by key with how many sequences use them; in the order in which they were used last. */
  readonly #blocks = new Map<string, number>();
  #used = 0;
  #stepping = false;
  /** Milliseconds that steps took, for efficiency and for checking the real clock against the model's. */
  busyMs = 0;
  prefilled = 0;
  decoded = 0;
  calls = 0;

  constructor(parameters: EngineParameters, clock: EngineClock) {
    this.#parameters = parameters;
    this.#clock = clock;
  }

  get running(): number {
    return this.#running.length;
  }
  get waiting(): number {
    return this.#queue.length;
  }
  get usage(): number {
    return (this.#used * blockTokens) / this.#parameters.kvTokens;
  }

  ask(model: string, prompt: string, tokens: number, seed: number, cancelled = (): boolean => false): Promise<Done> {
    return new Promise((done) => {
      this.calls++;
      const output = answerText(prompt, tokens, seed);
      const text = prompt + output;
      this.#queue.push({
        model,
        text,
        output,
        keys: blockKeys(model, text),
        promptBlocks: Math.floor(prompt.length / blockChars),
        done,
        cancelled,
        prefillLeft: tokensOf(prompt),
        decodeLeft: tokens,
        cachedTokens: 0,
      });
      if (!this.#stepping) {
        this.#stepping = true;
        this.#clock.at(this.#clock.now(), () => this.#step());
      }
    });
  }

  #step(): void {
    const { t0, td, tp, maxSequences, stepTokens } = this.#parameters;
    for (const s of this.#running) if (s.cancelled()) this.#release(s);
    this.#running = this.#running.filter((s) => !s.cancelled());
    while (this.#running.length < maxSequences) {
      const next = this.#queue[0];
      if (next === undefined) break;
      if (next.cancelled()) {
        this.#queue.shift();
        continue;
      }
      if (!this.#place(next)) break;
      this.#running.push(next);
      this.#queue.shift();
    }
    if (this.#running.length === 0) {
      this.#stepping = false;
      return;
    }
    let room = stepTokens;
    let prefilled = 0;
    let decoding = 0;
    for (const s of this.#running) {
      if (s.prefillLeft === 0) {
        decoding++;
        s.decodeLeft--;
        continue;
      }
      const part = Math.min(s.prefillLeft, room);
      room -= part;
      prefilled += part;
      s.prefillLeft -= part;
    }
    this.prefilled += prefilled;
    this.decoded += decoding;
    const took = t0 + td * decoding + tp * prefilled;
    this.busyMs += took;
    this.#clock.at(this.#clock.now() + took, () => {
      const ended = this.#running.filter((s) => s.prefillLeft === 0 && s.decodeLeft <= 0);
      if (ended.length > 0) {
        this.#running = this.#running.filter((s) => s.prefillLeft > 0 || s.decodeLeft > 0);
        for (const s of ended) {
          this.#release(s);
          s.done({
            text: s.output,
            promptTokens: tokensOf(s.text) - tokensOf(s.output),
            cachedTokens: s.cachedTokens,
            completionTokens: tokensOf(s.output),
          });
        }
      }
      this.#clock.at(this.#clock.now(), () => this.#step());
    });
  }

  /** Takes the blocks of a sequence, the cached ones of its prompt for nothing. */
  #place(s: Sequence): boolean {
    let hits = 0;
    while (hits < s.promptBlocks && this.#blocks.has(s.keys[hits] as string)) hits++;
    const capacity = Math.floor(this.#parameters.kvTokens / blockTokens);
    let newlyUsed = s.keys.length - hits;
    for (let i = 0; i < hits; i++) if (this.#blocks.get(s.keys[i] as string) === 0) newlyUsed++;
    if (this.#used + newlyUsed > capacity && this.#running.length > 0) return false;
    for (const key of s.keys) {
      const uses = this.#blocks.get(key);
      this.#blocks.delete(key);
      this.#blocks.set(key, (uses ?? 0) + 1);
      if (uses === undefined || uses === 0) this.#used++;
    }
    if (this.#blocks.size > capacity) {
      for (const [key, uses] of this.#blocks) {
        if (this.#blocks.size <= capacity) break;
        if (uses === 0) this.#blocks.delete(key);
      }
    }
    s.cachedTokens = hits * blockTokens;
    // The last token of a prompt is always computed: the first of the answer comes from it.
    s.prefillLeft = Math.max(1, s.prefillLeft - s.cachedTokens);
    return true;
  }

  #release(s: Sequence): void {
    for (const key of s.keys) {
      const uses = (this.#blocks.get(key) ?? 1) - 1;
      this.#blocks.delete(key);
      this.#blocks.set(key, uses);
      if (uses === 0) this.#used--;
    }
  }
}

export function tokensOf(text: string): number {
  return Math.ceil(text.length / charsPerToken);
}

/** Text of so many tokens that follows from the prompt alone, so that drivers can be checked against each other. */
export function answerText(prompt: string, tokens: number, seed: number): string {
  let h = hash(prompt, 0x811c9dc5 ^ seed);
  let text = '';
  while (text.length < tokens * charsPerToken) {
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ 0x297a2d39;
    text += (h >>> 0).toString(36).padStart(7, 'x');
  }
  return text.slice(0, tokens * charsPerToken);
}

/** A block is known by all that comes before it too. */
function blockKeys(model: string, text: string): string[] {
  const keys: string[] = [];
  let a = hash(model, 0x811c9dc5);
  let b = hash(model, 0x9e3779b9);
  for (let at = 0; at + blockChars <= text.length; at += blockChars) {
    for (let i = at; i < at + blockChars; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b ^ c, 0x85ebca6b) ^ (b >>> 13);
    }
    keys.push(`${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`);
  }
  return keys;
}

function hash(text: string, basis: number): number {
  let h = basis >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
