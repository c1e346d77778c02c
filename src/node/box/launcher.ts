import type { Job } from './jobFolder.ts';
import { callSupervisor } from './jobFolder.ts';

/** What may be known of a job that has not told its end. */
export type JobLife =
  | { readonly state: 'running'; readonly node?: string; readonly timeLeft?: string }
  | { readonly state: 'waiting'; readonly reason: string; readonly position?: number; readonly startsAt?: string }
  /** `how`: what the queue says of its end, in its own word. */
  | { readonly state: 'gone'; readonly how?: string };

/** What a person is told of a job that waits. */
export function describeWaiting({ reason, position, startsAt }: JobLife & { readonly state: 'waiting' }): string {
  const place = position === undefined ? '' : `, number ${position}`;
  const start = startsAt === undefined ? '' : `; expected to begin at ${startsAt.replace('T', ' ')}`;
  return `waiting in the queue${place} (${reason}${start})`;
}

/**
 * How a job gets going, stops and is asked after. All else (folder, supervisor, events, transfers) is the same for
 * every job. Each method throws JobError 'unreachable' when it cannot tell.
 */
export interface Launcher {
  /** Starts it, or attaches to one that was started; one that ended without success goes on from its checkpoint. */
  start(job: Job, command: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Asks it to stop after a checkpoint, and returns at once. What waits will not begin. */
  cancel(job: Job, signal?: AbortSignal): Promise<void>;
  look(job: Job, signal?: AbortSignal): Promise<JobLife>;
  /** Whether what it ended with a request to stop may be begun again by a queue, without anybody's asking. */
  readonly requeues: boolean;
  /** How often `look` may be asked, where asking costs others something. */
  readonly lookMs?: number;
  /** How long the files of a job that is gone may take to show: file systems of clusters are slow to tell. */
  readonly settleMs?: number;
}

/** A process that the supervisor keeps on the machine whose files these are. */
export const processLauncher: Launcher = {
  requeues: false,
  async start(job, command, signal) {
    await callSupervisor(job, 'again', command, signal);
  },
  async cancel(job, signal) {
    await callSupervisor(job, 'cancel', [], signal);
  },
  async look(job, signal) {
    const status = await callSupervisor(job, 'status', [], signal);
    return { state: status.running || status.exit !== null ? 'running' : 'gone' };
  },
};
