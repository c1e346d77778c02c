export type ToolErrorReason =
  | 'unreachable'
  | 'auth'
  | 'rate-limit'
  | 'timeout'
  | 'bad-response'
  | 'not-configured'
  | 'not-installed'
  | 'not-approved'
  | 'crashed';

/**
 * A tool that could not do its work, as opposed to one that found nothing. It is never an observation: the item ends
 * with the reason, is shown and counted, and is asked again on resume.
 */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly reason: ToolErrorReason;
  readonly remedy: string | undefined;

  constructor(reason: ToolErrorReason, message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.remedy = remedy;
  }

  /** Whether every other call of the tool would fail too: the stage stops, and the run waits to be resumed. */
  get fatal(): boolean {
    return !(['rate-limit', 'timeout', 'bad-response', 'crashed'] as readonly string[]).includes(this.reason);
  }

  static is(error: unknown, reason?: ToolErrorReason): error is ToolError {
    return error instanceof ToolError && (reason === undefined || error.reason === reason);
  }
}
