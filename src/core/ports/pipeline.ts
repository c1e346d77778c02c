import type { RunLog } from '../run/runner.ts';
import type { ToolAnswer, ToolRequest } from '../run/request.ts';
import type { TrainingRow } from '../pipeline/trainingData.ts';
import type { Settings } from '../pipeline/settings.ts';
import type { Models } from './models.ts';

/** What the pipeline needs from the world outside core. */
export interface PipelinePorts {
  readonly log: RunLog;
  readonly store: ProductStore;
  readonly models: Models;
  readonly tools: Tools;
  readonly trainer: Trainer;
  /** Milliseconds since 1970. */
  now(): number;
  /** SHA-256 in hexadecimal. */
  hash(text: string): string;
}

/** The readable files that are derived from the log. */
export interface ProductStore {
  writeRows(name: string, rows: readonly unknown[]): void;
  writeText(name: string, text: string): void;
}

export interface Tools {
  call(request: ToolRequest, signal: AbortSignal): Promise<ToolAnswer>;
}

export interface TrainingProgress {
  readonly adapter: string;
  readonly step: number;
  readonly steps: number;
  readonly loss?: number;
  readonly heldOut?: number;
  readonly secondsLeft?: number;
  readonly message?: string;
}

export interface TrainedAdapter {
  /** As the pipeline calls it: plan, tool, reflect, … */
  readonly name: string;
  /** Name under which the server has it: content-hashed, so that no cache mixes versions. */
  readonly model: string;
  readonly sha256: string;
  readonly probe: { readonly ok: boolean; readonly message: string };
}

/** Trains adapters on a box and has them served. Called again after a crash, it attaches to the job that it finds. */
export interface Trainer {
  train(
    sets: Readonly<Record<string, readonly TrainingRow[]>>,
    settings: Settings['training'],
    seed: number,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<readonly TrainedAdapter[]>;
}
