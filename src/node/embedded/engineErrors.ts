/** What can go wrong between us and the embedded engine; callers branch on `reason`, never on text. */
export type EngineErrorReason =
  /** node-llama-cpp, or its binary for this platform, cannot be found. */
  | 'not-installed'
  /** Found, but not the version whose batching interface we drive. */
  | 'incompatible'
  | 'bad-model'
  | 'bad-adapter'
  /** The start options make no sense (context too small, a name used twice). */
  | 'bad-options'
  | 'start-timeout'
  /** The process ended by itself. */
  | 'crashed'
  | 'aborted'
  /** The engine answered a control call with an error. */
  | 'refused';

export class EngineError extends Error {
  readonly reason: EngineErrorReason;
  constructor(reason: EngineErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.reason = reason;
  }
  static is(error: unknown, reason?: EngineErrorReason): error is EngineError {
    return error instanceof EngineError && (reason === undefined || error.reason === reason);
  }
}
