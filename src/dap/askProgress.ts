import { ProgressEndEvent, ProgressStartEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { short } from './inspection.ts';
import type { PlanThread } from './planThread.ts';

/** Models and tools that are being asked, as progress that the editor shows and can cancel. */
export class AskProgress {
  readonly #send: (event: DebugProtocol.Event) => void;
  readonly #asks = new Map<string, PlanThread>();
  #count = 0;

  constructor(send: (event: DebugProtocol.Event) => void) {
    this.#send = send;
  }

  /** @returns what is called when the answer is there */
  begin(thread: PlanThread | undefined, title: string): () => void {
    const id = `ask-${++this.#count}`;
    if (thread !== undefined) this.#asks.set(id, thread);
    const event: DebugProtocol.ProgressStartEvent = new ProgressStartEvent(id, short(title, 120));
    event.body.cancellable = true;
    this.#send(event);
    return () => {
      this.#asks.delete(id);
      this.#send(new ProgressEndEvent(id));
    };
  }

  cancel(id: string): void {
    this.#asks.get(id)?.pause();
  }
}
