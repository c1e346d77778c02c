import type { TokenLogprob } from '../inference/generation.ts';
import type { ModelHost } from '../inference/modelHost.ts';
import { StopText } from '../inference/stopText.ts';
import { ApiError } from './apiError.ts';
import type { ChatBody, CompletionBody } from './parameters.ts';

/** What completions and chat have in common: run choices, cut at stop strings, count tokens. */

export interface ChoiceToken {
  readonly text: string;
  readonly logprob: TokenLogprob | undefined;
}

export interface Choice {
  readonly text: string;
  readonly finish: 'stop' | 'length';
  readonly tokens: readonly ChoiceToken[];
  readonly promptTokens: readonly number[];
  readonly promptLogprobs: readonly TokenLogprob[];
  readonly generated: number;
  readonly cachedTokens: number;
}

export interface ChoiceRequest {
  readonly model: string;
  readonly prompt: readonly number[];
  readonly choice: number;
  /** Undefined: as many as the context holds. */
  readonly maxTokens: number | undefined;
  readonly logprobs: number | undefined;
  readonly scorePrompt: boolean;
  readonly body: CompletionBody | ChatBody;
  readonly signal: AbortSignal;
  /** Text as it becomes certain, with the tokens that were sampled since the last call. */
  readonly onText?: (text: string, tokens: readonly ChoiceToken[]) => void;
}

/** @throws ApiError when the prompt and the tokens asked for do not fit into the context */
export async function runChoice(host: ModelHost, request: ChoiceRequest): Promise<Choice> {
  const { prompt, body } = request;
  const room = host.contextSize - prompt.length;
  const maxTokens = request.maxTokens ?? Math.max(room, 1);
  if (maxTokens > room)
    throw new ApiError(
      400,
      `This model's maximum context length is ${String(host.contextSize)} tokens, but ${String(prompt.length + maxTokens)} were requested (${String(prompt.length)} in the prompt, ${String(maxTokens)} for the completion): shorten one of them or start the server with a larger context.`,
      { code: 'context_length_exceeded', param: 'prompt' },
    );
  const stops = new StopText(typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []));
  const stream = host.text.stream();
  const tokens: ChoiceToken[] = [];
  let text = '';
  let generated = 0;
  let shown = 0;
  const state = { stopped: false };
  const show = (piece: string): void => {
    text += piece;
    if (request.onText !== undefined && (piece !== '' || shown < tokens.length))
      request.onText(piece, tokens.slice(shown));
    shown = tokens.length;
  };
  const result = await host.generate(request.model, {
    prompt,
    maxTokens,
    sampling: {
      temperature: body.temperature ?? 1,
      topP: body.top_p ?? 1,
      topK: Math.max(0, body.top_k ?? 0),
      seed: body.seed ?? Math.floor(Math.random() * 2 ** 32),
    },
    choice: request.choice,
    ignoreEnd: body.ignore_eos ?? false,
    logprobs: request.logprobs,
    scorePrompt: request.scorePrompt,
    signal: request.signal,
    onToken(token, logprob) {
      generated++;
      const piece = stream.push(token);
      tokens.push({ text: host.text.visible(token), logprob });
      const found = stops.push(piece);
      state.stopped = found.stopped;
      if (found.text !== '' || found.stopped) show(found.text);
      return found.stopped;
    },
  });
  if (!state.stopped) {
    const rest = stops.push(stream.flush());
    state.stopped = rest.stopped;
    show(rest.text + (rest.stopped ? '' : stops.flush()));
  }
  return {
    text,
    finish: state.stopped ? 'stop' : result.finish,
    tokens,
    promptTokens: prompt,
    promptLogprobs: result.promptLogprobs,
    generated,
    cachedTokens: result.cachedTokens,
  };
}

/** `prompts`: one entry for each distinct prompt, however many choices it has, as OpenAI counts it. */
export function usage(choices: readonly Choice[], choicesPerPrompt: number): Record<string, unknown> {
  const firsts = choices.filter((_, i) => i % choicesPerPrompt === 0);
  const promptTokens = firsts.reduce((sum, choice) => sum + choice.promptTokens.length, 0);
  const completionTokens = choices.reduce((sum, choice) => sum + choice.generated, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: firsts.reduce((sum, choice) => sum + choice.cachedTokens, 0) },
  };
}

/** A request for a model that is not served gets OpenAI's 404. */
export function requireModel(host: ModelHost, model: string): void {
  if (!host.has(model))
    throw new ApiError(404, `The model '${model}' does not exist; served: ${host.names.join(', ')}.`, {
      code: 'model_not_found',
      param: 'model',
    });
}
