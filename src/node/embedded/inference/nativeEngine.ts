import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { EngineError } from '../engineErrors.ts';

/**
 * The batch interface of node-llama-cpp's addon, which its own `LlamaContext` drives (dist/bindings/AddonTypes.d.ts).
 *
 * WHY not the public `LlamaContextSequence`: llama.cpp splits a batch wherever sequence ids are not consecutive, and
 * each split costs a whole graph evaluation (llama-batch.cpp, `split_equal`), so the one who builds the batch must
 * order it; a sequence must be able to start as a copy of another, so that a system prompt shared by hundreds of
 * questions is evaluated once; and one evaluation must give both the sampled token and its log-probability under the
 * untruncated distribution. The public interface has none of the three. The dependency is pinned to an exact version
 * and {@link openNative} checks the shape of everything used here.
 */
export interface NativeSampler {
  applyConfig(config: { temperature?: number; topK?: number; seed?: number }): void;
  dispose(): void;
}

export interface NativeLora {
  dispose(): Promise<void>;
}

/** [ids to look up, max, min, the sampled one, how many of the best]. */
type LogitFilter = readonly [readonly number[], boolean, boolean, boolean, number];
type SampleResult = [
  token: number,
  probabilities: undefined,
  confidence: number | undefined,
  logits: number[] | undefined,
  weight: number | undefined,
];

interface AddonContext {
  initBatch(size: number): void;
  addToBatch(sequence: number, firstPosition: number, tokens: Uint32Array, logitIndexes: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(logitIndex: number, sampler: NativeSampler): Promise<number>;
  sampleToken(
    logitIndex: number,
    sampler: NativeSampler,
    probabilities: boolean,
    confidence: boolean,
    logits: LogitFilter,
    weight: boolean,
  ): Promise<SampleResult>;
  disposeSequence(sequence: number): void;
  removeTokenCellsFromSequence(sequence: number, from: number, to: number): boolean;
  copySequenceStateFromOtherSequence(target: number, source: number): Promise<number>;
  setLoras(loras: NativeLora[], scales: number[]): void;
}

interface AddonModel {
  loadLora(lora: NativeLora): Promise<void>;
}

interface Bindings {
  AddonSampler: new (model: AddonModel) => NativeSampler;
  AddonModelLora: new (model: AddonModel, path: string) => NativeLora;
}

export interface Candidate {
  readonly token: number;
  readonly logit: number;
}

/** One llama.cpp context: a set of sequences that are evaluated together, with one adapter or none. */
export class NativeContext {
  private readonly context: LlamaContext;
  private readonly addon: AddonContext;
  constructor(context: LlamaContext) {
    this.context = context;
    this.addon = (context as unknown as { _ctx: AddonContext })._ctx;
  }

  /**
   * Evaluate spans of tokens, given in ascending order of their sequence.
   * @returns for each span the logit indexes of the positions asked for, valid until the next call.
   */
  async evaluate(
    spans: readonly { sequence: number; position: number; tokens: Uint32Array; logits: Uint32Array }[],
  ): Promise<Uint32Array[]> {
    let size = 0;
    for (const span of spans) size += span.tokens.length;
    this.addon.initBatch(size);
    const indexes = spans.map((span) => this.addon.addToBatch(span.sequence, span.position, span.tokens, span.logits));
    await this.addon.decodeBatch();
    return indexes;
  }

  /** The `count` best tokens with their raw logits, best first; the sampler must have been made with `ranking`. */
  async best(logitIndex: number, sampler: NativeSampler, count: number): Promise<Candidate[]> {
    const [, , , logits] = await this.addon.sampleToken(
      logitIndex,
      sampler,
      false,
      false,
      [[], false, false, false, count],
      false,
    );
    return pairs(logits);
  }

  sample(logitIndex: number, sampler: NativeSampler): Promise<number> {
    return this.addon.sampleToken(logitIndex, sampler);
  }

