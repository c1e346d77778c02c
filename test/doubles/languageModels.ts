import type * as vscode from 'vscode';
import type { LanguageModelApi } from '../../src/host/runs/languageModels.ts';

export interface FakeModel {
  /** `vendor/id`. */
  readonly name: string;
  /** Parts of the answer to what was asked; throws what the API would reject with. */
  readonly reply: (
    said: string,
    options: vscode.LanguageModelChatRequestOptions,
  ) => Iterable<string> | AsyncIterable<string>;
}

export interface FakeApi extends LanguageModelApi {
  /** Parts that were taken from models, over all requests. */
  taken: number;
  cancelled: number;
  offered: readonly FakeModel[];
}

/** `vscode.lm` without an editor: a token is a word. */
export function fakeLanguageModels(models: readonly FakeModel[]): FakeApi {
  const listeners = new Set<() => unknown>();
  const api: FakeApi = {
    taken: 0,
    cancelled: 0,
    offered: models,
    models: () => Promise.resolve(api.offered.map(chat)),
    message: (role, content) => ({ role, content }) as unknown as vscode.LanguageModelChatMessage,
    cancellation: () => {
      const token = { isCancellationRequested: false };
      return {
        token,
        cancel: () => {
          token.isCancellationRequested = true;
          api.cancelled++;
        },
        dispose: () => undefined,
      } as unknown as vscode.CancellationTokenSource;
    },
    changed: {
      event: (listener: () => unknown) => {
        listeners.add(listener);
        const subscription: unknown = { dispose: () => listeners.delete(listener) };
        return subscription as vscode.Disposable;
      },
      fire: () => {
        for (const listener of listeners) listener();
      },
    },
  };
  const words = (text: unknown): number =>
    (typeof text === 'string' ? text : (text as { content: string }).content).split(/\s+/).filter(Boolean).length;
  const chat = ({ name, reply }: FakeModel): vscode.LanguageModelChat => {
    const [vendor = '', id = ''] = name.split('/');
    return {
      ...{ vendor, id, name: `The ${id}`, family: id, version: '1', maxInputTokens: 8000 },
      countTokens: (text: unknown) => Promise.resolve(words(text)),
      sendRequest: async (
        messages: readonly { role: string; content: string }[],
        options: vscode.LanguageModelChatRequestOptions,
        token: vscode.CancellationToken,
      ) => {
        await Promise.resolve();
        const parts = reply(messages.map(({ content }) => content).join('\n'), options);
        return {
          text: (async function* () {
            for await (const part of parts) {
              if (token.isCancellationRequested) throw new Error('Canceled');
              api.taken++;
              yield part;
            }
          })(),
        };
      },
    } as unknown as vscode.LanguageModelChat;
  };
  return api;
}
