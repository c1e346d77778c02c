import * as z from 'zod';
import { EditorModel, EditorReply, EditorRequest } from '../run/editorModels.ts';

/**
 * What a box says of itself and of its jobs (box/jobs.py prints it). It comes from another machine: everything is
 * bounded, and texts are made safe where they are shown.
 */
const text = z.string().transform((value) => value.slice(0, 1000));
const amount = z.number().nonnegative();
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined);

/** What this machine is called among the boxes. */
export const localBox = 'local';

export const JobId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);

export const JobSummary = z.object({
  id: JobId,
  kind: z.enum(['train', 'serve']),
  /** `vanished`: no exit file, and nobody works on it: killed, or the machine was restarted. */
  state: z.enum(['waiting', 'running', 'finished', 'failed', 'cancelled', 'vanished', 'unreadable']),
  /** By the box's clock, in seconds. */
  made: amount,
  rc: maybe(z.number()),
  error: maybe(text),
  server: maybe(text),
  /** Of a job on this machine: the run that it belongs to. */
  run: maybe(text),
  /** Of a job that was stopped: whether its GPU is free, as box/processes.py words it. */
  gpu: maybe(text),
  /** In a cluster's queue; `place` 1 is next. */
  queue: maybe(z.object({ state: text, reason: text, place: amount.nullable() })),
  adapters: z.record(
    z.string().max(128),
    z.object({
      step: maybe(amount),
      steps: maybe(amount),
      loss: maybe(z.number()),
      heldOut: maybe(z.number()),
      secondsLeft: maybe(amount),
    }),
  ),
});
export type JobSummary = z.infer<typeof JobSummary>;

/** What is known of the GPU behind a job that was stopped. `held` needs somebody to look at the machine. */
export interface GpuAfter {
  readonly state: 'free' | 'held' | 'unknown';
  readonly message: string;
}

/** `text`: `free`, `held PID…` or `unknown REASON`; undefined where nothing was written down. */
export function readGpuAfter(text: string | null | undefined): GpuAfter {
  const [word = '', ...rest] = (text ?? '').trim().split(' ');
  if (word === 'free') return { state: 'free', message: 'The GPU holds nothing of it any more.' };
  if (word === 'held')
    return {
      state: 'held',
      message: `The GPU still lists its ended processes (${rest.join(', ')}): the driver has not let go of their memory. Look at nvidia-smi on the box; a restart of the machine frees it.`,
    };
  const why = word === 'unknown' && rest.length > 0 ? rest.join(' ') : 'its supervisor has not said so';
  return { state: 'unknown', message: `Whether the GPU is free could not be checked: ${why}.` };
}

export const BoxStatus = z.object({
  now: z.number(),
  gpus: z
    .array(
      z.object({
        index: maybe(amount),
        name: text,
        /** MiB. */
        memoryTotal: maybe(amount),
        memoryUsed: maybe(amount),
        /** Percent. */
        busy: maybe(amount),
      }),
    )
    .max(256),
  /** Bytes. */
  disk: z.object({ free: amount, total: amount }),
  jobs: z.array(JobSummary).max(1000),
});
export type BoxStatus = z.infer<typeof BoxStatus>;

/** `autoact jobs list --json`: a line for each box; `problem` instead of a status when it does not answer. */
export const BoxEvent = z.object({
  type: z.literal('box'),
  box: z.string(),
  host: z.string(),
  status: BoxStatus.optional(),
  problem: z.string().optional(),
});
export type BoxEvent = z.infer<typeof BoxEvent>;

/** `autoact serve --box --json`, once the server answers. */
export const ServingEvent = z.object({
  type: z.literal('serving'),
  box: z.string(),
  job: z.string(),
  server: z.string(),
  baseURL: z.string(),
  apiKey: z.string(),
  baseModel: z.string(),
  adapters: z.array(
    z.object({
      name: z.string(),
      model: z.string(),
      verdict: z.object({ ok: z.boolean().optional(), message: z.string() }),
    }),
  ),
});
export type ServingEvent = z.infer<typeof ServingEvent>;

/** What the command line asks of the editor that started it, over its standard output and input. */
export const Ask = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('secret'),
    request: z.object({
      kind: z.enum(['passphrase', 'password', 'keyboard-interactive']),
      host: z.string(),
      user: z.string(),
      prompt: z.string(),
      file: z.string().optional(),
      echo: z.boolean(),
      attempt: z.number(),
    }),
  }),
  z.object({
    kind: z.literal('host-key'),
    question: z.object({
      host: z.string(),
      name: z.string(),
      address: z.string(),
      port: z.number(),
      keyType: z.string(),
      fingerprint: z.string(),
    }),
  }),
  z.object({ kind: z.literal('get-secret'), name: z.string() }),
  z.object({ kind: z.literal('set-secret'), name: z.string(), secret: z.string() }),
  z.object({ kind: z.literal('delete-secret'), name: z.string() }),
  z.object({ kind: z.literal('models') }),
  z.object({ kind: z.literal('complete'), request: EditorRequest }),
]);
export type Ask = z.infer<typeof Ask>;

export const AskEvent = z.object({ type: z.literal('ask'), id: z.number().int().positive(), ask: Ask });
/** The process no longer waits for an answer to that question. */
export const WithdrawnEvent = z.object({ type: z.literal('withdrawn'), id: z.number().int().positive() });
/** undefined: nobody answers that question. */
export const AskAnswer = z.object({
  id: z.number().int().positive(),
  answer: z.union([z.string(), z.boolean(), z.array(EditorModel), EditorReply]).optional(),
});
export type AskAnswer = z.infer<typeof AskAnswer>['answer'];
/** Environment variable that tells the command line to ask the process that started it. */
export const askVariable = 'AUTOACT_ASK';
