import * as z from 'zod';

/** Lines of events.jsonl as the trainer writes them. They come from another machine: everything is bounded. */
const adapter = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const count = z.number().int().min(0);
const text = z.string().transform((value) => value.slice(0, 4000));
/** A norm or a rate that became infinite is told as text. */
const soft = z.number().optional().catch(undefined);
const place = { t: z.number(), adapter, step: count, steps: count };

const Event = z.discriminatedUnion('type', [
  z.object({
    t: z.number(),
    type: z.literal('start'),
    adapters: z.record(
      adapter,
      z.object({
        steps: count,
        examples: count,
        heldOut: count,
        mode: z.enum(['tree', 'per-example']),
        resumedAt: count,
      }),
    ),
    device: text,
    precision: text,
    importSeconds: soft,
    prepareSeconds: soft,
  }),
  z.object({
    ...place,
    type: z.literal('step'),
    epoch: z.number(),
    loss: z.number(),
    lr: z.number(),
    gradientNorm: soft,
    tokens: soft,
    tokensPerSecond: soft,
    secondsLeft: soft,
  }),
  z.object({
    ...place,
    type: z.literal('eval'),
    epoch: z.number(),
    loss: z.number(),
    best: z.boolean(),
    exactMatch: soft,
    examples: count,
    lossByKind: z.record(z.string().max(64), z.number()).optional(),
  }),
  z.object({ ...place, type: z.literal('checkpoint') }),
  z.object({ ...place, type: z.literal('adapter-done'), selectedStep: count, bestLoss: soft }),
  z.object({ t: z.number(), type: z.literal('done'), seconds: z.number(), complete: z.boolean() }),
  z.object({ t: z.number(), type: z.literal('warning'), adapter: adapter.optional(), message: text }),
  z.object({
    t: z.number(),
    type: z.literal('measured'),
    peakBytes: z.number().nonnegative(),
    batchTokens: count,
    tokensPerSecond: z.number().nonnegative(),
    seconds: z.number().nonnegative(),
    gradientCheckpointing: z.boolean(),
  }),
  z.object({ t: z.number(), type: z.literal('progress'), message: text }),
  z.object({ t: z.number(), type: z.literal('stopped'), message: text }),
  z.object({
    t: z.number(),
    type: z.literal('error'),
    adapter: adapter.optional(),
    reason: z.string().max(64),
    message: text,
  }),
]);
export type JobEvent = z.infer<typeof Event>;

/** undefined for a line that is no event: half a line that a crash left, or a type of a later version. */
export function parseEvent(line: string): JobEvent | undefined {
  try {
    const parsed = Event.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
