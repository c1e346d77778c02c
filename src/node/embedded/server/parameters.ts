import * as z from 'zod';
import { ApiError } from './apiError.ts';

/** Request bodies: OpenAI's fields, and vLLM's extensions (top_k, add_special_tokens, ignore_eos). Unknown ones pass. */

const tokenIds = z.array(z.number().int().nonnegative()).min(1);

const sampling = {
  model: z.string().min(1),
  n: z.number().int().min(1).max(128).nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  /** -1 and 0 switch it off, as in vLLM and llama.cpp. */
  top_k: z.number().int().min(-1).nullish(),
  seed: z.number().int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(64)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  ignore_eos: z.boolean().nullish(),
  add_special_tokens: z.boolean().nullish(),
};

const completion = z.object({
  ...sampling,
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(256), tokenIds, z.array(tokenIds).min(1).max(256)]),
  max_tokens: z.number().int().min(0).nullish(),
  logprobs: z.number().int().min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
});
export type CompletionBody = z.infer<typeof completion>;

const content = z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]);
const chat = z.object({
  ...sampling,
  messages: z.array(z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content })).min(1),
  max_tokens: z.number().int().min(1).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
});
export type ChatBody = z.infer<typeof chat>;

const loadAdapter = z.object({ lora_name: z.string().min(1), lora_path: z.string().min(1) });
/** vLLM's. */
const tokenize = z.object({ prompt: z.string(), add_special_tokens: z.boolean().nullish() });
const unloadAdapter = z.object({ lora_name: z.string().min(1) });

function parser<T>(schema: z.ZodType<T>): (body: unknown) => T {
  return (body) => {
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    const param = issue?.path.join('.') ?? '';
    throw new ApiError(
      400,
      `Invalid request${param === '' ? '' : `, '${param}'`}: ${issue?.message ?? 'unknown problem'}`,
      param === '' ? {} : { param },
    );
  };
}

/** @throws ApiError 400, naming the first field that is wrong */
export const parseCompletion = parser(completion);
export const parseChat = parser(chat);
export const parseTokenize = parser(tokenize);
export const parseLoadAdapter = parser(loadAdapter);
export const parseUnloadAdapter = parser(unloadAdapter);
