import * as z from 'zod';

/** What box/preflight.py prints. It comes from another machine: everything is bounded, and anything may be missing. */
const text = z.string().transform((value) => value.slice(0, 400));
const amount = z.number().nonnegative();
/** A question that could not be answered is told as `{error}`. */
const answered = <T extends z.ZodType>(schema: T): z.ZodCatch<z.ZodNullable<T>> =>
  schema.nullable().catch(null as z.output<z.ZodNullable<T>>);

const Place = z.object({
  path: text,
  exists: z.boolean(),
  free: amount,
  freeFiles: amount,
  writable: z.boolean(),
  runs: z.boolean().nullable(),
});
const Python = z.object({ path: text, versions: z.record(z.string().max(64), text.nullable()).nullable() });
const Gpu = z.object({
  index: z.number().nullable(),
  name: text,
  /** MiB. */
  memoryTotal: amount.nullable(),
  memoryFree: amount.nullable(),
  processes: amount,
});

export const PreflightReport = z.object({
  /** The box's clock, in seconds. */
  now: z.number(),
  system: z.object({ platform: text, machine: text, host: text, cores: answered(amount), memory: answered(amount) }),
  pythons: answered(z.array(Python).max(64)),
  gpu: answered(
    z.object({ tool: z.boolean(), driver: text.nullable(), cuda: text.nullable(), gpus: z.array(Gpu).max(256) }),
  ),
  folder: answered(Place),
  temporary: answered(Place),
  /** The base model that lies on the box, where one was named. */
  base: answered(z.object({ path: text, missing: z.array(text).max(64), bytes: amount })).optional(),
  /** KiB. */
  quota: answered(z.object({ filesystem: text, used: amount, limit: amount })),
  session: answered(
    z.object({ systemd: z.boolean(), linger: z.boolean().nullable(), killUserProcesses: z.boolean().nullable() }),
  ),
  egress: answered(z.array(z.object({ url: text, ms: amount, error: text.nullable() })).max(16)),
  slurm: answered(text),
});
export type PreflightReport = z.infer<typeof PreflightReport>;
export type PythonFound = z.infer<typeof Python>;
