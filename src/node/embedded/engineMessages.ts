import * as z from 'zod';

/** What parent and engine process say to each other: over IPC when forked, else as JSON lines on standard output. */

export const EngineConfig = z.object({
  /** File URL of node-llama-cpp's main module; undefined: resolved from the engine's own place. */
  module: z.string().optional(),
  modelPath: z.string().min(1),
  /** Names of the base model. */
  baseNames: z.array(z.string().min(1)).min(1),
  adapters: z.array(z.object({ name: z.string().min(1), path: z.string().min(1) })),
  /** Tokens of one sequence; undefined: what the model was trained for, at most 4096. */
  contextSize: z.number().int().min(16).optional(),
  /** Sequences evaluated at once for one model name. */
  parallel: z.number().int().min(1).max(256),
  threads: z.number().int().min(1).optional(),
  apiKey: z.string().min(16),
});
export type EngineConfig = z.infer<typeof EngineConfig>;

const reasons = z.enum(['not-installed', 'incompatible', 'bad-model', 'bad-adapter', 'bad-options', 'crashed']);

export const EngineMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), fraction: z.number() }),
  z.object({
    type: z.literal('ready'),
    baseURL: z.string(),
    models: z.array(z.string()),
    engine: z.object({
      name: z.string(),
      version: z.string(),
      contextSize: z.number(),
      threads: z.number(),
      lanes: z.number(),
    }),
  }),
  z.object({ type: z.literal('failed'), reason: reasons, message: z.string() }),
]);
export type EngineMessage = z.infer<typeof EngineMessage>;
export type EngineFailure = z.infer<typeof reasons>;

/** After BSD's sysexits, for those who start the engine themselves. */
export const ENGINE_EXIT: Readonly<Record<EngineFailure, number>> = {
  'bad-options': 64,
  'bad-model': 65,
  'bad-adapter': 66,
  'not-installed': 69,
  crashed: 70,
  incompatible: 71,
};
