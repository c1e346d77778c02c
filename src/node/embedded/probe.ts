import { readFileSync } from 'node:fs';
import * as z from 'zod';

/**
 * The adapter probe: is the adapter that answers really the one that was trained? Several servers quietly serve the
 * bare base model when an adapter does not match (research notes 4.1), so after every load the log-probabilities that
 * the trainer recorded are compared with the server's own.
 */

const Probe = z.object({
  prompt: z.string(),
  completion: z.string(),
  /** Nats, summed over the completion's tokens, with the adapter. */
  logprob: z.number(),
  /** The same without it. */
  baseLogprob: z.number().optional(),
  /** Tokens of the completion in training. */
  tokens: z.number().int().positive().optional(),
});
export type Probe = z.infer<typeof Probe>;

const ProbesFile = z.object({ probes: z.array(Probe) });

export class ProbeError extends Error {
  readonly reason: 'bad-file' | 'no-probes' | 'server';
  constructor(reason: 'bad-file' | 'no-probes' | 'server', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProbeError';
    this.reason = reason;
  }
  static is(error: unknown, reason?: ProbeError['reason']): error is ProbeError {
    return error instanceof ProbeError && (reason === undefined || error.reason === reason);
  }
}

/** @throws ProbeError `bad-file` */
export function readProbes(path: string): readonly Probe[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw badFile(path, error);
  }
  return parseProbes(path, text);
}

/** As `readProbes`, of a file that was read elsewhere. @throws ProbeError `bad-file` */
export function parseProbes(path: string, text: string): readonly Probe[] {
  try {
    return ProbesFile.parse(JSON.parse(text)).probes;
  } catch (error) {
    throw badFile(path, error);
  }
}

