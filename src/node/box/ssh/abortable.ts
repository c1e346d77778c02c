/** Settles with `work`, or as soon as one of the signals is aborted; what `work` then still does is of no interest. */
export function abortable<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  const given = signals.filter((signal) => signal !== undefined);
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      const aborted = given.find((signal) => signal.aborted);
      done();
      reject(reasonOf(aborted));
    };
    const done = (): void => {
      for (const signal of given) signal.removeEventListener('abort', stop);
    };
    for (const signal of given) signal.addEventListener('abort', stop, { once: true });
    work.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    if (given.some((signal) => signal.aborted)) stop();
  });
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}

/** A time limit that stands still while a person is asked something. */
export class Patience {
  #left: number;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #asking = 0;
  readonly #onTimeout: () => void;

  constructor(ms: number, onTimeout: () => void) {
    this.#left = ms;
    this.#onTimeout = onTimeout;
    this.#run();
  }

  async whileAsking<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#asking++ === 0) this.end();
    try {
      return await ask();
    } finally {
      if (--this.#asking === 0) this.#run();
    }
  }

  /** Stops the clock. */
  end(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left -= performance.now() - this.#since;
  }

  #run(): void {
    this.#since = performance.now();
    this.#timer = setTimeout(this.#onTimeout, Math.max(0, this.#left));
  }
}