  /**
   * Natural-log probabilities of `token` and of the `top` best ones under the whole distribution.
   * The sampler must be greedy: the token it picks is the maximum, from which the sum of weights is normalised.
   */
  async logprobs(
    logitIndex: number,
    sampler: NativeSampler,
    token: number,
    top: number,
  ): Promise<{ token: number; top: Candidate[] }> {
    const [, , , logits, weight] = await this.addon.sampleToken(
      logitIndex,
      sampler,
      false,
      false,
      [[token], false, false, true, top],
      true,
    );
    const found = pairs(logits);
    const max = found.reduce((a, b) => Math.max(a, b.logit), -Infinity);
    const normaliser = max + Math.log(weight ?? 1);
    const target = found.find((candidate) => candidate.token === token);
    // The best ones are written first and in order; the looked-up ones follow.
    return {
      token: (target?.logit ?? -Infinity) - normaliser,
      top: found.slice(0, top).map(({ token: id, logit }) => ({ token: id, logit: logit - normaliser })),
    };
  }

  clear(sequence: number): void {
    this.addon.disposeSequence(sequence);
  }

  /** Drop everything from `position` on. False when the architecture cannot (recurrent state): then clear. */
  truncate(sequence: number, position: number): boolean {
    return this.addon.removeTokenCellsFromSequence(sequence, position, -1);
  }

  async copy(from: number, to: number): Promise<void> {
    await this.addon.copySequenceStateFromOtherSequence(to, from);
  }

  useAdapter(lora: NativeLora): void {
    this.addon.setLoras([lora], [1]);
  }

  dispose(): Promise<void> {
    return this.context.dispose();
  }
}

function pairs(flat: readonly number[] | undefined): Candidate[] {
  const found: Candidate[] = [];
  if (flat !== undefined)
    for (let i = 1; i < flat.length; i += 2) found.push({ token: flat[i - 1] ?? -1, logit: flat[i] ?? -Infinity });
  return found;
}

export interface NativeEngine {
  /** `ranking: k` keeps the k best in order; `greedy` picks the best; `free` draws from softmax(logits / temperature). */
  createSampler(kind: { ranking: number } | 'greedy' | { temperature: number; seed: number }): NativeSampler;
  loadAdapter(path: string): Promise<NativeLora>;
}

const CONTEXT_METHODS = ['initBatch', 'addToBatch', 'decodeBatch', 'sampleToken', 'disposeSequence', 'removeTokenCellsFromSequence', 'copySequenceStateFromOtherSequence', 'setLoras'] as const; // prettier-ignore

/** @throws EngineError `incompatible` */
export function openNative(llama: Llama, model: LlamaModel): NativeEngine {
  const bindings = (llama as unknown as { _bindings?: Bindings })._bindings;
  const addonModel = (model as unknown as { _model?: AddonModel })._model;
  if (
    typeof bindings?.AddonSampler !== 'function' ||
    typeof bindings.AddonModelLora !== 'function' ||
    typeof addonModel?.loadLora !== 'function'
  )
    throw incompatible('the addon classes');
  return {
    createSampler(kind) {
      const sampler = new bindings.AddonSampler(addonModel);
      if (kind === 'greedy') sampler.applyConfig({ temperature: 0 });
      else if ('ranking' in kind) sampler.applyConfig({ temperature: 1, topK: kind.ranking, seed: 0 });
      else sampler.applyConfig(kind);
      return sampler;
    },
    async loadAdapter(path) {
      const lora = new bindings.AddonModelLora(addonModel, path);
      await addonModel.loadLora(lora);
      return lora;
    },
  };
}

/** @throws EngineError `incompatible` */
export function checkContext(context: LlamaContext): void {
  const addon = (context as unknown as { _ctx?: Record<string, unknown> })._ctx;
  for (const method of CONTEXT_METHODS) if (typeof addon?.[method] !== 'function') throw incompatible(method);
}

function incompatible(what: string): EngineError {
  return new EngineError(
    'incompatible',
    `This node-llama-cpp lacks ${what}, which the embedded server drives: install the version named in AutoAct's package.json.`,
  );
}
