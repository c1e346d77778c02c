import type { RunStatus, StageId } from './status.ts';

/** A run that did what was asked of it and stopped before its last stage. */
export interface PartlyDone {
  /** The last stage that is done. */
  readonly last: StageId;
  /** The stage that resuming goes on with. */
  readonly next: StageId;
}

/**
 * A run of which only some stages were asked for ends as `done`, since nothing went wrong, with stages that wait. To
 * call it done would promise a report that is not there, so every view says this instead.
 * @returns undefined of a run that is done altogether, or that ended otherwise
 */
export function partlyDone(status: Pick<RunStatus, 'state' | 'stages'>): PartlyDone | undefined {
  if (status.state !== 'done') return undefined;
  const at = status.stages.findIndex(({ state }) => state === 'pending');
  const last = status.stages.slice(0, Math.max(at, 0)).findLast(({ state }) => state === 'done');
  const next = status.stages[at];
  return last === undefined || next === undefined ? undefined : { last: last.id, next: next.id };
}
