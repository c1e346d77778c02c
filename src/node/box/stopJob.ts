import type { GpuAfter } from '../../core/box/boxStatus.ts';
import type { JobEnd } from './followJob.ts';
import { followJob } from './followJob.ts';
import { cancelJob } from './job.ts';
import type { Job } from './jobFolder.ts';
import { readGpu } from './jobFolder.ts';
import { persistently } from './persist.ts';

export interface Stopped {
  /** undefined: it was told to stop, and had not ended when the time was up. */
  readonly end: JobEnd | undefined;
  /** Of a job that ended because it was told to. */
  readonly gpu?: GpuAfter;
}

/** What a person is told of it. */
export function describeStopped({ end, gpu }: Stopped): string {
  return `${describeEnd(end)}${gpu === undefined ? '' : ` ${gpu.message}`}`;
}

function describeEnd(end: JobEnd | undefined): string {
  if (end === undefined) return 'It was told to stop, and has not ended yet. See: autoact jobs show';
  if (end.state === 'cancelled') return 'Stopped.';
  return end.state === 'vanished' ? 'Nothing of it runs.' : 'It had ended before.';
}

/** From TERM to KILL it may take 20 s, and a driver some more to clear up. */
const stopMs = 60_000;

/**
 * Tells a job to stop, and waits until its supervisor has seen to it that nothing of it is left and looked at the GPU.
 * @throws JobError
 */
export async function stopJob(job: Job, signal: AbortSignal, withinMs = stopMs): Promise<Stopped> {
  await persistently({ signal }, () => cancelJob(job, signal));
  return seeItStopped(job, signal, withinMs);
}

/** What {@link stopJob} waits for, of a job that was told to stop already. @throws JobError */
export async function seeItStopped(job: Job, signal: AbortSignal, withinMs = stopMs): Promise<Stopped> {
  const limit = AbortSignal.timeout(withinMs);
  try {
    const end = await followJob(job, { pollMs: 300, signal: AbortSignal.any([signal, limit]) });
    if (end.state !== 'cancelled') return { end };
    return { end, gpu: await persistently({ signal }, () => readGpu(job, signal)) };
  } catch (error) {
    if (signal.aborted || !limit.aborted) throw error;
    return { end: undefined };
  }
}
