import type { ToolState } from '../run/request.ts';
import type { ToolDescription } from './library.ts';

/** What a call came to; `state` goes into the next call of the same question. */
export interface Finding {
  readonly text: string;
  /** `miss`: the tool worked and found nothing. */
  readonly outcome: 'hit' | 'miss';
  readonly state: ToolState;
}

/** A tool together with who does its work. */
export interface ToolProvider {
  readonly description: ToolDescription;
  /** Kind of provider and what it reads, as it is written to the run's record. Never holds a key. */
  readonly provider: string;
  /** Most characters of an observation. */
  readonly maxChars: number;
  /** Whether the answer hangs on the argument alone and comes from outside, so that a run asks for it once. */
  readonly shared?: boolean;
  /** @throws ToolError */
  call(argument: string, state: ToolState, signal: AbortSignal): Promise<Finding> | Finding;
  close?(): Promise<void>;
}

/** A tool that the card names or could have and that cannot be offered. */
export interface UnavailableTool {
  readonly name: string;
  readonly provider: string;
  readonly reason: string;
  readonly remedy: string;
}

/** The library of a run: what can be offered for selection, and what cannot, with the reason. */
export interface ToolLibrary {
  readonly available: readonly ToolProvider[];
  readonly unavailable: readonly UnavailableTool[];
  /** Tools that the card says are used; undefined: the Meta-Agent selects. */
  readonly named: readonly string[] | undefined;
}
