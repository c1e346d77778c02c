import { totalmem } from 'node:os';
import type { Llama, LlamaModel } from 'node-llama-cpp';
import { EngineError } from '../engineErrors.ts';
import type { GgufHeader } from '../lora/gguf.ts';
import { Batcher } from './batcher.ts';
import type { Generation, GenerationResult } from './generation.ts';
import { Gate } from './gate.ts';
import { checkAdapter } from './ggufChecks.ts';
import { checkContext, NativeContext, openNative, type NativeEngine, type NativeLora } from './nativeEngine.ts';
import { TokenText } from './tokenText.ts';

export interface HostOptions {
  readonly contextSize: number;
  /** Sequences evaluated at once for one model name. */
  readonly parallel: number;
  /** Threads of one evaluation; undefined: chosen by model size. */
  readonly threads: number | undefined;
  readonly cores: number;
  /** Names under which the base model answers. */
  readonly baseNames: readonly string[];
}

interface Served {
  readonly path: string | undefined;
  readonly lora: NativeLora | undefined;
  /** Created by the first request. */
  lanes: Promise<Batcher[]> | undefined;
}

/**
 * Below this size an evaluation is so short that a second thread mostly waits at barriers (and spins there when other
 * processes want the core): two independent contexts of one thread each use two cores far better.
 */
const SMALL_MODEL_BYTES = 128 * 2 ** 20;
/** llama.cpp's flash attention on a CPU is several times slower than plain attention for heads narrower than this. */
const FLASH_HEAD_WIDTH = 64;
/** llama.cpp's LLAMA_MAX_SEQ. */
const MOST_SEQUENCES = 256;
/** Parked prefixes may take this much memory a name, so a large model has none. */
const PARKING_BYTES = Math.min(384 * 2 ** 20, totalmem() / 32);
/** Parked prefixes for each sequence that generates: the other roles' prompts of a question, and questions in waiting. */
const PARKED_PER_SEQUENCE = 3;
const BATCH_TOKENS = 512;

/** One model, and a set of contexts for each name that it is served under. */
export class ModelHost {
  readonly model: LlamaModel;
  readonly text: TokenText;
  readonly contextSize: number;
  private readonly options: HostOptions;
  private readonly header: GgufHeader;
  private readonly native: NativeEngine;
  private readonly gate: Gate;
  readonly threads: number;
  /** Contexts a name. */
  readonly lanes: number;
  private readonly served = new Map<string, Served>();
  private changing: Promise<unknown> = Promise.resolve();

  constructor(llama: Llama, model: LlamaModel, header: GgufHeader, options: HostOptions) {
    this.model = model;
    this.header = header;
    this.options = options;
    this.contextSize = options.contextSize;
    this.text = new TokenText({
      detokenize: (tokens, special, last) => model.detokenize(tokens as never, special, last as never),
    });
    this.native = openNative(llama, model);
    const small = model.size < SMALL_MODEL_BYTES && llama.gpu === false;
    this.threads = options.threads ?? (small ? 1 : options.cores);
    this.lanes = small && options.parallel > 1 ? Math.max(1, Math.min(2, Math.floor(options.cores / this.threads))) : 1;
    this.gate = new Gate(Math.max(1, Math.floor(options.cores / this.threads)));
    const base: Served = { path: undefined, lora: undefined, lanes: undefined };
    for (const name of options.baseNames) this.served.set(name, base);
  }

  get names(): readonly string[] {
    return [...this.served.keys()];
  }

  has(name: string): boolean {
    return this.served.has(name);
  }

  adapterPath(name: string): string | undefined {
    return this.served.get(name)?.path;
  }

  tokenize(text: string, addBeginning: boolean): number[] {
    const tokens: number[] = this.model.tokenize(text, true);
    return addBeginning ? this.withBeginning(tokens) : tokens;
  }

  /** The beginning token where the model was trained with one, never twice (templates often write it themselves). */
  withBeginning(tokens: number[]): number[] {
    const { bos, shouldPrependBosToken } = this.model.tokens;
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }

