import * as z from 'zod';
import { Estimate } from '../pipeline/estimate.ts';
import { LedgerStatus } from './ledger.ts';
import { AskEvent, BoxEvent, ServingEvent, WithdrawnEvent } from '../box/boxStatus.ts';
import { JobViewEvent } from '../box/jobView.ts';
import { TrainingCurve } from './trainingCurve.ts';

/**
 * What a run is doing, as one complete snapshot. The runner process writes it to `status.json` in the run folder
 * (atomically, at most four times a second) and prints it as a line of `--json` output; every view is drawn from it.
 * It is derived: the log is the truth.
 */

export const stageIds = [
  'selfInstruct',
  'toolSelection',
  'synthesis',
  'filter',
  'training',
  'evaluation',
  'report',
] as const;
export const stageTitles: Readonly<Record<StageId, string>> = {
  selfInstruct: 'Self-instruct',
  toolSelection: 'Tool selection',
  synthesis: 'Trajectory synthesis',
  filter: 'Filtering',
  training: 'Self-differentiation',
  evaluation: 'Evaluation',
  report: 'Report',
};
export const StageId = z.enum(stageIds);
export type StageId = z.infer<typeof StageId>;

export const StageState = z.enum(['pending', 'running', 'done', 'failed', 'cancelled', 'skipped']);
export type StageState = z.infer<typeof StageState>;

export const StageStatus = z.object({
  id: StageId,
  state: StageState,
  done: z.number(),
  /** 0 while unknown. */
  total: z.number(),
  /** Finished items a second, over the last half minute. */
  ratePerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
  /** Wall time spent in this stage so far, over all sessions of the run. */
  seconds: z.number(),
  /** What is happening now, for people: "evaluating AutoAct". */
  activity: z.string().optional(),
  /** Named counts in the order in which they are shown: generated, kept, … */
  counts: z.array(z.object({ label: z.string(), value: z.number() })),
  /** Why things were dropped, with how many; links to the log by reason. */
  dropped: z.array(z.object({ reason: z.string(), count: z.number() })),
  /** `counts` and `dropped` are of the last time that the stage was done: this time has none yet. */
  earlier: z.boolean().optional(),
  /**
   * ISO 8601. The stage was done, and is being done again since then without being done yet: trajectories that are older
   * are of the time before.
   */
  again: z.string().optional(),
  error: z.object({ message: z.string(), remedy: z.string().optional() }).optional(),
});
export type StageStatus = z.infer<typeof StageStatus>;

export const LevelScore = z.object({
  level: z.string(),
  n: z.number(),
  score: z.number(),
  low: z.number(),
  high: z.number(),
});
export const SystemScore = z.object({
  system: z.string(),
  title: z.string(),
  /** One entry a level, then `all`. Scores and bounds in 0..1. */
  levels: z.array(LevelScore),
  errors: z.number(),
  /** Against the reference system of the report. */
  paired: z
    .object({ difference: z.number(), low: z.number(), high: z.number(), p: z.number(), test: z.string() })
    .optional(),
});
export type SystemScore = z.infer<typeof SystemScore>;

/** A server that the run waits for or asks again. */
export const ServerStatus = z.object({
  server: z.string(),
  state: z.enum(['waiting', 'retrying']),
  /** What happened and when it is tried again, for people. */
  message: z.string(),
  /** Where it is asked, without what it is asked with. Servers of several names can be one program. */
  address: z.string().optional(),
  /** ISO 8601: since when it does not answer, and until when the run waits for it. Only of `waiting`. */
  since: z.string().optional(),
  until: z.string().optional(),
});
export type ServerStatus = z.infer<typeof ServerStatus>;

export const RunStatus = z.object({
  version: z.literal(1),
  run: z.string(),
  task: z.string(),
  /** Path of the task card as the run was given it. */
  taskFile: z.string(),
  mode: z.enum(['fixed', 'reference']),
  seed: z.number(),
  state: z.enum(['pending', 'running', 'done', 'failed', 'cancelled', 'interrupted']),
  /** ISO 8601. */
  startedAt: z.string(),
  updatedAt: z.string(),
  /** Process id of the runner while it runs; `interrupted` is what a view shows when that process is gone. */
  pid: z.number().optional(),
  roles: z.array(z.object({ role: z.string(), server: z.string(), model: z.string() })),
  stages: z.array(StageStatus),
  training: z.array(TrainingCurve),
  results: z.array(SystemScore),
  /** `results` are of the report before: the stages that are run again have not come to new ones yet. */
  earlierResults: z.boolean().optional(),
  metric: z.string(),
  calls: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  /** What was asked of servers and what it cost, over all sessions of the run. */
  ledger: LedgerStatus.optional(),
  /** Servers that do not answer as they should at this moment; empty when all do. */
  servers: z.array(ServerStatus).optional(),
  notices: z.array(z.object({ at: z.string(), severity: z.enum(['info', 'warning', 'error']), message: z.string() })),
});
export type RunStatus = z.infer<typeof RunStatus>;

/** One line of `autoact … --json`. */
export const CliEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('status'), status: RunStatus }),
  z.object({ type: z.literal('notice'), severity: z.enum(['info', 'warning', 'error']), message: z.string() }),
  z.object({ type: z.literal('error'), message: z.string(), remedy: z.string().optional(), reason: z.string() }),
  z.object({ type: z.literal('estimate'), estimate: Estimate }),
  z.object({ type: z.literal('done'), run: z.string(), folder: z.string(), state: z.string() }),
  BoxEvent,
  ServingEvent,
  JobViewEvent,
  AskEvent,
  WithdrawnEvent,
]);
export type CliEvent = z.infer<typeof CliEvent>;
