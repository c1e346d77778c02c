import type { TokenLogprob } from '../inference/generation.ts';
import type { ModelHost } from '../inference/modelHost.ts';
import { requireModel, runChoice, usage, type Choice, type ChoiceToken } from './choices.ts';
import type { CompletionBody } from './parameters.ts';
import type { Reply } from './reply.ts';

/** POST /v1/completions. */
const DEFAULT_MAX_TOKENS = 16;

interface LegacyLogprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[];
  text_offset: number[];
}

export async function complete(host: ModelHost, body: CompletionBody, reply: Reply): Promise<void> {
  requireModel(host, body.model);
  const prompts = promptTokens(host, body);
  const perPrompt = body.n ?? 1;
  const id = `cmpl-${reply.id}`;
  const head = { id, object: 'text_completion', created: Math.floor(Date.now() / 1000), model: body.model };
  const logprobs = body.logprobs ?? undefined;
  const echo = body.echo ?? false;
  const stream = body.stream ?? false;
  const choices = await Promise.all(
    Array.from({ length: prompts.length * perPrompt }, async (_, index) => {
      const prompt = prompts[Math.floor(index / perPrompt)] ?? [];
      const lines = new LogprobLines(host);
      let echoed = !echo;
      const choice = await runChoice(host, {
        model: body.model,
        prompt,
        choice: index % perPrompt,
        maxTokens: body.max_tokens ?? DEFAULT_MAX_TOKENS,
        logprobs,
        scorePrompt: echo && logprobs !== undefined,
        body,
        signal: reply.signal,
        ...(stream && {
          onText(text: string, tokens: readonly ChoiceToken[]) {
            // Log-probabilities of an echoed prompt are known at the end of its evaluation only: see below.
            const prefix = echoed ? '' : promptText(host, prompt);
            echoed = true;
            reply.event({
              ...head,
              choices: [
                {
                  index,
                  text: prefix + text,
                  finish_reason: null,
                  logprobs: logprobs === undefined ? null : lines.add(tokens),
                },
              ],
            });
          },
        }),
      });
      if (stream) {
        const prefix = echoed ? '' : promptText(host, prompt);
        const scored =
          echo && logprobs !== undefined ? new LogprobLines(host).prompt(prompt, choice.promptLogprobs).lines : null;
        reply.event({ ...head, choices: [{ index, text: prefix, finish_reason: choice.finish, logprobs: scored }] });
      }
      return choice;
    }),
  );
  if (stream) {
    if (body.stream_options?.include_usage === true)
      reply.event({ ...head, choices: [], usage: usage(choices, perPrompt) });
    reply.done();
    return;
  }
  reply.json({
    ...head,
    choices: choices.map((choice, index) => ({
      index,
      text: (echo ? promptText(host, choice.promptTokens) : '') + choice.text,
      finish_reason: choice.finish,
      logprobs: logprobs === undefined ? null : allLogprobs(host, choice, echo),
    })),
    usage: usage(choices, perPrompt),
  });
}

function promptTokens(host: ModelHost, { prompt, add_special_tokens: special }: CompletionBody): (readonly number[])[] {
  const text = (one: string): readonly number[] => {
    const tokens = host.tokenize(one, special ?? true);
    // An empty prompt still needs a position to predict from.
    return tokens.length > 0 ? tokens : [host.model.tokens.bos ?? host.model.tokens.eos ?? 0];
  };
  if (typeof prompt === 'string') return [text(prompt)];
  if (typeof prompt[0] === 'number') return [prompt as number[]];
  return (prompt as (string | number[])[]).map((one) => (typeof one === 'string' ? text(one) : one));
}

function promptText(host: ModelHost, tokens: readonly number[]): string {
  return host.model.detokenize(tokens as never, false);
}

function allLogprobs(host: ModelHost, choice: Choice, echo: boolean): LegacyLogprobs {
  const lines = new LogprobLines(host);
  if (echo) lines.prompt(choice.promptTokens, choice.promptLogprobs);
  lines.add(choice.tokens);
  return lines.lines;
}

/** The four parallel arrays of the completions API; offsets are characters of the returned text. */
class LogprobLines {
  readonly lines: LegacyLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  private readonly host: ModelHost;
  private offset = 0;
  constructor(host: ModelHost) {
    this.host = host;
  }

  prompt(tokens: readonly number[], scored: readonly TokenLogprob[]): this {
    for (const [i, token] of tokens.entries())
      this.push(token, this.host.text.visible(token), i === 0 ? undefined : scored[i - 1]);
    return this;
  }

  /** @returns only the new lines. */
  add(tokens: readonly ChoiceToken[]): LegacyLogprobs {
    const from = this.lines.tokens.length;
    for (const { text, logprob } of tokens) this.push(logprob?.token, text, logprob);
    const { lines } = this;
    return {
      tokens: lines.tokens.slice(from),
      token_logprobs: lines.token_logprobs.slice(from),
      top_logprobs: lines.top_logprobs.slice(from),
      text_offset: lines.text_offset.slice(from),
    };
  }

  private push(token: number | undefined, text: string, scored: TokenLogprob | undefined): void {
    this.lines.tokens.push(text);
    this.lines.token_logprobs.push(scored?.logprob ?? null);
    this.lines.top_logprobs.push(
      scored === undefined
        ? null
        : Object.fromEntries(scored.top.map((one) => [this.host.text.visible(one.token), one.logit])),
    );
    this.lines.text_offset.push(this.offset);
    this.offset += token === undefined ? text.length : this.host.text.piece(token).length;
  }
}
