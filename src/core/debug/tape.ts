import type { LogEntry } from '../run/log.ts';
import type { Answer, Request } from '../run/request.ts';

/** Where an answer came from. */
export type Origin = 'recorded' | 'edited' | 'given' | 'cached' | 'live' | 'resampled';

/** A known answer to the request with the index that it is kept under. */
export interface Take {
  readonly answer: Exclude<Answer, { kind: 'noted' }>;
  /** SHA-256 of the request that was answered. */
  readonly hash: string;
  /** Purpose of a completion, or the tool. */
  readonly label: string;
  /** The role that was asked; undefined for a tool. */
  readonly role: string | undefined;
  /** What the tool was called with. */
  readonly argument: string | undefined;
  readonly ms: number;
  readonly model: string | undefined;
  readonly origin: Origin;
}

/** `exact`: the answer to this very request. `model` and `tool`: an answer that was given to a slightly other one. */
export type Fit = 'exact' | 'model' | 'tool';

/**
 * The answers of a path through a method, by the index of the request. After an edit the later ones stay: they answer
 * requests like those that now follow, and a replay can go on with them, saying so.
 */
export class Tape {
  readonly #takes = new Map<string, Take>();

  constructor(entries: readonly LogEntry[]) {
    for (const entry of entries) {
      if (!('answer' in entry)) continue;
      const { asked } = entry;
      this.#takes.set(entry.i, {
        answer: entry.answer,
        hash: entry.hash,
        label: entry.label,
        role: 'tool' in asked ? undefined : asked.role,
        argument: 'tool' in asked ? asked.argument : undefined,
        ms: entry.ms,
        model: 'tool' in asked ? undefined : asked.model,
        origin: entry.origin ?? 'recorded',
      });
    }
  }

  get(i: string): Take | undefined {
    return this.#takes.get(i);
  }

  set(i: string, take: Take): void {
    this.#takes.set(i, take);
  }

  delete(i: string): void {
    this.#takes.delete(i);
  }

  /** How the answer at an index fits a request; undefined where there is none that could. */
  fit(i: string, request: Exclude<Request, { kind: 'note' }>, hash: string): Fit | undefined {
    const take = this.#takes.get(i);
    if (take === undefined) return undefined;
    if (take.hash === hash) return 'exact';
    if (request.kind === 'tool') {
      if (take.label !== request.tool || take.role !== undefined) return undefined;
      return take.argument === request.argument ? 'model' : 'tool';
    }
    return take.role === request.role && take.label === request.purpose ? 'model' : undefined;
  }
}