  /** @throws EngineError `bad-adapter` */
  addAdapter(name: string, path: string): Promise<void> {
    return this.exclusively(async () => {
      if (this.served.has(name))
        throw new EngineError(
          'bad-options',
          `The name ${name} is already served: unload it first or choose another name.`,
        );
      await checkAdapter(path, this.header);
      let lora: NativeLora;
      try {
        lora = await this.native.loadAdapter(path);
      } catch (error) {
        throw new EngineError(
          'bad-adapter',
          `llama.cpp refused adapter ${path}: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      }
      this.served.set(name, { path, lora, lanes: undefined });
    });
  }

  /** Waits for running requests of this adapter. @returns false when there is no adapter of this name. */
  removeAdapter(name: string): Promise<boolean> {
    return this.exclusively(async () => {
      const served = this.served.get(name);
      if (served?.lora === undefined) return false;
      this.served.delete(name);
      await this.close(served);
      return true;
    });
  }

  async generate(name: string, generation: Generation): Promise<GenerationResult> {
    const served = this.served.get(name);
    if (served === undefined) throw new EngineError('bad-options', `There is no model ${name}.`);
    const lanes = await (served.lanes ??= this.createLanes(served).catch((error: unknown) => {
      served.lanes = undefined;
      throw error;
    }));
    let chosen: Batcher | undefined;
    let cheapest = Infinity;
    for (const lane of lanes) {
      const cost = lanes.length === 1 ? 0 : lane.cost(generation.prompt);
      if (cost < cheapest) [chosen, cheapest] = [lane, cost];
    }
    if (chosen === undefined) throw new EngineError('bad-options', `Model ${name} has no context.`);
    return chosen.generate(generation);
  }

  async dispose(): Promise<void> {
    for (const served of new Set(this.served.values())) await this.close(served);
    this.served.clear();
    await this.model.dispose();
  }

  private async close(served: Served): Promise<void> {
    const lanes = await served.lanes?.catch(() => []);
    await Promise.all((lanes ?? []).map((lane) => lane.close()));
    await served.lora?.dispose();
  }

  private async createLanes(served: Served): Promise<Batcher[]> {
    const { model } = this;
    const sequences = Math.min(MOST_SEQUENCES, Math.max(1, Math.ceil(this.options.parallel / this.lanes)));
    const reusesPrefixes = !model.fileInsights.isRecurrent && !model.fileInsights.isHybrid;
    const affordable = Math.floor(PARKING_BYTES / this.lanes / this.sequenceBytes());
    const parked = reusesPrefixes
      ? Math.min(affordable, sequences * PARKED_PER_SEQUENCE, MOST_SEQUENCES - sequences)
      : 0;
    const lanes: Batcher[] = [];
    for (let i = 0; i < this.lanes; i++) {
      const context = await model.createContext({
        contextSize: this.contextSize,
        sequences: sequences + parked,
        batchSize: Math.max(sequences, Math.min(BATCH_TOKENS, this.contextSize * sequences)),
        threads: this.threads,
        flashAttention: this.headWidth() < FLASH_HEAD_WIDTH ? false : 'auto',
        // A sliding-window model must keep what a prefix may come back to.
        swaFullCache: true,
        failedCreationRemedy: false,
      });
      checkContext(context);
      const native = new NativeContext(context);
      if (served.lora !== undefined) native.useAdapter(served.lora);
      lanes.push(
        new Batcher({
          native,
          engine: this.native,
          gate: this.gate,
          sequences,
          parked,
          batchSize: context.batchSize,
          reusesPrefixes,
          isEnd: (token) => model.isEogToken(token as never),
        }),
      );
    }
    return lanes;
  }

  private hyperparameter(key: string): number {
    const { metadata } = this.header;
    const value = Number(metadata.get(`${String(metadata.get('general.architecture'))}.${key}`));
    return Number.isFinite(value) ? value : 0;
  }

  private headWidth(): number {
    return (
      this.hyperparameter('attention.key_length') ||
      this.hyperparameter('embedding_length') / this.hyperparameter('attention.head_count') ||
      FLASH_HEAD_WIDTH
    );
  }

  /** Keys and values of a full sequence in half precision; an upper bound where layers differ. */
  private sequenceBytes(): number {
    const heads = this.hyperparameter('attention.head_count_kv') || this.hyperparameter('attention.head_count') || 1;
    return Math.max(1, this.contextSize * this.hyperparameter('block_count') * heads * this.headWidth() * 2 * 2);
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.changing.then(work);
    this.changing = result.catch(() => undefined);
    return result;
  }
}
