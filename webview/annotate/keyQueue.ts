import type { Pressed } from './keys.ts';

/**
 * Keys that are pressed while the host still works on the one before. They wait for its answer, since they are meant
 * for what it leads to: a quick "1 1 1" answers three aspects, not the first of them three times.
 */
export class KeyQueue {
  #asked = 0;
  #waiting: Pressed[] = [];

  /** The host was asked for something. */
  asked(): void {
    this.#asked++;
  }

  answered(): void {
    this.#asked--;
  }

  get busy(): boolean {
    return this.#asked > 0 || this.#waiting.length > 0;
  }

  add(pressed: Pressed): void {
    this.#waiting.push(pressed);
  }

  /** The key whose turn it is; undefined while the host works. */
  next(): Pressed | undefined {
    return this.#asked > 0 ? undefined : this.#waiting.shift();
  }

  /** What waits was meant for something that did not come about. */
  clear(): void {
    this.#waiting = [];
  }
}
