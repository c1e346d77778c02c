export type RunErrorReason =
  'log-mismatch' | 'log-corrupt' | 'run-missing' | 'run-exists' | 'stage-order' | 'settings' | 'disk';

/** Trouble with a run itself, as opposed to a server, a tool or a box. */
export class RunError extends Error {
  override readonly name = 'RunError';
  readonly reason: RunErrorReason;
  /** What to do next, when the message does not say it. */
  readonly remedy: string | undefined;
  /** A run cannot go on after any of these. */
  readonly fatal = true;

  constructor(reason: RunErrorReason, message: string, remedy?: string) {
    super(message);
    this.reason = reason;
    this.remedy = remedy;
  }

  static is(error: unknown, reason?: RunErrorReason): error is RunError {
    return error instanceof RunError && (reason === undefined || error.reason === reason);
  }
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
