/** A task card, or data that it names, is wrong. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly reason: 'task-card' | 'data';
  readonly remedy: string | undefined;

  constructor(reason: TaskError['reason'], message: string, remedy?: string) {
    super(message);
    this.reason = reason;
    this.remedy = remedy;
  }
}
