import type { Candidate } from './nativeEngine.ts';
import type { SamplingOptions } from './sampling.ts';

export interface TokenLogprob {
  readonly token: number;
  /** Natural log, untruncated distribution at temperature 1. */
  readonly logprob: number;
  readonly top: readonly Candidate[];
}

/** One sequence to be generated. */
export interface Generation {
  /** At least one token. */
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly sampling: SamplingOptions;
  /** Distinguishes the choices of one request, so that they differ under the same seed. */
  readonly choice: number;
  readonly ignoreEnd: boolean;
  /** How many alternatives to report for each token; undefined: no log-probabilities. */
  readonly logprobs: number | undefined;
  /** Also score the prompt (teacher forcing); switches prefix reuse off, since every position must be evaluated. */
  readonly scorePrompt: boolean;
  readonly signal: AbortSignal;
  /** Called for every token in order. @returns true to end the generation. */
  onToken(token: number, logprob: TokenLogprob | undefined): boolean;
}

export interface GenerationResult {
  readonly finish: 'stop' | 'length';
  readonly cachedTokens: number;
  /** One for each prompt token but the first, when `scorePrompt`. */
  readonly promptLogprobs: readonly TokenLogprob[];
}
