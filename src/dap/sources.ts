import type { DebugProtocol } from '@vscode/debugprotocol';
import { callText, type Part } from '../core/debug/path.ts';
import { traceExtension } from '../core/debug/forkId.ts';
import { visible, visibleLine } from '../core/trajectory/visible.ts';
import type { PlanThread } from './planThread.ts';

/**
 * The texts of a session. A trace that the editor shows has its URI; what nobody else shows (a client without documents
 * of its own, a prompt with its completion) is the session's own and is fetched by number.
 */
export class Sources {
  readonly #documents = new Map<number, string>();
  readonly #owners = new Map<string, number>();
  readonly #own = new Map<string, number>();
  readonly #texts: (() => string)[] = [];

  addTrace(thread: PlanThread, document: string | undefined): void {
    if (document === undefined) return;
    this.#documents.set(thread.id, document);
    this.#owners.set(document, thread.id);
  }

  /** Document of the recording, where the editor shows it. */
  documentOf(thread: PlanThread): string | undefined {
    return this.#documents.get(thread.id);
  }

  keyOf({ path, sourceReference }: DebugProtocol.Source): string {
    return sourceReference !== undefined && sourceReference > 0 ? `#${sourceReference}` : (path ?? '');
  }

  threadOf(source: DebugProtocol.Source): number | undefined {
    return this.#owners.get(this.keyOf(source));
  }

  /** The trace of the path that is followed. */
  trace(thread: PlanThread): DebugProtocol.Source {
    const { fork, target } = thread.player;
    const id = fork?.record.id ?? target.key;
    const name = `${visibleLine(id, 200)}${traceExtension}`;
    const document = fork === undefined ? this.#documents.get(thread.id) : fork.document;
    if (document !== undefined) {
      this.#owners.set(document, thread.id);
      return { name, path: document };
    }
    const sourceReference = this.#reference(`trace ${thread.id} ${id}`, () => thread.map.text);
    this.#owners.set(`#${sourceReference}`, thread.id);
    return { name, sourceReference };
  }

  /** A prompt and what came back, as they were sent and received. */
  call(thread: PlanThread, call: Part): { readonly source: DebugProtocol.Source; readonly answerLine: number } {
    const { request, take } = call;
    const asked =
      request.kind === 'complete'
        ? request.prompt
        : request.kind === 'tool'
          ? `${request.tool}[${request.argument}]`
          : '';
    const head = [`=== Asked: ${visibleLine(callText(request), 200)}`, ...visible(asked).split('\n'), ''];
    const text = [...head, '=== Answered', visible(take?.answer.text ?? '(not yet)')].join('\n');
    const key = `call ${thread.id} ${call.i} ${thread.player.fork?.record.id ?? ''} ${take === undefined ? 'asked' : take.answer.text}`;
    const sourceReference = this.#reference(key, () => text);
    return {
      source: { name: `${visibleLine(callText(request), 60)}.txt`, sourceReference, presentationHint: 'emphasize' },
      answerLine: head.length + 1,
    };
  }

  content(reference: number): string {
    return this.#texts[reference - 1]?.() ?? '';
  }

  #reference(key: string, text: () => string): number {
    let known = this.#own.get(key);
    if (known === undefined) {
      known = this.#texts.push(text);
      this.#own.set(key, known);
    }
    return known;
  }
}
