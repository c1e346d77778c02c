import * as z from 'zod';
import { debugModes, type DebugMode } from './target.ts';

/** Key in `documents` of whatever trajectory is opened, where its id is not known before. */
export const anyTrajectory = '*';

/** Attributes of a launch configuration, as the editor's schema (package.json, `debuggers`) has them. */
const ShownSpan = z.object({
  step: z.number().int().nonnegative(),
  agent: z.string(),
  kind: z.string(),
  line: z.number().int().nonnegative(),
  endLine: z.number().int().nonnegative(),
});
/** Where one agent's part of a step stands in a document; lines count from 0. */
export type ShownSpan = z.infer<typeof ShownSpan>;

export const LaunchArguments = z.looseObject({
  /** Folder that holds `.autoact/`. */
  workspace: z.string().optional(),
  /** A run of it. */
  run: z.string().optional(),
  /** Id of the run's trajectory; several are debugged side by side. */
  trajectory: z
    .union(
      [z.string().min(1), z.array(z.string().min(1)).min(1).max(64)],
      'expected the id of a trajectory, or up to 64',
    )
    .optional(),
  /** Trajectories of the published AutoAct code: a .jsonl file, or a folder that `autoact import trajectories` made. */
  file: z.string().optional(),
  /** Which of the file's trajectories, counting from 1. */
  line: z.number().int().positive().default(1),
  /** A fork that was made in the debugger: its .jsonl file. */
  fork: z.string().optional(),
  mode: z.enum(debugModes as readonly [DebugMode, ...DebugMode[]]).default('replay'),
  /** Ask anew what was recorded before; what comes of it is a fork. */
  fresh: z.boolean().default(false),
  /** Sample this step of the recording again, and stop there; in `live` mode. */
  resample: z.number().int().positive().optional(),
  stopOnEntry: z.boolean().default(true),
  /** Tokens of a plan after which "Over budget" stops. */
  budget: z.number().int().positive().optional(),
  noDebug: z.boolean().optional(),
  /**
   * Filled in by the editor: the document that shows a trajectory, and where in it the parts of its steps stand. The
   * plan's own notes may be others: a stored trajectory is shown as it was read, and debugged as the loop notes it.
   */
  documents: z.record(z.string(), z.object({ uri: z.string(), spans: z.array(ShownSpan).optional() })).default({}),
});
export type LaunchArguments = z.infer<typeof LaunchArguments>;

/** Ids of the trajectories that a configuration names. */
export function trajectoriesOf({ trajectory }: LaunchArguments): readonly string[] {
  return trajectory === undefined ? [] : typeof trajectory === 'string' ? [trajectory] : trajectory;
}
