import type { CompletionAnswer, CompletionRequest } from '../run/request.ts';

/** Where a role's completions come from. */
export interface ModelTarget {
  readonly server: string;
  readonly model: string;
}

/** Model servers as the pipeline sees them. */
export interface Models {
  /**
   * @param item the key of the item that asks: what it asks in one go shares a prefix that is worth keeping
   * @throws ServerError
   */
  complete(
    target: ModelTarget,
    request: CompletionRequest,
    signal: AbortSignal,
    item?: string,
  ): Promise<CompletionAnswer>;
  /** The item asks nothing more. */
  ended?(item: string): void;
  /** Makes sure that a server answers and knows the model. @throws ServerError with the remedy. */
  check(target: ModelTarget, signal: AbortSignal): Promise<void>;
}

export type ServerErrorReason =
  | 'unreachable'
  /** The connection of this one request was lost again and again, while the server answers others. */
  | 'connection'
  /** The run has spent what it may. */
  | 'budget'
  | 'auth'
  | 'no-model'
  | 'rate-limit'
  | 'timeout'
  | 'context-length'
  | 'bad-request'
  | 'bad-response'
  | 'server'
  | 'engine';

/** What went wrong with a model server. An error is never an answer: it is shown, counted and kept out of scores. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly reason: ServerErrorReason;
  readonly remedy: string | undefined;

  constructor(reason: ServerErrorReason, message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.remedy = remedy;
  }

  /** Whether asking anything else of the same server is pointless: the stage stops and the run waits to be resumed. */
  get fatal(): boolean {
    return (
      this.reason === 'unreachable' ||
      this.reason === 'budget' ||
      this.reason === 'auth' ||
      this.reason === 'no-model' ||
      this.reason === 'engine'
    );
  }

  static is(error: unknown, reason?: ServerErrorReason): error is ServerError {
    return error instanceof ServerError && (reason === undefined || error.reason === reason);
  }
}
