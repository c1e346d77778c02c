import * as l10n from '@vscode/l10n';
import type * as vscode from 'vscode';
import type { AskAnswer } from '../../core/box/boxStatus.ts';
import type { EditorModel, EditorReply, EditorRequest } from '../../core/run/editorModels.ts';

/** The part of `vscode.lm` that is used, and what makes its arguments; passed in, so that tests need no editor. */
export interface LanguageModelApi {
  models(): Thenable<readonly vscode.LanguageModelChat[]>;
  message(role: 'user' | 'assistant', content: string): vscode.LanguageModelChatMessage;
  cancellation(): vscode.CancellationTokenSource;
  /** Fired when other models are known to be offered. */
  readonly changed: Pick<vscode.EventEmitter<void>, 'event' | 'fire'>;
}

/** No tokenizer makes so many characters of a token in text of people: an answer that is longer has ignored its limit. */
const charsPerToken = 8;

/**
 * Answers what a runner asks of the editor's language models. Consent is VS Code's: it shows its own dialog at the first
 * request to a model. A stop or the limit of an answer ends the stream, so that nothing more is paid for.
 */
export class LanguageModels {
  private readonly api: LanguageModelApi;
  private readonly log: Pick<vscode.LogOutputChannel, 'warn'>;
  /** What was offered when last looked; nothing before: to look may start the extensions that offer. */
  private offered: readonly EditorModel[] = [];

  constructor(api: LanguageModelApi, log: Pick<vscode.LogOutputChannel, 'warn'>) {
    this.api = api;
    this.log = log;
  }

  get known(): readonly EditorModel[] {
    return this.offered;
  }
  get onDidChange(): vscode.Event<void> {
    return this.api.changed.event;
  }

  /** Looks again, for those who show what is offered. Never rejects. */
  async refresh(): Promise<void> {
    const before = JSON.stringify(this.offered);
    this.offered = await this.list().catch((error: unknown) => {
      this.log.warn(`The editor’s language models cannot be listed: ${String(error)}`);
      return [];
    });
    if (JSON.stringify(this.offered) !== before) this.api.changed.fire();
  }

  async list(): Promise<EditorModel[]> {
    return (await this.api.models()).map((model) => ({
      name: nameOf(model),
      title: model.name,
      version: model.version,
      maxInputTokens: model.maxInputTokens,
    }));
  }

  answer(ask: { readonly kind: 'models' } | Completion, withdrawn: AbortSignal): Promise<AskAnswer> {
    return ask.kind === 'models' ? this.list() : this.complete(ask.request, withdrawn);
  }

  private async complete(request: EditorRequest, withdrawn: AbortSignal): Promise<EditorReply> {
    const cancellation = this.api.cancellation();
    const cancel = (): void => {
      cancellation.cancel();
    };
    withdrawn.addEventListener('abort', cancel, { once: true });
    try {
      const offered = await this.api.models();
      const model = offered.find((one) => nameOf(one) === request.model);
      if (model === undefined) {
        const names = offered.map(nameOf).join(', ');
        return {
          state: 'failed',
          why: 'no-model',
          message: `It is not offered; offered are: ${names || 'none'}.`,
        };
      }
      const messages = request.messages.map(({ role, content }) => this.api.message(role, content));
      const { maxTokens, temperature, topP } = request;
      const response = await model.sendRequest(
        messages,
        // Vendors differ in what they heed of this; what they do not is kept here.
        {
          justification: l10n.t('AutoAct asks it for the questions, plans and answers of the run that you started.'),
          modelOptions: { temperature, top_p: topP, max_tokens: maxTokens },
        },
        cancellation.token,
      );
      let text = '';
      for await (const part of response.text) {
        text += part;
        if (text.length > maxTokens * charsPerToken || request.stop.some((stop) => text.trimStart().includes(stop))) {
          cancel();
          break;
        }
      }
      const [promptTokens, completionTokens] = await Promise.all([
        sum(messages.map((message) => count(model, message))),
        count(model, text),
      ]);
      const cut = Math.max(completionTokens / maxTokens, text.length / (maxTokens * charsPerToken));
      return cut <= 1
        ? { state: 'answered', text, finish: 'stop', promptTokens, completionTokens }
        : {
            state: 'answered',
            text: text.slice(0, Math.floor(text.length / cut)),
            finish: 'length',
            promptTokens,
            completionTokens,
          };
    } catch (error) {
      const failure = describe(error);
      this.log.warn(`Language model ${request.model}: ${failure.why}, ${failure.message}`);
      return failure;
    } finally {
      withdrawn.removeEventListener('abort', cancel);
      cancellation.dispose();
    }
  }
}

interface Completion {
  readonly kind: 'complete';
  readonly request: EditorRequest;
}

function nameOf({ vendor, id }: Pick<vscode.LanguageModelChat, 'vendor' | 'id'>): string {
  return `${vendor}/${id}`;
}

/** What a request used is told, not needed: an answer is not lost because it cannot be counted. */
async function count(model: vscode.LanguageModelChat, text: string | vscode.LanguageModelChatMessage): Promise<number> {
  try {
    return await model.countTokens(text);
  } catch {
    return 0;
  }
}

async function sum(counts: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(counts)).reduce((a, b) => a + b, 0);
}

/** By the code of a `LanguageModelError`, else by what the vendor's own error says. */
function describe(error: unknown): Extract<EditorReply, { state: 'failed' }> {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  const message = [error instanceof Error ? error.message : String(error), cause]
    .filter((part) => part !== '')
    .join(' ');
  const failed = (why: 'refused' | 'no-model' | 'busy' | 'failed') => ({ state: 'failed', why, message }) as const;
  if (code === 'NotFound') return failed('no-model');
  if (/rate.?limit|\b429\b|too many requests/i.test(`${code} ${message}`)) return failed('busy');
  if (code === 'NoPermissions' || code === 'Blocked' || /quota/i.test(`${code} ${message}`)) return failed('refused');
  return failed('failed');
}
