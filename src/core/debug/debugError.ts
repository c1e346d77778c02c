export type DebugErrorReason =
  'no-answer' | 'other-argument' | 'recording-only' | 'not-editable' | 'live-only' | 'method' | 'launch';

/** What the debugger cannot do, as opposed to trouble with a server or a tool. */
export class DebugError extends Error {
  override readonly name = 'DebugError';
  readonly reason: DebugErrorReason;

  constructor(reason: DebugErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }

  static is(error: unknown, reason?: DebugErrorReason): error is DebugError {
    return error instanceof DebugError && (reason === undefined || error.reason === reason);
  }
}
