import type { PlanThread, Stop } from './planThread.ts';
import { stepAt } from './facts.ts';

/**
 * Asks the call that a thread looks at, or all of its step, with another seed.
 * @returns where the thread stands then
 * @throws what went wrong; the thread stands where it came to
 */
export async function resample(thread: PlanThread, of: 'call' | 'step'): Promise<Stop> {
  const position = thread.firstCall(of);
  let failed: unknown;
  const stop = await thread.work(async (signal) => {
    try {
      await thread.player.resample(position, signal);
      if (of === 'step')
        while (thread.player.site.phase !== 'note' && thread.player.site.phase !== 'end')
          await thread.player.advance(signal);
      thread.inCall = of === 'call';
      return { reason: 'step' };
    } catch (error) {
      failed = error;
      throw error;
    }
  });
  if (failed !== undefined) throw failed instanceof Error ? failed : new Error('The change could not be made.');
  return stop;
}

/** Goes by what was recorded to the first note of a step, heeding no breakpoint, and samples that step again. */
export async function resampleStep(thread: PlanThread, step: number): Promise<Stop> {
  const { player } = thread;
  const reached = await thread.work(async (signal) => {
    while (player.site.phase !== 'end') {
      if (player.site.phase === 'note' && stepAt(player, player.site, player.passed) >= step) return { reason: 'step' };
      await player.advance(signal);
    }
    return { reason: 'end' };
  });
  return reached.reason === 'step' ? resample(thread, 'step') : reached;
}
