import type { LogEntry } from '../run/log.ts';
import type { Answer, Method } from '../run/request.ts';
import type { Drivers } from '../run/runner.ts';
import type { TraceHeader } from '../trajectory/traceText.ts';

/**
 * Where answers come from while a plan is debugged. `replay`: from the recording alone; nothing is started and nobody is
 * asked. `cached`: from the recording, and from anything that the run has asked before. `live`: what neither holds is
 * asked of the run's model servers and tools.
 */
export type DebugMode = 'replay' | 'cached' | 'live';
export const debugModes: readonly DebugMode[] = ['replay', 'cached', 'live'];

/** One item of a run that can be stepped through: its generator, what it was answered, and who answers anew. */
export interface DebugTarget {
  /** The item's key, which is the trajectory's id. */
  readonly key: string;
  /** As the trace's document begins. */
  readonly header: TraceHeader;
  /** Starts the method at its beginning. It is started again for every step back. */
  start(): Method<unknown>;
  /** What was recorded of it, in order; empty when it was never asked. */
  readonly entries: readonly LogEntry[];
  /** Set when the method itself is not at hand and the recording plays its part; says why. Answers cannot be edited. */
  readonly recordingOnly?: string;
  /** Reward of the recorded trajectory, 0..1. Gold itself never comes here. */
  readonly reward?: number;
  /** Reward of a result that was reached in the debugger. */
  score?(result: unknown): number | undefined;
  /** An answer that the run has for this request anywhere, by the request's hash; for `cached` and `live`. */
  recall?(hash: string): Answer | undefined;
  /** Models and tools, for `live`. */
  readonly drivers?: Drivers;
  /** In words, who would be asked: `plan-3f2a on embedded`. */
  describeAsked?(role: string): string;
  /** Forks of this target are kept here. */
  readonly forks: ForkStore;
  /** The file that it comes from, when that is no run. */
  readonly source?: { readonly file: string; readonly line: number };
  /** The trace that this target continues, when it is a fork itself. */
  readonly parent?: string;
}

/** A change that made a fork. `i` is the index of the request whose answer was changed. */
export interface ForkEdit {
  readonly i: string;
  readonly step: number;
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/**
 * What makes a fork a fork. A fork has a file of its own that no stage of the pipeline reads, so that what was made in
 * the debugger can reach neither rewards nor training data.
 */
export interface ForkRecord {
  readonly version: 1;
  /** The fork's trajectory id. */
  readonly id: string;
  readonly run: string;
  /** The trajectory of the run from which it comes in the end. */
  readonly root: string;
  /** The trajectory or fork that it was made from. */
  readonly parent: string;
  /** Requests before this index have the parent's answers. */
  readonly forkedAt: number;
  readonly forkStep: number;
  readonly mode: DebugMode;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly task?: string;
  readonly question?: string;
  /** Where the root is found, when that is no run. */
  readonly source?: { readonly file: string; readonly line: number };
  readonly edits: readonly ForkEdit[];
}

export interface ForkStore {
  /** A new fork's id and the document that shows it, where there is one. */
  open(root: string): Fork;
}

export interface Fork {
  readonly id: string;
  /** URI of its trace. */
  readonly document?: string;
  /** Replaces what is stored of it. */
  write(record: ForkRecord, entries: readonly LogEntry[]): void;
  append(entry: LogEntry): void;
}
