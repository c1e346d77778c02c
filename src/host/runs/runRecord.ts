import { partlyDone } from '../../core/run/partlyDone.ts';
import type { RunStatus, StageStatus } from '../../core/run/status.ts';

/** A run folder as the editor knows it. */
export interface RunRecord {
  readonly id: string;
  /** Path of the run's folder. */
  readonly folder: string;
  /** Path of the workspace folder that holds `.autoact`. */
  readonly workspace: string;
  /** `interrupted` when the status says that it is running and its process is gone. */
  readonly status: RunStatus;
}

/** A run folder that cannot be read, with the reason. */
export interface BrokenRun {
  readonly id: string;
  readonly folder: string;
  readonly workspace: string;
  readonly problem: string;
}

export interface TaskRecord {
  readonly file: string;
  readonly workspace: string;
  readonly name: string;
  readonly description: string;
  readonly metric: string;
  readonly examples: number;
  /** Why the card cannot be used, when it cannot. */
  readonly problem?: string;
}

export function isResumable(status: RunStatus): boolean {
  return ['interrupted', 'failed', 'cancelled'].includes(status.state) || partlyDone(status) !== undefined;
}

export function isLive(status: RunStatus): boolean {
  return status.state === 'running' || status.state === 'pending';
}

/** Share of the run that is done, counting each stage alike: their items differ too much in cost to be added up. */
export function progressOf(status: RunStatus): number {
  const stages = status.stages.filter((stage) => stage.state !== 'skipped');
  if (stages.length === 0) return 0;
  return stages.reduce((sum, stage) => sum + stageProgress(stage), 0) / stages.length;
}

export function stageProgress(stage: StageStatus): number {
  if (stage.state === 'done') return 1;
  return stage.total > 0 ? Math.min(1, stage.done / stage.total) : 0;
}
