import * as z from 'zod';

/** What a server can do, as it showed when it was asked; recorded in `run.json`. */
export const Capabilities = z.object({
  /** `unknown` for every server that does not say what it is. */
  kind: z.enum(['vllm', 'sglang', 'llama.cpp', 'ollama', 'vscode', 'unknown']),
  dialect: z.object({
    api: z.enum(['completions', 'chat']),
    topK: z.boolean(),
    seed: z.boolean(),
    limit: z.enum(['max_tokens', 'max_completion_tokens']),
    prefill: z.enum(['none', 'plain', 'continue']),
  }),
  logprobs: z.boolean(),
  /** Whether answers say how much of the prompt was found in the server's cache. */
  cachedTokens: z.boolean(),
  models: z.array(z.string()),
  /** Of these, LoRA adapters. */
  adapters: z.array(z.string()),
  /** What is said of a model beside its name, where anything is. */
  revisions: z.array(z.object({ model: z.string(), revision: z.string() })),
  capacity: z.object({
    kvTokens: z.number().optional(),
    slots: z.number().optional(),
    /** Where it was read: a page of the server, the settings, or a measurement. */
    from: z.string().optional(),
  }),
});
export type Capabilities = z.infer<typeof Capabilities>;

/** One line for people: what `autoact doctor` shows. */
export function describeCapabilities(c: Capabilities): string {
  const { dialect, capacity } = c;
  const parts = [
    c.kind === 'unknown'
      ? 'OpenAI-compatible'
      : c.kind === 'vscode'
        ? 'language models of VS Code: not reproducible'
        : c.kind,
    dialect.api === 'completions'
      ? 'completions'
      : `chat${dialect.prefill === 'none' ? ', answers cannot be begun for it' : ' with begun answers'}`,
    `seed ${yes(dialect.seed)}, top_k ${yes(dialect.topK)}, logprobs ${yes(c.logprobs)}, cached tokens ${c.cachedTokens ? 'told' : 'not told'}`,
    capacity.kvTokens !== undefined
      ? `KV cache of ${capacity.kvTokens.toLocaleString('en')} tokens (${capacity.from ?? ''})`
      : capacity.slots !== undefined
        ? `${capacity.slots} at once (${capacity.from ?? ''})`
        : 'capacity not told: found out while it is used',
  ];
  if (c.adapters.length > 0) parts.push(`adapters ${c.adapters.slice(0, 8).join(', ')}`);
  return parts.join('; ');
}

function yes(flag: boolean): string {
  return flag ? 'yes' : 'no';
}
