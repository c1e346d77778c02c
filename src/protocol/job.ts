import * as z from 'zod';
import { JobView } from '../core/box/jobView.ts';
import { ResponseEnvelope } from './surface.ts';
import type { RequestShape } from './surface.ts';

/** What the panel of a job and the host say to each other. */

const ServedAdapter = z.object({
  name: z.string(),
  model: z.string(),
  /** What its probe said; absent: nothing to compare it with. */
  ok: z.boolean().optional(),
  message: z.string(),
});

export const JobSnapshot = z.object({
  box: z.string(),
  host: z.string(),
  job: z.string(),
  kind: z.enum(['train', 'serve']),
  /** This machine, whose adapters lie in the run's folder already. */
  local: z.boolean(),
  view: JobView.optional(),
  /** It is being watched: false when what watches it has ended before the job. */
  watched: z.boolean(),
  problem: z.string().optional(),
  /** What the panel has asked for and what is under way. */
  busy: z.string().optional(),
  /** Servers of this window for this job. */
  served: z.array(z.object({ address: z.string(), adapters: z.array(ServedAdapter) })),
  trusted: z.boolean(),
});
export type JobSnapshot = z.infer<typeof JobSnapshot>;

const nothing = z.null();

export const jobRequests = {
  cancel: { params: nothing, result: nothing },
  resume: { params: nothing, result: nothing },
  download: { params: nothing, result: nothing },
  serve: { params: nothing, result: nothing },
  /** The next run of the task asks what is served. */
  use: { params: nothing, result: nothing },
  openLog: { params: nothing, result: nothing },
  /** Watches it again. */
  watch: { params: nothing, result: nothing },
} as const satisfies Record<string, RequestShape>;

export type JobRequests = typeof jobRequests;
export type JobMethod = keyof JobRequests;

/** What a panel keeps over a reload of the window. */
export const JobState = z.object({
  box: z.string().min(1).max(64),
  job: z.string().min(1).max(64),
  kind: z.enum(['train', 'serve']),
});
export type JobState = z.infer<typeof JobState>;

/** Host to panel. */
export const JobHostMessage = z.union([
  z.object({ type: z.literal('snapshot'), version: z.number(), snapshot: JobSnapshot, state: JobState }),
  ResponseEnvelope,
]);
export type JobHostMessage = z.infer<typeof JobHostMessage>;