function badFile(path: string, cause: unknown): ProbeError {
  return new ProbeError(
    'bad-file',
    `Cannot read the adapter's probes from ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
}

export interface ProbeOptions {
  readonly baseURL: string;
  readonly apiKey: string;
  /** The adapter's model name. */
  readonly model: string;
  readonly baseModel: string;
  readonly probes: readonly Probe[];
  readonly signal?: AbortSignal;
}

export interface ProbeOutcome {
  /** All in nats a token. */
  readonly expected: number;
  readonly served: number;
  readonly difference: number;
  /** What the served base gives, when the trainer's two values are far enough apart to tell them. */
  readonly base: number | undefined;
  readonly tokens: number;
  readonly ok: boolean;
  readonly problem?: 'differs' | 'is-base' | 'tokens-differ';
}

export interface ProbeResult {
  readonly ok: boolean;
  /** Largest difference from the trainer's values, nats a token. */
  readonly worst: number;
  readonly perProbe: readonly ProbeOutcome[];
  readonly message: string;
}

/** Nats a token; bf16 training against f16 serving stays well below. */
export const PROBE_TOLERANCE = 0.05;

/** @throws ProbeError `no-probes` | `server` */
export async function probeAdapter(options: ProbeOptions): Promise<ProbeResult> {
  if (options.probes.length === 0)
    throw new ProbeError(
      'no-probes',
      `There are no probes for ${options.model}: train again, so that the trainer records some.`,
    );
  const perProbe = await Promise.all(options.probes.map((probe) => runProbe(options, probe)));
  const worst = Math.max(...perProbe.map((outcome) => outcome.difference));
  const failed = perProbe.find((outcome) => !outcome.ok);
  return { ok: failed === undefined, worst, perProbe, message: describe(options, failed, worst, perProbe.length) };
}

async function runProbe(options: ProbeOptions, probe: Probe): Promise<ProbeOutcome> {
  const served = await score(options, options.model, probe);
  const tokens = probe.tokens ?? served.tokens;
  const expected = probe.logprob / tokens;
  const mean = served.logprob / served.tokens;
  const difference = Math.abs(mean - expected);
  const outcome = { expected, served: mean, difference, tokens: served.tokens };
  if (served.tokens !== tokens) return { ...outcome, base: undefined, ok: false, problem: 'tokens-differ' };
  if (difference > PROBE_TOLERANCE) return { ...outcome, base: undefined, ok: false, problem: 'differs' };
  const recordedGap = probe.baseLogprob === undefined ? 0 : Math.abs(probe.logprob - probe.baseLogprob) / tokens;
  if (recordedGap <= 2 * PROBE_TOLERANCE) return { ...outcome, base: undefined, ok: true };
  const base = await score(options, options.baseModel, probe);
  const baseMean = base.logprob / base.tokens;
  // The adapter must move the server at least half as far from its own base as it moved the trainer.
  const ok = Math.abs(mean - baseMean) >= recordedGap / 2;
  return ok ? { ...outcome, base: baseMean, ok } : { ...outcome, base: baseMean, ok, problem: 'is-base' };
}

const Scored = z.object({
  choices: z
    .array(
      z.object({
        logprobs: z.object({ token_logprobs: z.array(z.number().nullable()), text_offset: z.array(z.number()) }),
      }),
    )
    .min(1),
});
const Tokenized = z.object({ tokens: z.array(z.number().int()) });

/** Teacher-forced log-probability of the completion, summed over its tokens. */
async function score(
  options: ProbeOptions,
  model: string,
  { prompt, completion }: Probe,
): Promise<{ logprob: number; tokens: number }> {
  // Training cuts prompt and completion into tokens separately; where the server can do the same, boundaries agree.
  const head = await tokenize(options, model, prompt, true);
  const tail = head === undefined ? undefined : await tokenize(options, model, completion, false);
  const ids = head !== undefined && tail !== undefined ? [...head, ...tail] : undefined;
  const body = await post(options, `${options.baseURL}/completions`, {
    model,
    prompt: ids ?? prompt + completion,
    max_tokens: 0,
    echo: true,
    logprobs: 0,
    temperature: 0,
  });
  const parsed = Scored.safeParse(body.value);
  if (!body.ok || !parsed.success)
    throw new ProbeError(
      'server',
      `The server could not score the probe of ${model} (status ${String(body.status)}): ${JSON.stringify(body.value).slice(0, 300)}`,
    );
  const logprobs = parsed.data.choices[0]?.logprobs;
  const first =
    ids === undefined || head === undefined
      ? (logprobs?.text_offset.findIndex((offset) => offset >= prompt.length) ?? 0)
      : head.length;
  const values = (logprobs?.token_logprobs ?? []).slice(first).filter((value) => value !== null);
  if (first < 0 || values.length === 0)
    throw new ProbeError('server', `The server scored no token of the probe's completion for ${model}.`);
  return { logprob: values.reduce((sum, value) => sum + value, 0), tokens: values.length };
}

/** vLLM and the embedded server have this; undefined where it is missing. */
async function tokenize(
  options: ProbeOptions,
  model: string,
  prompt: string,
  special: boolean,
): Promise<number[] | undefined> {
  const { ok, value } = await post(options, `${options.baseURL.replace(/\/v1\/?$/, '')}/tokenize`, {
    model,
    prompt,
    add_special_tokens: special,
  });
  return ok ? Tokenized.safeParse(value).data?.tokens : undefined;
}

async function post(
  { apiKey, model, signal }: ProbeOptions,
  url: string,
  body: unknown,
): Promise<{ ok: boolean; status: number; value: unknown }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    });
    return { ok: response.ok, status: response.status, value: await response.json().catch(() => undefined) };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ProbeError(
      'server',
      `The server did not answer the probe of ${model}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function describe(
  { model, baseModel }: ProbeOptions,
  failed: ProbeOutcome | undefined,
  worst: number,
  count: number,
): string {
  if (failed === undefined)
    return `${model} answers as trained: ${String(count)} probes within ${worst.toFixed(4)} nats a token of the trainer's values.`;
  const values = `trainer ${failed.expected.toFixed(3)}, server ${failed.served.toFixed(3)} nats a token`;
  switch (failed.problem) {
    case 'tokens-differ':
      return `${model} is not verified: the server cuts the probe into other tokens than the trainer did (${String(failed.tokens)} completion tokens). The tokenizers of base model and server differ.`;
    case 'is-base':
      return `${model} answers like ${baseModel} (${values}, base ${(failed.base ?? 0).toFixed(3)}): the adapter is not applied. Check that it was trained for this base.`;
    default:
      return `${model} does not answer as trained (${values}): the adapter, its base or its conversion differ from training. Do not use its results.`;
  }
}
