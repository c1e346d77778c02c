import type { Answer, Method, Request } from './request.ts';

/**
 * Drives one generator, a request at a time. Going back is starting again and feeding the same answers: a method has
 * no other state.
 */
export class Stepper<R> {
  readonly #start: () => Method<R>;
  #method: Method<R>;
  #turn: IteratorResult<Request | readonly Request[], R>;
  readonly #answers: (Answer | readonly Answer[])[] = [];

  constructor(start: () => Method<R>) {
    this.#start = start;
    this.#method = start();
    this.#turn = this.#method.next();
  }

  /** Answers given so far. */
  get position(): number {
    return this.#answers.length;
  }

  /** The request that waits for an answer; undefined when the method has ended. */
  get pending(): Request | readonly Request[] | undefined {
    return this.#turn.done ? undefined : this.#turn.value;
  }

  get result(): R | undefined {
    return this.#turn.done ? this.#turn.value : undefined;
  }

  answer(answer: Answer | readonly Answer[]): void {
    if (this.#turn.done) throw new RangeError('The method has ended; there is nothing to answer.');
    this.#answers.push(answer);
    this.#turn = this.#method.next(answer);
  }

  /**
   * Goes to the point where `position` answers have been given, forgetting later ones.
   * @throws RangeError beyond the answers that are known.
   */
  goTo(position: number): void {
    if (position < 0 || position > this.#answers.length)
      throw new RangeError(`There is no position ${position}; ${this.#answers.length} answers are known.`);
    const kept = this.#answers.splice(0).slice(0, position);
    this.#method.return(undefined as never);
    this.#method = this.#start();
    this.#turn = this.#method.next();
    for (const answer of kept) this.answer(answer);
  }

  /** Another stepper at the same place, whose next answers are its own. */
  fork(): Stepper<R> {
    const copy = new Stepper(this.#start);
    for (const answer of this.#answers) copy.answer(answer);
    return copy;
  }

  close(): void {
    this.#method.return(undefined as never);
  }
}
