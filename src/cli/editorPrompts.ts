import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Ask } from '../core/box/boxStatus.ts';
import { AskAnswer, askVariable } from '../core/box/boxStatus.ts';
import { EditorModel, EditorReply, type EditorModels } from '../core/run/editorModels.ts';
import type { SshPorts } from '../node/box/ssh/ports.ts';
import * as z from 'zod';

/**
 * Asks the editor that started this process: a question is a line on standard output, its answer one on standard
 * input. When that ends, the editor is gone, and nothing is answered any more.
 */
export function askEditor(
  input: Readable & { ref?: () => unknown; unref?: () => unknown } = process.stdin,
  output: Writable = process.stdout,
): SshPorts & { readonly models: EditorModels } {
  const open = new Map<number, (answer: AskAnswer) => void>();
  let last = 0;
  let gone = false;
  // While a question is open, this process waits for its answer; else it ends when its work is done.
  const close = (id: number): void => {
    open.delete(id);
    if (open.size === 0) input.unref?.();
  };
  createInterface({ input })
    .on('line', (line) => {
      const parsed = AskAnswer.safeParse(parseJson(line));
      if (!parsed.success) return;
      const answer = open.get(parsed.data.id);
      close(parsed.data.id);
      answer?.(parsed.data.answer);
    })
    .on('close', () => {
      gone = true;
      for (const answer of open.values()) answer(undefined);
      open.clear();
    });
  input.unref?.();

  const ask = (question: Ask, signal?: AbortSignal): Promise<AskAnswer> =>
    new Promise((resolve) => {
      if (gone || signal?.aborted === true) {
        resolve(undefined);
        return;
      }
      const id = ++last;
      const leave = (): void => {
        close(id);
        output.write(`${JSON.stringify({ type: 'withdrawn', id })}\n`);
        resolve(undefined);
      };
      signal?.addEventListener('abort', leave, { once: true });
      open.set(id, (answer) => {
        signal?.removeEventListener('abort', leave);
        resolve(answer);
      });
      input.ref?.();
      output.write(`${JSON.stringify({ type: 'ask', id, ask: question })}\n`);
    });
  const text = async (question: Ask, signal?: AbortSignal): Promise<string | undefined> => {
    const answer = await ask(question, signal);
    return typeof answer === 'string' ? answer : undefined;
  };
  return {
    askSecret: (request, signal) => text({ kind: 'secret', request }, signal),
    acceptHostKey: async (question, signal) => (await ask({ kind: 'host-key', question }, signal)) === true,
    secrets: {
      get: (name) => text({ kind: 'get-secret', name }),
      set: async (name, secret) => {
        await ask({ kind: 'set-secret', name, secret });
      },
      delete: async (name) => {
        await ask({ kind: 'delete-secret', name });
      },
    },
    models: {
      list: async (signal) => z.array(EditorModel).safeParse(await ask({ kind: 'models' }, signal)).data,
      complete: async (request, signal) => EditorReply.safeParse(await ask({ kind: 'complete', request }, signal)).data,
    },
  };
}

let here: ReturnType<typeof askEditor> | undefined;

/** The editor that started this process, and one way to it for all who ask; undefined at a terminal. */
export function editorHere(): ReturnType<typeof askEditor> | undefined {
  if (process.env[askVariable] === 'stdio') here ??= askEditor();
  return here;
}

/** Of what has no use without the editor that started it: ends this process when that is gone, however it went. */
export function endWithEditor(): void {
  if (process.env[askVariable] === 'stdio') process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM'));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
