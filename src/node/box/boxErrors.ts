/** What can go wrong with a job on a box; callers branch on `reason`, never on text. */
export type JobErrorReason =
  /** The supervisor could not be started: no interpreter, no folder, a refused command. */
  | 'cannot-start'
  /** The box has no job of that name. */
  | 'no-job'
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
  /** Of 'unreachable': nothing suggests that it passes by itself, so whoever waits is told at once. */
  readonly lasting: boolean;
  constructor(reason: JobErrorReason, message: string, options: ErrorOptions & { readonly lasting?: boolean } = {}) {
    super(message, options);
    this.reason = reason;
    this.lasting = options.lasting === true;
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

export type SshErrorReason =
  /** The ssh configuration cannot be read, or names something that does not exist. */
  | 'config'
  /** The host needs something that only OpenSSH's own client can do. */
  | 'unsupported'
  /** Nobody has accepted the host's key yet. */
  | 'unknown-host-key'
  /** The host shows another key than the one that is known: never connected to. */
  | 'changed-host-key'
  | 'revoked-host-key'
  | 'authentication'
  /** The other end does not speak SSH, or nothing that both sides know. */
  | 'protocol'
  /** A file arrived with other bytes than it left with. */
  | 'checksum';

/**
 * What has to be mended by a person before a box can be used. A box that merely does not answer is
 * JobError('unreachable'): that may pass by itself.
 */
export class SshError extends Error {
  override readonly name = 'SshError';
  readonly reason: SshErrorReason;
  readonly host: string;
  /** What was being done: "host key check", "authentication", … */
  readonly step: string;
  /** `problem` says what happened and what to do next, in whole sentences. */
  constructor(reason: SshErrorReason, host: string, step: string, problem: string, options?: ErrorOptions) {
    super(`${host} (${step}): ${problem}`, options);
    this.reason = reason;
    this.host = host;
    this.step = step;
  }
  static is(error: unknown, reason?: SshErrorReason): error is SshError {
    return error instanceof SshError && (reason === undefined || error.reason === reason);
  }
}

/**
 * For what may pass by itself: no route, a refused or cut connection, a host that does not answer. `lasting`: at first
 * contact it is rather a wrong name or port, or a network that the host is not in.
 */
export function unreachable(
  host: string,
  step: string,
  problem: string,
  cause?: unknown,
  { lasting = false }: { readonly lasting?: boolean } = {},
): JobError {
  return new JobError('unreachable', `${host} (${step}): ${problem}`, {
    ...(cause === undefined ? {} : { cause }),
    lasting,
  });
}

export type BoxErrorReason =
  /** What is said of a box makes no sense. */
  | 'bad-box'
  | 'unknown-box'
  /** The list of boxes cannot be read. */
  | 'malformed-file'
  /** No interpreter on the box can train. */
  | 'no-python';

/** A mistake in what the user told of a box. */
export class BoxError extends Error {
  override readonly name = 'BoxError';
  readonly reason: BoxErrorReason;
  constructor(reason: BoxErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
  static is(error: unknown, reason?: BoxErrorReason): error is BoxError {
    return error instanceof BoxError && (reason === undefined || error.reason === reason);
  }
}
