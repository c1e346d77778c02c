import type { ChatHistoryItem, ChatWrapper } from 'node-llama-cpp';
import type { ModelHost } from '../inference/modelHost.ts';
import { requireModel, runChoice, usage, type ChoiceToken } from './choices.ts';
import type { ChatBody } from './parameters.ts';
import type { Reply } from './reply.ts';

/** POST /v1/chat/completions: the model's own chat template where the file carries one, else plain labelled lines. */

type Message = ChatBody['messages'][number];

export interface ChatFormat {
  tokens(host: ModelHost, messages: readonly Message[]): number[];
  /** Stop strings that end a turn, beyond the model's own end token. */
  readonly stops: readonly string[];
}

const text = (message: Message): string =>
  typeof message.content === 'string' ? message.content : message.content.map((part) => part.text).join('');

export const plainFormat: ChatFormat = {
  stops: ['\nUser:', '\nSystem:'],
  tokens(host, messages) {
    const label = { system: 'System', developer: 'System', user: 'User', assistant: 'Assistant' } as const;
    const lines = messages.map((message) => `${label[message.role]}: ${text(message)}`);
    return host.tokenize(`${lines.join('\n')}\nAssistant:`, true);
  },
};

export function templateFormat(wrapper: ChatWrapper): ChatFormat {
  return {
    stops: [],
    tokens(host, messages) {
      const chatHistory: ChatHistoryItem[] = messages.map((message) => {
        if (message.role === 'assistant') return { type: 'model', response: [text(message)] };
        return { type: message.role === 'user' ? 'user' : 'system', text: text(message) };
      });
      chatHistory.push({ type: 'model', response: [''] });
      return host.withBeginning(
        wrapper.generateContextState({ chatHistory }).contextText.tokenize(host.model.tokenizer),
      );
    },
  };
}

export async function chat(host: ModelHost, format: ChatFormat, body: ChatBody, reply: Reply): Promise<void> {
  requireModel(host, body.model);
  const prompt = format.tokens(host, body.messages);
  const n = body.n ?? 1;
  const head = { id: `chatcmpl-${reply.id}`, created: Math.floor(Date.now() / 1000), model: body.model };
  const chunk = (
    index: number,
    delta: Record<string, unknown>,
    finish: string | null,
    logprobs: unknown = null,
  ): void => {
    reply.event({
      ...head,
      object: 'chat.completion.chunk',
      choices: [{ index, delta, finish_reason: finish, logprobs }],
    });
  };
  const logprobs = body.logprobs === true ? (body.top_logprobs ?? 0) : undefined;
  const scored = (tokens: readonly ChoiceToken[]): unknown =>
    logprobs === undefined ? null : { content: tokens.map((token) => line(host, token)) };
  const stream = body.stream ?? false;
  const stop = [...(typeof body.stop === 'string' ? [body.stop] : (body.stop ?? [])), ...format.stops];
  const choices = await Promise.all(
    Array.from({ length: n }, async (_, index) => {
      if (stream) chunk(index, { role: 'assistant', content: '' }, null);
      const choice = await runChoice(host, {
        model: body.model,
        prompt,
        choice: index,
        maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
        logprobs,
        scorePrompt: false,
        body: { ...body, stop },
        signal: reply.signal,
        ...(stream && {
          onText: (piece: string, tokens: readonly ChoiceToken[]) =>
            chunk(index, { content: piece }, null, scored(tokens)),
        }),
      });
      if (stream) chunk(index, {}, choice.finish);
      return choice;
    }),
  );
  if (stream) {
    if (body.stream_options?.include_usage === true)
      reply.event({ ...head, object: 'chat.completion.chunk', choices: [], usage: usage(choices, n) });
    reply.done();
    return;
  }
  reply.json({
    ...head,
    object: 'chat.completion',
    choices: choices.map((choice, index) => ({
      index,
      message: { role: 'assistant', content: choice.text, refusal: null },
      finish_reason: choice.finish,
      logprobs: scored(choice.tokens),
    })),
    usage: usage(choices, n),
  });
}

function line(host: ModelHost, { text: token, logprob }: ChoiceToken): Record<string, unknown> {
  const bytes = (piece: string): number[] => [...Buffer.from(piece)];
  return {
    token,
    logprob: logprob?.logprob ?? null,
    bytes: bytes(token),
    top_logprobs: (logprob?.top ?? []).map((one) => {
      const piece = host.text.visible(one.token);
      return { token: piece, logprob: one.logit, bytes: bytes(piece) };
    }),
  };
}
