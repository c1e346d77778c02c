import { createRandom } from '../../src/core/run/random.ts';
import type { Clock } from '../../src/node/openai/clock.ts';

/** A clock that goes on to the next event as soon as nobody has anything to do: hours pass in seconds. */
export class VirtualClock implements Clock {
  #now = 0;
  /** Binary heap by time, then by the order in which they were asked for. */
  readonly #events: { at: number; order: number; go: () => void }[] = [];
  #order = 0;
  readonly #random = createRandom('clock');

  now(): number {
    return this.#now;
  }
  random(): number {
    return this.#random.next();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const abort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      this.at(this.#now + ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  at(time: number, go: () => void): void {
    const heap = this.#events;
    heap.push({ at: Math.max(time, this.#now), order: this.#order++, go });
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  /** Lets time pass until the work is done. @throws Error when it waits for something that will never happen */
  async run<T>(work: Promise<T>): Promise<T> {
    const state = { done: false };
    const settled = work.finally(() => (state.done = true));
    settled.catch(() => undefined);
    for (;;) {
      await new Promise((turn) => setImmediate(turn));
      if (state.done) return settled;
      const next = this.#pop();
      if (next === undefined) throw new Error('Nothing will ever happen: the work waits for itself.');
      this.#now = next.at;
      next.go();
    }
  }

  #pop(): { at: number; go: () => void } | undefined {
    const heap = this.#events;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      let least = i;
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left;
      if (left + 1 < heap.length && before(heap[left + 1]!, heap[least]!)) least = left + 1;
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
