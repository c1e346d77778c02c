import * as z from 'zod';
import { RunStatus, StageId } from '../core/run/status.ts';
import { ResponseEnvelope } from './surface.ts';
import type { Params, RequestShape, Result } from './surface.ts';

/** What the dashboard and the host say to each other. */

export const ServerChoice = z.object({
  role: z.string().min(1),
  /** `vscode`: a language model of the editor. */
  kind: z.enum(['embedded', 'url', 'vscode']),
  /** Base URL of a server with OpenAI's HTTP API; empty for the others. */
  url: z.string(),
  /** Empty: the server's only model, or the starter model of the embedded server. */
  model: z.string(),
});
export type ServerChoice = z.infer<typeof ServerChoice>;

/** A setting of the run as the form shows it; the values travel in `Configuration.settings`. */
export const SettingField = z.object({
  name: z.string(),
  label: z.string(),
  description: z.string(),
  kind: z.enum(['number', 'text']),
  /** What holds when the field is left empty. */
  defaultText: z.string(),
});
export type SettingField = z.infer<typeof SettingField>;

export const Configuration = z.object({
  servers: z.array(ServerChoice),
  mode: z.enum(['fixed', 'reference']),
  seed: z.number().int().nonnegative(),
  box: z.string(),
  python: z.string(),
  /** By field name; empty text means the default. */
  settings: z.record(z.string(), z.string()),
});
export type Configuration = z.infer<typeof Configuration>;

/** The runner process as this window knows it. */
export const RunnerState = z.object({
  state: z.enum(['idle', 'starting', 'running', 'cancelling']),
  error: z.object({ message: z.string(), remedy: z.string().optional() }).optional(),
});
export type RunnerState = z.infer<typeof RunnerState>;

/** Everything that the dashboard shows. */
export const DashboardSnapshot = z.object({
  task: z.object({
    name: z.string(),
    description: z.string(),
    metric: z.string(),
    file: z.string(),
    examples: z.number(),
    /** Why the card cannot be used, when it cannot. */
    problem: z.string().optional(),
  }),
  /** Absent until the run has begun. */
  status: RunStatus.optional(),
  runner: RunnerState,
  /** Running is refused in an untrusted workspace; viewing is not. */
  trusted: z.boolean(),
  configuration: Configuration,
  fields: z.array(SettingField),
  /** Language models that the editor offers. */
  editorModels: z.array(z.object({ name: z.string(), title: z.string() })),
  /** Base URLs that have an API key in the editor's secret storage. The keys themselves never come here. */
  keyed: z.array(z.string()),
  hasReport: z.boolean(),
});
export type DashboardSnapshot = z.infer<typeof DashboardSnapshot>;

export const DroppedThing = z.object({
  /** Key in the log of the item that it was dropped from. */
  item: z.string(),
  text: z.string(),
  reason: z.string(),
});
export type DroppedThing = z.infer<typeof DroppedThing>;

export const TraceRow = z.object({
  item: z.string(),
  title: z.string(),
  outcome: z.string(),
  state: z.enum(['open', 'right', 'wrong', 'finished', 'failed', 'dropped']),
  /** Of the time before: its stage is being done again, and has not come to it yet. */
  earlier: z.boolean().optional(),
});
export type TraceRow = z.infer<typeof TraceRow>;

const nothing = z.null();

/** Requests of the panel. */
export const dashboardRequests = {
  /** Starts a new run of the task, or only one stage of this run. */
  start: { params: z.object({ stage: StageId.optional() }), result: nothing },
  resume: { params: nothing, result: nothing },
  cancel: { params: nothing, result: nothing },
  setConfiguration: { params: Configuration, result: nothing },
  /** The host asks for the key in its own input box; it never passes through the panel. */
  setApiKey: { params: z.object({ url: z.string() }), result: nothing },
  listDropped: {
    params: z.object({ stage: StageId, reason: z.string(), offset: z.number().int().nonnegative() }),
    result: z.object({ rows: z.array(DroppedThing), total: z.number() }),
  },
  listTraces: {
    params: z.object({
      stage: StageId,
      offset: z.number().int().nonnegative(),
      count: z.number().int().positive().max(500),
    }),
    result: z.object({ rows: z.array(TraceRow), total: z.number() }),
  },
  openTrace: { params: z.object({ item: z.string() }), result: nothing },
  debugTrace: { params: z.object({ item: z.string() }), result: nothing },
  showProvenance: { params: z.object({ item: z.string() }), result: nothing },
  openFile: { params: z.object({ file: z.enum(['task', 'report', 'folder', 'prompts']) }), result: nothing },
  showLog: { params: nothing, result: nothing },
  doctor: { params: nothing, result: nothing },
} as const satisfies Record<string, RequestShape>;

export type DashboardRequests = typeof dashboardRequests;
export type DashboardMethod = keyof DashboardRequests;
export type DashboardParams<M extends DashboardMethod> = Params<DashboardRequests[M]>;
export type DashboardResult<M extends DashboardMethod> = Result<DashboardRequests[M]>;

/** What a panel keeps over a reload of the window: which run it shows, and nothing else. */
export const DashboardState = z.object({ task: z.string(), run: z.string().optional() });
export type DashboardState = z.infer<typeof DashboardState>;

/** Host to panel. */
export const DashboardHostMessage = z.union([
  z.object({ type: z.literal('snapshot'), version: z.number(), snapshot: DashboardSnapshot, state: DashboardState }),
  ResponseEnvelope,
]);
export type DashboardHostMessage = z.infer<typeof DashboardHostMessage>;
