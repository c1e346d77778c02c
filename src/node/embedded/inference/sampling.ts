/** Sampling in the order of the paper's stack (transformers' logits processors, vLLM): temperature, top-k, top-p. */

export interface SamplingOptions {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 1 switches the filter off. */
  readonly topP: number;
  /** 0 switches the filter off. */
  readonly topK: number;
  readonly seed: number;
}

/** How far down the ranking top-p looks when top-k is off: a nucleus of more tokens than this is cut here. */
const WIDEST_NUCLEUS = 1024;

/** How many of the best tokens are needed, or 'all' when nothing truncates and the native sampler can draw alone. */
export function rankingNeeded(options: SamplingOptions): number | 'all' {
  if (options.temperature <= 0) return 1;
  if (options.topK > 0) return Math.min(options.topK, WIDEST_NUCLEUS);
  return options.topP >= 1 ? 'all' : WIDEST_NUCLEUS;
}

/**
 * Draw one token.
 * @param candidates the best tokens with raw logits, best first; at least one.
 * @param draw uniform in [0, 1).
 */
export function sampleCandidate(
  candidates: readonly { readonly token: number; readonly logit: number }[],
  options: SamplingOptions,
  draw: number,
): number {
  const best = candidates[0];
  if (best === undefined) throw new RangeError('no candidates to sample from');
  if (options.temperature <= 0 || candidates.length === 1) return best.token;
  const weights: number[] = [];
  let total = 0;
  for (const { logit } of candidates) {
    const weight = Math.exp((logit - best.logit) / options.temperature);
    weights.push(weight);
    total += weight;
  }
  let kept = total;
  let count = weights.length;
  if (options.topP < 1) {
    // The smallest set whose probability reaches topP; the token that crosses the line belongs to it.
    kept = 0;
    count = 0;
    while (count < weights.length && (count === 0 || kept < options.topP * total)) kept += weights[count++] ?? 0;
  }
  let left = draw * kept;
  for (let i = 0; i < count; i++) {
    left -= weights[i] ?? 0;
    if (left < 0) return candidates[i]?.token ?? best.token;
  }
  return candidates[count - 1]?.token ?? best.token;
}

/** Uniform numbers in [0, 1) from a seed and a choice index (splitmix-mixed mulberry32); the same on every machine. */
export function seededDraws(seed: number, choice: number): () => number {
  let state = mix(mix(seed >>> 0) ^ mix(Math.floor(seed / 4294967296) >>> 0) ^ Math.imul(choice + 1, 0x9e3779b1));
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mix(state) / 4294967296;
  };
}

function mix(value: number): number {
  let t = value;
  t = Math.imul(t ^ (t >>> 16), 0x85ebca6b);
  t = Math.imul(t ^ (t >>> 13), 0xc2b2ae35);
  return (t ^ (t >>> 16)) >>> 0;
}
