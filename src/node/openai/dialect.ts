import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';

/** How a server wants to be asked: found by the probe, corrected by what it refuses. */
export interface Dialect {
  readonly api: 'completions' | 'chat';
  readonly topK: boolean;
  readonly seed: boolean;
  /** Some hosted models know the limit of an answer under another name. */
  readonly limit: 'max_tokens' | 'max_completion_tokens';
  /**
   * Whether a chat server goes on with an answer that has been begun: `plain` for those that take it as it is,
   * `continue` for those that want to be told so (vLLM, SGLang).
   */
  readonly prefill: 'none' | 'plain' | 'continue';
}

export interface RequestBody {
  readonly path: '/completions' | '/chat/completions';
  readonly body: Readonly<Record<string, unknown>>;
}

/** The one place where a request's body is made. */
export function requestBody(model: string, request: CompletionRequest, dialect: Dialect): RequestBody {
  const { temperature, topP, topK, seed } = request.sampling;
  const common = (stop: readonly string[]): Record<string, unknown> => ({
    stream: false,
    [dialect.limit]: request.maxTokens,
    ...(stop.length === 0 ? {} : { stop }),
    temperature,
    top_p: topP,
    ...(dialect.seed ? { seed } : {}),
    ...(dialect.topK && topK > 0 ? { top_k: topK } : {}),
  });
  if (dialect.api === 'completions')
    return { path: '/completions', body: { model, prompt: request.prompt, ...common(request.stop) } };
  const { said, begun } = splitCue(request.prompt, dialect.prefill);
  const messages = [{ role: 'user', content: said }, ...(begun === '' ? [] : [{ role: 'assistant', content: begun }])];
  return {
    path: '/chat/completions',
    body: {
      model,
      messages,
      ...(begun !== '' && dialect.prefill === 'continue'
        ? { add_generation_prompt: false, continue_final_message: true }
        : {}),
      ...common(chatStops(request.stop, begun !== '')),
    },
  };
}

/** Where an answer can be begun for the model, its last line is: "Thought:", "Action: Search[". */
function splitCue(prompt: string, prefill: Dialect['prefill']): { said: string; begun: string } {
  const at = prompt.lastIndexOf('\n') + 1;
  return prefill === 'none' || at === 0 || at === prompt.length
    ? { said: prompt, begun: '' }
    : { said: prompt.slice(0, at), begun: prompt.slice(at) };
}

/**
 * A chat model starts its answer on a line of its own, so a stop at a line's end would end it before it began; what
 * such stops would have cut off is cut off here, and no model is let go on into observations of its own.
 */
function chatStops(stop: readonly string[], begun: boolean): string[] {
  if (begun) return [...stop];
  const sent = stop.filter((s) => !s.startsWith('\n'));
  return sent.length === stop.length ? sent : [...sent, '\nObservation'];
}

/** Of text that a chat model wrote after a stop, as much is kept as a person needs to see what it was. */
const tailKept = 500;

/** Makes what a chat server wrote what a completion would have been: cue, spaces and what comes after a stop go. */
export function asCompletion(answer: CompletionAnswer, request: CompletionRequest, dialect: Dialect): CompletionAnswer {
  if (dialect.api === 'completions') return answer;
  const cue = request.prompt.slice(request.prompt.lastIndexOf('\n') + 1);
  let text = answer.text.replace(/^\s+/, '');
  if (cue !== '' && text.startsWith(cue)) text = text.slice(cue.length).replace(/^\s+/, '');
  const kept = cutAtStops(text, request.stop);
  if (kept.length === text.length) return { ...answer, text };
  return { ...answer, text: kept, finish: 'stop', discarded: text.slice(kept.length, kept.length + tailKept) };
}

export function cutAtStops(text: string, stop: readonly string[]): string {
  const ends = stop.map((s) => text.indexOf(s)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

/**
 * What to leave out or to name otherwise after a server refused a request, by the field that it complains of;
 * undefined when that is none that can be done without.
 */
export function mendedDialect(dialect: Dialect, complaint: string): Dialect | undefined {
  if (/\btop_k\b/.test(complaint) && dialect.topK) return { ...dialect, topK: false };
  if (/\bmax_completion_tokens\b/.test(complaint) && dialect.limit === 'max_tokens')
    return { ...dialect, limit: 'max_completion_tokens' };
  if (/\bseed\b/.test(complaint) && dialect.seed) return { ...dialect, seed: false };
  if (/continue_final_message|add_generation_prompt/.test(complaint) && dialect.prefill === 'continue')
    return { ...dialect, prefill: 'none' };
  return undefined;
}
