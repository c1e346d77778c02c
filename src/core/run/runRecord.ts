import * as z from 'zod';
import { Capabilities } from './capabilities.ts';

/** `run.json`: everything needed to repeat a run. Holds no key and no gold answer. */
export const RunRecord = z.object({
  version: z.literal(1),
  id: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  parent: z.string().optional(),
  taskFile: z.string(),
  task: z.unknown(),
  /** Resolved settings. */
  settings: z.unknown(),
  prompts: z.record(
    z.string(),
    z.object({ version: z.number(), sha256: z.string(), text: z.string(), inputs: z.array(z.string()) }),
  ),
  toolLibrarySha256: z.string(),
  /** Each tool that could be used and who provides it; no key. */
  tools: z.array(z.object({ name: z.string(), provider: z.string() })).optional(),
  /** Documents that the tools read, and evaluation questions without their answers, by hash. */
  documents: z.object({ count: z.number(), sha256: z.string() }),
  questions: z.object({ count: z.number(), sha256: z.string() }),
  versions: z.record(z.string(), z.string()),
  /** What each server showed that it can do, when the run first asked it. */
  capabilities: z.record(z.string(), Capabilities).optional(),
  /** Model identity by role: server, model name, and for a local file its SHA-256. */
  models: z.record(z.string(), z.object({ server: z.string(), model: z.string(), sha256: z.string().optional() })),
});
export type RunRecord = z.infer<typeof RunRecord>;
