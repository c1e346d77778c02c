import type { JobEvent } from '../../core/box/jobEvents.ts';
import type { Settings } from '../../core/pipeline/settings.ts';
import type { TrainingProgress } from '../../core/ports/pipeline.ts';
import { duration, gigabytes } from './estimate.ts';
import type { JobState } from './followJob.ts';
import type { JobSpec } from './jobFolder.ts';
import { describeWaiting } from './launcher.ts';

/** A training as a job: what a run asks for, and what the job says, in the run's words. */

export function trainingSpec(
  base: string,
  adapters: readonly string[],
  settings: Settings['training'],
  seed: number,
): JobSpec {
  return {
    base,
    adapters: Object.fromEntries(adapters.map((name) => [name, { data: `data/${name}.jsonl` }])),
    rank: settings.rank,
    alpha: settings.alpha,
    dropout: settings.dropout,
    targetModules: settings.targetModules,
    learningRate: settings.learningRate,
    warmupRatio: settings.warmup,
    epochs: settings.epochs,
    batchSize: settings.batchSize,
    maxLength: settings.maxLength,
    heldOutFraction: settings.heldOut,
    mode: settings.packing,
    weighting: settings.weighting,
    precision: settings.precision,
    seed,
    // Left out where it is the trainer's default: a job is found again by its settings.
    ...(settings.quantization === 'auto' ? {} : { quantization: settings.quantization }),
    ...(settings.sinks.length === 0 ? {} : { sinks: settings.sinks }),
  };
}

export function describeState(state: JobState): string {
  if (state.state === 'lost-contact') return 'lost contact with the box; the job goes on there';
  return state.state === 'running' ? 'training' : describeWaiting(state);
}

export function report(event: JobEvent, onProgress: (progress: TrainingProgress) => void): void {
  if (event.type === 'step') {
    onProgress({
      adapter: event.adapter,
      step: event.step,
      steps: event.steps,
      loss: event.loss,
      ...(event.secondsLeft === undefined ? {} : { secondsLeft: event.secondsLeft }),
      message: 'training',
    });
  } else if (event.type === 'measured') {
    const { peakBytes, tokensPerSecond, seconds } = event;
    const speed = `${Math.round(tokensPerSecond)} tokens a second`;
    onProgress({
      ...{ adapter: '', step: 0, steps: 0 },
      message: `dry run: ${gigabytes(peakBytes)} GB, ${speed}, about ${duration(seconds)} in all`,
    });
  } else if (event.type === 'eval') {
    onProgress({ adapter: event.adapter, step: event.step, steps: event.steps, heldOut: event.loss });
  } else if (event.type === 'start') {
    for (const [adapter, plan] of Object.entries(event.adapters))
      onProgress({ adapter, step: plan.resumedAt, steps: plan.steps, message: 'training' });
  }
}
