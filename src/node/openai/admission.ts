/** What a server can keep hot at once, as far as it is known. */
export interface Capacity {
  /** Tokens that its KV cache holds. */
  readonly kvTokens?: number;
  /** Trajectories that it keeps apart: slots of llama.cpp. */
  readonly slots?: number;
}

/**
 * Of the tokens that a trajectory will have read at its end, as many count from its start on: at any moment some have
 * just begun and some are about to end, so half of it is what one holds on average. `npm run bench -- client` compares
 * the outcome with every fixed number.
 */
const shareOfFinal = 0.55;
/** Of the cache, this much is given away. */
const shareOfCache = 0.95;
/** Tokens that a trajectory is taken to need until the first ones have ended. */
const firstGuess = 2500;
const weightOfNew = 0.1;
const leastWeight = 0.02;

interface Live {
  /** Tokens by model: each adapter keeps a cache of its own. */
  readonly tokens: Map<string, number>;
  sum: number;
}
interface Waiting {
  readonly item: string;
  readonly go: () => void;
}

/**
 * Lets trajectories in while the server's KV cache holds them all. What has been let in keeps its prefix hot to its end;
 * with more than fit, servers throw out prefixes that are needed again a moment later, and every step is prefilled from
 * its beginning. The unit is the trajectory and not the request, since its prefix lives on between its requests.
 */
export class TrajectoryAdmission {
  readonly #capacity: Capacity;
  readonly #live = new Map<string, Live>();
  #waiting: Waiting[] = [];
  /** Text that all prompts of a model begin with, and tokens a character. */
  readonly #models = new Map<string, { head: string; perChar: number }>();
  #sum = 0;
  /** Tokens of trajectories that have ended, and how many were under way when the first did. */
  #mean = 0;
  #ended = 0;
  #cohort: number | undefined;

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  get live(): number {
    return this.#live.size;
  }
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when the trajectory is let in; at once when it already is. */
  enter(item: string, signal: AbortSignal): Promise<void> | undefined {
    if (this.#live.has(item)) return undefined;
    if (this.#waiting.length === 0 && this.#fits()) {
      this.#begin(item);
      return undefined;
    }
    return new Promise<void>((resolve, reject) => {
      const entry: Waiting = {
        item,
        go: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        const at = this.#waiting.indexOf(entry);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(entry);
    });
  }

  /** A trajectory's prompt and answer, as its server counted them (0: not told). */
  grew(item: string, model: string, prompt: string, promptTokens: number, completionTokens: number): void {
    const live = this.#live.get(item);
    if (live === undefined) return;
    let seen = this.#models.get(model);
    if (seen === undefined) {
      seen = { head: prompt, perChar: 0.25 };
      this.#models.set(model, seen);
    }
    if (promptTokens > 0 && prompt.length > 0)
      seen.perChar += weightOfNew * (promptTokens / prompt.length - seen.perChar);
    if (!live.tokens.has(model) && live.tokens.size + this.#live.size > 1) seen.head = commonHead(seen.head, prompt);
    const read = promptTokens > 0 ? promptTokens : prompt.length * seen.perChar;
    const own = Math.max(0, read + completionTokens - this.#shared(seen));
    const before = live.tokens.get(model) ?? 0;
    if (own <= before) return;
    live.tokens.set(model, own);
    this.#sum -= this.#reserved(live);
    live.sum += own - before;
    this.#sum += this.#reserved(live);
  }

  ended(item: string): void {
    const live = this.#live.get(item);
    if (live === undefined) return;
    this.#live.delete(item);
    this.#learn(live.sum);
    // What is expected of each has changed with it.
    this.#sum = 0;
    for (const one of this.#live.values()) this.#sum += this.#reserved(one);
    this.#admit();
  }

  /**
   * The first to end are the shortest: until as many have ended as began together, they say too little about the
   * others, and the guess holds unless they are longer still.
   */
  #learn(sum: number): void {
    if (sum === 0) return;
    this.#cohort ??= this.#live.size;
    this.#ended++;
    const weight = Math.max(1 / this.#ended, leastWeight);
    this.#mean += weight * (sum - this.#mean);
  }

  #admit(): void {
    while (this.#fits()) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      this.#begin(next.item);
      // A trajectory may wait with several requests that it makes together.
      const letIn = this.#waiting.filter(({ item }) => item === next.item);
      this.#waiting = this.#waiting.filter(({ item }) => item !== next.item);
      for (const { go } of letIn) go();
    }
  }

  #begin(item: string): void {
    const live: Live = { tokens: new Map(), sum: 0 };
    this.#live.set(item, live);
    this.#sum += this.#reserved(live);
  }

  /** One is always let in: a trajectory that alone is too large must not wait for ever. */
  #fits(): boolean {
    if (this.#live.size === 0) return true;
    const { kvTokens, slots } = this.#capacity;
    if (slots !== undefined && this.#live.size >= slots) return false;
    if (kvTokens === undefined) return true;
    let shared = 0;
    for (const model of this.#models.values()) shared += this.#shared(model);
    return this.#sum + this.#expected() <= shareOfCache * kvTokens - shared;
  }

  #reserved(live: Live): number {
    return Math.max(live.sum, this.#expected());
  }

  #expected(): number {
    const early = this.#ended <= (this.#cohort ?? 0);
    return shareOfFinal * (early ? Math.max(firstGuess, this.#mean) : this.#mean);
  }

  #shared(model: { readonly head: string; readonly perChar: number }): number {
    return model.head.length * model.perChar;
  }
}

function commonHead(a: string, b: string): string {
  const limit = Math.min(a.length, b.length);
  let at = 0;
  while (at < limit && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at === a.length ? a : a.slice(0, at);
}
