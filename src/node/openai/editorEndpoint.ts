import { ServerError } from '../../core/ports/models.ts';
import type { Capabilities } from '../../core/run/capabilities.ts';
import type { EditorModels, EditorReply } from '../../core/run/editorModels.ts';
import type { CompletionRequest } from '../../core/run/request.ts';
import { asCompletion, requestBody, type Dialect } from './dialect.ts';
import type { Endpoint, Told } from './endpoint.ts';
import { describeFailure, TryFailure, type Whose } from './failures.ts';

/** What the Language Model API has room for. */
const dialect: Dialect = { api: 'chat', topK: false, seed: false, limit: 'max_tokens', prefill: 'none' };
/** Models of an editor serve one person at work; many at once run into a limit that is not told. */
const atOnce = 4;
const aliveTimeoutMs = 5000;

/** The editor's language models as a server: asked over the editor's channel, since only its process may. */
export class EditorEndpoint implements Endpoint {
  readonly #editor: EditorModels;
  readonly #whose: Whose;

  constructor(name: string, editor: EditorModels, timeoutSeconds: number) {
    this.#editor = editor;
    this.#whose = { name, baseURL: 'the language models of VS Code', apiKey: '', timeoutSeconds };
  }

  async ask(model: string, request: CompletionRequest, as: Dialect, signal: AbortSignal): Promise<Told> {
    signal.throwIfAborted();
    const { body } = requestBody(model, request, as);
    const inTime = AbortSignal.timeout(this.#whose.timeoutSeconds * 1000);
    const reply = await this.#editor.complete(
      {
        model,
        messages: body['messages'] as { role: 'user' | 'assistant'; content: string }[],
        stop: (body['stop'] as string[] | undefined) ?? [],
        maxTokens: request.maxTokens,
        temperature: request.sampling.temperature,
        topP: request.sampling.topP,
      },
      AbortSignal.any([signal, inTime]),
    );
    signal.throwIfAborted();
    if (reply?.state !== 'answered')
      throw inTime.aborted ? describeFailure(inTime.reason, model, this.#whose) : this.#failure(reply, model);
    const { text, finish, promptTokens, completionTokens } = reply;
    const answer = { kind: 'completion', text, finish, usage: { promptTokens, completionTokens } } as const;
    return { answer: asCompletion(answer, request, as) };
  }

  async alive(signal: AbortSignal): Promise<boolean> {
    const models = await this.#editor.list(AbortSignal.any([signal, AbortSignal.timeout(aliveTimeoutMs)]));
    signal.throwIfAborted();
    return models !== undefined;
  }

  /** What the models can do is known; which there are, the editor says. @throws ServerError */
  async capabilities(signal: AbortSignal): Promise<Capabilities> {
    const models = await this.#editor.list(signal);
    signal.throwIfAborted();
    if (models === undefined) throw this.#gone();
    if (models.length === 0)
      throw new ServerError(
        'no-model',
        `Server "${this.#whose.name}": no extension of this editor offers a language model.`,
        'Install one that does, such as GitHub Copilot Chat, and sign in; or choose another server.',
      );
    return {
      kind: 'vscode',
      dialect,
      logprobs: false,
      cachedTokens: false,
      models: models.map(({ name }) => name),
      adapters: [],
      revisions: models.map(({ name, version }) => ({ model: name, revision: version })),
      capacity: { slots: atOnce, from: 'few at once, since the editor tells no limit' },
    };
  }

  #failure(reply: Exclude<EditorReply, { state: 'answered' }> | undefined, model: string): TryFailure {
    if (reply === undefined) return new TryFailure('outage', this.#gone());
    const message = `Server "${this.#whose.name}", model "${model}" of VS Code: ${reply.message.slice(0, 300)}`;
    switch (reply.why) {
      case 'refused':
        return new TryFailure(
          'final',
          new ServerError(
            'auth',
            message,
            'Allow AutoAct to use it (command "Manage Language Model Access"), or look at the quota of your plan.',
          ),
        );
      case 'no-model':
        return new TryFailure('final', new ServerError('no-model', message, 'Choose a model that the editor offers.'));
      case 'busy':
        return new TryFailure('busy', new ServerError('rate-limit', message, 'Set requestsPerMinute of the server.'));
      case 'failed':
        return new TryFailure('outage', new ServerError('server', message));
    }
  }

  #gone(): ServerError {
    return new ServerError(
      'unreachable',
      `Server "${this.#whose.name}": the editor does not answer.`,
      'Resume the run from VS Code.',
    );
  }
}

/** @throws ServerError where this process was not started by an editor */
export function needEditor(name: string, editor: EditorModels | undefined): EditorModels {
  if (editor !== undefined) return editor;
  throw new ServerError(
    'unreachable',
    `Server "${name}" stands for the language models of VS Code, which only a run that VS Code started can ask.`,
    'Start or resume the run in VS Code, or choose another server.',
  );
}
