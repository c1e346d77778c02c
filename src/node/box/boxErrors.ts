/** What can go wrong with a job on a box; callers branch on `reason`, never on text. */
export type JobErrorReason =
  /** The supervisor could not be started: no interpreter, no folder, a refused command. */
  | 'cannot-start'
  /** The job folder holds a job with other settings or data. */
  | 'other-job'
  /** The trainer ended with an error that it explained. */
  | 'failed'
  | 'cancelled'
  /** The trainer is gone and left no exit file: killed, or the machine was restarted. */
  | 'vanished'
  /** The box cannot be reached now; the job may well go on. */
  | 'unreachable'
  /** What the box sent is not what a trainer writes. */
  | 'bad-output'
  | 'disk';

export class JobError extends Error {
  override readonly name = 'JobError';
  readonly reason: JobErrorReason;
  constructor(reason: JobErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
  static is(error: unknown, reason?: JobErrorReason): error is JobError {
    return error instanceof JobError && (reason === undefined || error.reason === reason);
  }
}

export type PythonErrorReason =
  /** No Python of a version that the trainer runs on. */
  | 'not-found'
  /** The interpreter that the user named lacks packages. */
  | 'unsuitable'
  | 'no-space'
  | 'install-failed'
  | 'cannot-write';

export class PythonError extends Error {
  override readonly name = 'PythonError';
  readonly reason: PythonErrorReason;
  constructor(reason: PythonErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
  static is(error: unknown, reason?: PythonErrorReason): error is PythonError {
    return error instanceof PythonError && (reason === undefined || error.reason === reason);
  }
}
