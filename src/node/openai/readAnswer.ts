import type { CompletionAnswer } from '../../core/run/request.ts';

/** The body of a response is not what it has to be; the message says how, without the body's own text. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody';
}

/** Reads a response as JSON in strict UTF-8. @throws UnreadableBody; what the connection throws */
export async function readJson(response: Response): Promise<unknown> {
  const bytes = await response.bytes();
  if (bytes.length === 0) throw new UnreadableBody('its body is empty');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableBody('its body is not UTF-8');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UnreadableBody(/^\s*</.test(text) ? 'its body is a web page' : 'its body is not JSON, or was cut off');
  }
}

/** Takes the completion out of what a server sent, as hostile input. @throws UnreadableBody */
export function readAnswer(response: unknown, api: 'completions' | 'chat'): CompletionAnswer {
  const choices = isRecord(response) ? response['choices'] : undefined;
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  if (!isRecord(response) || !isRecord(choice)) throw new UnreadableBody('there is no completion in it');
  const message = choice['message'];
  const text = api === 'completions' ? choice['text'] : isRecord(message) ? message['content'] : undefined;
  if (typeof text !== 'string') {
    // Models that think first may have used up all their tokens for it.
    const cut = choice['finish_reason'] === 'length' ? ', since the token limit was reached before it began' : '';
    throw new UnreadableBody(`there is no completion in it${cut}`);
  }
  const usage = isRecord(response['usage']) ? response['usage'] : {};
  const details = isRecord(usage['prompt_tokens_details']) ? usage['prompt_tokens_details'] : {};
  const cached = details['cached_tokens'];
  return {
    kind: 'completion',
    text,
    finish: choice['finish_reason'] === 'length' ? 'length' : 'stop',
    usage: {
      promptTokens: count(usage['prompt_tokens']),
      completionTokens: count(usage['completion_tokens']),
      ...(typeof cached === 'number' && Number.isFinite(cached) ? { cachedTokens: cached } : {}),
    },
  };
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
