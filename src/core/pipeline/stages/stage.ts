import type { StageId } from '../../run/status.ts';
import type { PipelineContext } from '../context.ts';

/** Marks a stage's end in the status, however it ends. */
export async function inStage<T>(context: PipelineContext, stage: StageId, work: () => Promise<T> | T): Promise<T> {
  try {
    const result = await work();
    context.tracker.end(stage, 'done');
    return result;
  } catch (error) {
    if (context.signal.aborted) context.tracker.end(stage, 'cancelled');
    else context.tracker.end(stage, 'failed', describeError(error));
    throw error;
  }
}

export function describeError(error: unknown): { message: string; remedy?: string } {
  const message = error instanceof Error ? error.message : String(error);
  const remedy =
    typeof error === 'object' && error !== null && 'remedy' in error && typeof error.remedy === 'string'
      ? error.remedy
      : undefined;
  return remedy === undefined ? { message } : { message, remedy };
}

/** A stage that cannot go on; what was logged stays, so that the run can be resumed once the cause is mended. */
export class StageError extends Error {
  override readonly name = 'StageError';
  readonly reason = 'stage';
  readonly stage: StageId;

  constructor(stage: StageId, what: string) {
    super(`Stage ${stage} cannot go on: ${what.replace(/\.+$/, '')}.`);
    this.stage = stage;
  }
}
