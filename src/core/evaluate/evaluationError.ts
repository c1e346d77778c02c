export type EvaluationReason =
  'unknown-question' | 'duplicate-answer' | 'bad-question' | 'bad-predictions' | 'bad-request';

/** Something is wrong with what should be scored; never with an answer itself, which is only right or wrong. */
export class EvaluationError extends Error {
  readonly reason: EvaluationReason;

  constructor(reason: EvaluationReason, message: string) {
    super(message);
    this.name = 'EvaluationError';
    this.reason = reason;
  }

  static is(error: unknown, reason?: EvaluationReason): error is EvaluationError {
    return error instanceof EvaluationError && (reason === undefined || error.reason === reason);
  }
}
