import { commonPrefix, place, type CachedSequence } from './prefixCache.ts';
import type { Gate } from './gate.ts';
import type { Generation, GenerationResult, TokenLogprob } from './generation.ts';
import type { NativeContext, NativeEngine, NativeSampler } from './nativeEngine.ts';
import { rankingNeeded, sampleCandidate, seededDraws } from './sampling.ts';

interface Waiting {
  readonly generation: Generation;
  readonly resolve: (result: GenerationResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Running extends Waiting {
  readonly sequence: CachedSequence;
  readonly cachedTokens: number;
  readonly draw: () => number;
  readonly free: NativeSampler | undefined;
  readonly promptLogprobs: TokenLogprob[];
  /** Tokens still to be evaluated: the rest of the prompt, or the token sampled last. */
  queue: readonly number[];
  produced: number;
}

export interface BatcherOptions {
  readonly native: NativeContext;
  readonly engine: NativeEngine;
  readonly gate: Gate;
  /** Sequences that generate. */
  readonly sequences: number;
  /** Further ones that only keep prefixes. */
  readonly parked: number;
  /** Tokens evaluated at once, at most. */
  readonly batchSize: number;
  /** False for recurrent models, whose state can neither be cut nor copied in part. */
  readonly reusesPrefixes: boolean;
  readonly isEnd: (token: number) => boolean;
}

/** A request whose prefix is being evaluated by another one right now waits for it if that saves this many tokens. */
const WORTH_WAITING = 32;
const NONE = new Uint32Array(0);
const FIRST = Uint32Array.of(0);

/** Continuous batching over the sequences of one context: every evaluation takes a token from everybody who has one. */
export class Batcher {
  private readonly options: BatcherOptions;
  private readonly sequences: CachedSequence[];
  private readonly rankers = new Map<number, { readonly count: number; readonly sampler: NativeSampler }>();
  private readonly scorers = new Map<number, NativeSampler>();
  private readonly running: Running[] = [];
  private waiting: Waiting[] = [];
  private loop: Promise<void> | undefined;
  private clock = 0;
  private closed = false;

  constructor(options: BatcherOptions) {
    this.options = options;
    this.sequences = Array.from({ length: options.sequences + options.parked }, (_, id) => ({
      id,
      tokens: [],
      busy: false,
      used: 0,
    }));
  }

  /** Tokens that a prompt would have to evaluate here, and what is already queued; to choose between contexts. */
  cost(prompt: readonly number[]): number {
    let best = 0;
    for (const sequence of this.sequences) best = Math.max(best, commonPrefix(sequence.tokens, prompt));
    let backlog = 0;
    for (const { queue } of this.running) backlog += 16 + queue.length;
    for (const { generation } of this.waiting) backlog += 16 + generation.prompt.length;
    return prompt.length - best + backlog;
  }

  generate(generation: Generation): Promise<GenerationResult> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new Error('the adapter was unloaded'));
        return;
      }
      this.waiting.push({ generation, resolve, reject });
      this.loop ??= this.work();
    });
  }

  /** Refuse what waits, let what runs finish, free the context. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { reject } of this.waiting.splice(0)) reject(new Error('the adapter was unloaded'));
    await this.loop;
    for (const { sampler } of this.rankers.values()) sampler.dispose();
    for (const sampler of this.scorers.values()) sampler.dispose();
    await this.options.native.dispose();
  }

  private async work(): Promise<void> {
    // Requests that arrive in one turn of the event loop start together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0 || this.running.length > 0) {
      try {
        this.dropAborted();
        await this.admit();
        if (this.running.length > 0) await this.step();
      } catch (error) {
        this.failAll(error);
      }
    }
    this.loop = undefined;
  }

  /** After an unexpected error the cache is in an unknown state: everybody is told, and everything starts empty. */
  private failAll(error: unknown): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
    for (const running of [...this.running]) {
      this.leave(running);
      running.reject(error);
    }
    for (const sequence of this.sequences) {
      sequence.tokens.length = 0;
      this.options.native.clear(sequence.id);
    }
  }

  private dropAborted(): void {
    this.waiting = this.waiting.filter(({ generation, reject }) => {
      if (generation.signal.aborted) reject(generation.signal.reason);
      return !generation.signal.aborted;
    });
    for (const running of [...this.running])
      if (running.generation.signal.aborted) {
        this.leave(running);
        running.reject(running.generation.signal.reason);
      }
  }

  private async admit(): Promise<void> {
    const { native, reusesPrefixes } = this.options;
    const later: Waiting[] = [];
    const queue = this.waiting;
    this.waiting = [];
    for (const [index, waiting] of queue.entries()) {
      const { prompt, scorePrompt, sampling, choice } = waiting.generation;
      const limit = scorePrompt || !reusesPrefixes ? 0 : prompt.length - 1;
      const placement = place(this.sequences, this.options.sequences, prompt, limit);
      if (placement === undefined) {
        later.push(...queue.slice(index));
        break;
      }
      if (limit > 0 && this.soonCached(prompt, limit) - placement.reused >= WORTH_WAITING) {
        later.push(waiting);
        continue;
      }
      const { sequence, park, source } = placement;
      let { reused } = placement;
      if (reusesPrefixes && park !== undefined) await this.copy(sequence, park);
      if (source !== undefined) {
        await this.copy(source, sequence);
        source.used = ++this.clock;
      }
      if (sequence.tokens.length > reused) {
        if (reused === 0 || !native.truncate(sequence.id, reused)) {
          native.clear(sequence.id);
          reused = 0;
        }
        sequence.tokens.length = reused;
      }
      sequence.busy = true;
      const kind = rankingNeeded(sampling);
      this.running.push({
        ...waiting,
        sequence,
        cachedTokens: reused,
        draw: seededDraws(sampling.seed, choice),
        free:
          kind === 'all'
            ? this.options.engine.createSampler({
                temperature: sampling.temperature,
                seed: Math.floor(seededDraws(sampling.seed, choice)() * 4294967296),
              })
            : undefined,
        promptLogprobs: [],
        queue: prompt.slice(reused),
        produced: 0,
      });
    }
    this.waiting.unshift(...later);
  }

  private async copy(from: CachedSequence, to: CachedSequence): Promise<void> {
    await this.options.native.copy(from.id, to.id);
    to.tokens.length = 0;
    for (const token of from.tokens) to.tokens.push(token);
    to.used = from.used;
  }

  /** The longest prefix of `prompt` that some running request is about to evaluate. */
  private soonCached(prompt: readonly number[], limit: number): number {
    let best = 0;
    for (const { queue, produced, generation } of this.running)
      if (produced === 0 && queue.length > 1) best = Math.max(best, commonPrefix(generation.prompt, prompt, limit));
    return best;
  }

  private async step(): Promise<void> {
    const { native, gate, batchSize } = this.options;
    const batch: { running: Running; tokens: readonly number[] }[] = [];
    let room = batchSize;
    for (const running of this.running)
      if (running.queue.length === 1 && room > 0) {
        batch.push({ running, tokens: running.queue });
        room--;
      }
    for (const running of this.running)
      if (running.queue.length > 1 && room > 0) {
        const tokens = running.queue.slice(0, room);
        batch.push({ running, tokens });
        room -= tokens.length;
      }
    // llama.cpp evaluates a run of consecutive sequence ids as one graph.
    batch.sort((a, b) => a.running.sequence.id - b.running.sequence.id);
    const spans = batch.map(({ running, tokens }) => ({
      sequence: running.sequence.id,
      position: running.sequence.tokens.length,
      tokens: Uint32Array.from(tokens),
      logits:
        running.generation.scorePrompt && running.produced === 0
          ? Uint32Array.from(tokens.keys())
          : tokens.length < running.queue.length
            ? NONE
            : tokens.length === 1
              ? FIRST
              : Uint32Array.of(tokens.length - 1),
    }));
    let logits: Uint32Array[];
    try {
      logits = await gate.run(() => native.evaluate(spans));
    } catch (error) {
      // What is in the cache now is unknown.
      for (const { running } of batch) {
        this.leave(running);
        native.clear(running.sequence.id);
        running.sequence.tokens.length = 0;
        running.reject(error);
      }
      return;
    }
    await Promise.all(
      batch.map(async ({ running, tokens }, i) => {
        const offset = running.sequence.tokens.length;
        for (const token of tokens) running.sequence.tokens.push(token);
        running.sequence.used = ++this.clock;
        running.queue = running.queue.slice(tokens.length);
        const indexes = logits[i] ?? NONE;
        try {
          if (running.generation.scorePrompt && running.produced === 0)
            await this.scorePrompt(running, indexes, offset);
          if (running.queue.length === 0) await this.next(running, indexes.at(-1) ?? 0);
        } catch (error) {
          this.leave(running);
          running.reject(error);
        }
      }),
    );
  }

  private async scorePrompt(running: Running, indexes: Uint32Array, offset: number): Promise<void> {
    const { prompt, logprobs = 0 } = running.generation;
    for (const [i, index] of indexes.entries()) {
      const token = prompt[offset + i + 1];
      if (token === undefined) break;
      const scored = await this.options.native.logprobs(index, this.scorer(running), token, logprobs);
      running.promptLogprobs.push({ token, logprob: scored.token, top: scored.top });
    }
  }

  private async next(running: Running, index: number): Promise<void> {
    const { native } = this.options;
    const { generation } = running;
    if (generation.maxTokens === 0) {
      this.finish(running, 'length');
      return;
    }
    const kind = rankingNeeded(generation.sampling);
    const token =
      kind === 'all' && running.free !== undefined
        ? await native.sample(index, running.free)
        : sampleCandidate(
            await native.best(index, this.ranker(running, kind === 'all' ? 1 : kind), kind === 'all' ? 1 : kind),
            generation.sampling,
            running.draw(),
          );
    if (!generation.ignoreEnd && this.options.isEnd(token)) {
      this.finish(running, 'stop');
      return;
    }
    let logprob: TokenLogprob | undefined;
    if (generation.logprobs !== undefined) {
      const scored = await native.logprobs(index, this.scorer(running), token, generation.logprobs);
      logprob = { token, logprob: scored.token, top: scored.top };
    }
    running.produced++;
    running.queue = [token];
    if (generation.onToken(token, logprob)) this.finish(running, 'stop');
    else if (running.produced >= generation.maxTokens) this.finish(running, 'length');
  }

  private finish(running: Running, finish: 'stop' | 'length'): void {
    this.leave(running);
    running.resolve({ finish, cachedTokens: running.cachedTokens, promptLogprobs: running.promptLogprobs });
  }

  private leave(running: Running): void {
    const index = this.running.indexOf(running);
    if (index < 0) return;
    this.running.splice(index, 1);
    running.sequence.busy = false;
    running.free?.dispose();
  }

  private ranker({ sequence }: Running, count: number): NativeSampler {
    const existing = this.rankers.get(sequence.id);
    if (existing?.count === count) return existing.sampler;
    existing?.sampler.dispose();
    const sampler = this.options.engine.createSampler({ ranking: count });
    this.rankers.set(sequence.id, { count, sampler });
    return sampler;
  }

  private scorer({ sequence }: Running): NativeSampler {
    let sampler = this.scorers.get(sequence.id);
    if (sampler === undefined) this.scorers.set(sequence.id, (sampler = this.options.engine.createSampler('greedy')));
    return sampler;
  }
}
