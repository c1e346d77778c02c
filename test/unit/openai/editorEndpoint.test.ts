import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerError } from '../../../src/core/ports/models.ts';
import { resolveSettings } from '../../../src/core/pipeline/settings.ts';
import type { EditorModels, EditorReply, EditorRequest } from '../../../src/core/run/editorModels.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import { ModelServers } from '../../../src/node/openai/modelServers.ts';

const request: CompletionRequest = {
  kind: 'complete',
  role: 'plan',
  purpose: 'thought',
  prompt: 'Question: who?\nThought:',
  stop: ['\n'],
  maxTokens: 16,
  sampling: { temperature: 0.5, topP: 1, topK: 40, seed: 7 },
};
const never = new AbortController().signal;
const target = { server: 'editor', model: 'vendor/small' };

function editorThat(reply: (asked: EditorRequest, n: number) => EditorReply | undefined) {
  const asked: EditorRequest[] = [];
  const editor: EditorModels = {
    list: () => Promise.resolve([{ name: 'vendor/small', title: 'Small', version: '3', maxInputTokens: 4000 }]),
    complete: (one) => {
      asked.push(one);
      return Promise.resolve(reply(one, asked.length));
    },
  };
  return { editor, asked };
}

function client(editor: EditorModels | undefined, more: Record<string, unknown> = {}): ModelServers {
  const { servers } = resolveSettings({ servers: { editor: { kind: 'vscode', ...more } } });
  return new ModelServers({
    ...{ servers, editor, embeddedConcurrency: 1, secret: () => undefined },
    embedded: () => Promise.reject(new Error('no engine here')),
  });
}
const said = (text: string): EditorReply => ({
  ...{ state: 'answered', text, finish: 'stop', promptTokens: 5, completionTokens: 3 },
});

test('the editor’s models answer like a chat server: cue and stops are dealt with here', async () => {
  const { editor, asked } = editorThat(() => said('Thought: Look it up.\nAction: Search'));
  const models = client(editor);
  const answer = await models.complete(target, request, never, 'item');
  assert.equal(answer.text, 'Look it up.');
  assert.equal(answer.discarded, '\nAction: Search');
  assert.deepEqual(asked[0]?.messages, [{ role: 'user', content: request.prompt }]);
  assert.deepEqual(asked[0].stop, ['\nObservation']);
  const { kind, dialect, logprobs } = (await models.capabilities(target, never)).get('editor')!;
  assert.deepEqual([kind, dialect.seed, dialect.topK, logprobs], ['vscode', false, false, false]);
  models.close();
});

test('a model that the editor does not offer is named, with what it offers', async () => {
  const models = client(editorThat(() => said('x')).editor);
  await assert.rejects(models.check({ server: 'editor', model: 'gone' }, never), (error: unknown) => {
    return ServerError.is(error, 'no-model') && /vendor\/small/.test(error.remedy ?? '');
  });
});

test('at a terminal there is no editor to ask, and the message says so', async () => {
  await assert.rejects(client(undefined).complete(target, request, never), (error: unknown) => {
    return ServerError.is(error, 'unreachable') && error.fatal && /VS Code/.test(error.message);
  });
});

test('refusals end the stage, what fails is asked again, a hang ends in time', async () => {
  const refused = editorThat(() => ({ state: 'failed', why: 'refused', message: 'no consent' }));
  await assert.rejects(client(refused.editor).complete(target, request, never), (error: unknown) => {
    return ServerError.is(error, 'auth') && error.fatal && /Manage Language Model Access/.test(error.remedy ?? '');
  });
  assert.equal(refused.asked.length, 1);
  const flaky = editorThat((_, n) => (n < 2 ? { state: 'failed', why: 'failed', message: 'net' } : said('yes')));
  assert.equal((await client(flaky.editor).complete(target, request, never)).retries, 1);
  const { editor } = editorThat(() => said('never'));
  const hanging: EditorModels = {
    list: (signal) => editor.list(signal),
    complete: (_, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          resolve(undefined);
        });
      }),
  };
  const cancelled = new AbortController();
  const waiting = client(hanging, { timeoutSeconds: 60 }).complete(target, request, cancelled.signal);
  setTimeout(() => {
    cancelled.abort(new Error('enough'));
  }, 20);
  await assert.rejects(waiting, /enough/);
});
