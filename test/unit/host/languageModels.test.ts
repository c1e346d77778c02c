import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LanguageModels } from '../../../src/host/runs/languageModels.ts';
import { runnerArguments } from '../../../src/host/runs/runnerArguments.ts';
import { resolveSettings, settingFromText } from '../../../src/core/pipeline/settings.ts';
import type { EditorReply, EditorRequest } from '../../../src/core/run/editorModels.ts';
import { fakeLanguageModels, type FakeModel } from '../../doubles/languageModels.ts';

const request: EditorRequest = {
  model: 'vendor/small',
  messages: [{ role: 'user', content: 'one two three' }],
  stop: ['\nObservation'],
  maxTokens: 8,
  temperature: 0.2,
  topP: 1,
};
const never = new AbortController().signal;

async function answered(reply: FakeModel['reply'], change: Partial<EditorRequest> = {}) {
  const api = fakeLanguageModels([{ name: 'vendor/small', reply }]);
  const warnings: string[] = [];
  const models = new LanguageModels(api, { warn: (line) => warnings.push(line) });
  const answer = (await models.answer({ kind: 'complete', request: { ...request, ...change } }, never)) as EditorReply;
  return { answer, api, warnings };
}

function failing(error: Error): FakeModel['reply'] {
  return () => {
    throw error;
  };
}
const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });

describe('the editor’s language models', () => {
  it('are listed by the name that settings use', async () => {
    const models = new LanguageModels(fakeLanguageModels([{ name: 'vendor/small', reply: () => [] }]), {
      warn: () => undefined,
    });
    assert.deepEqual(await models.answer({ kind: 'models' }, never), [
      { name: 'vendor/small', title: 'The small', version: '1', maxInputTokens: 8000 },
    ]);
  });

  it('answer with tokens counted, and are told what the request wants', async () => {
    let told: unknown;
    const { answer } = await answered((said, options) => {
      told = [said, options.modelOptions];
      return ['A ', 'thought'];
    });
    assert.deepEqual(told, ['one two three', { temperature: 0.2, top_p: 1, max_tokens: 8 }]);
    assert.deepEqual(answer, {
      ...{ state: 'answered', text: 'A thought', finish: 'stop', promptTokens: 3, completionTokens: 2 },
    });
  });

  it('are stopped at a stop and at the limit, so that nothing more is paid for', async () => {
    const endless = function* (): Generator<string> {
      yield 'Thought';
      yield '\nObser';
      for (;;) yield 'vation: made up. ';
    };
    const stopped = await answered(endless);
    assert.equal(stopped.answer.state === 'answered' && stopped.answer.text, 'Thought\nObservation: made up. ');
    assert.deepEqual([stopped.api.taken, stopped.api.cancelled], [3, 1]);
    const rambling = await answered(endless, { stop: [] });
    assert.ok(rambling.api.taken < 20);
    assert.ok(rambling.answer.state === 'answered' && rambling.answer.finish === 'length');
    assert.ok(rambling.answer.text.split(/\s+/).length <= 10, rambling.answer.text);
  });

  it('fail with what is to be done about it', async () => {
    const cases: [Error, string][] = [
      [coded('NoPermissions'), 'refused'],
      [coded('Blocked'), 'refused'],
      [coded('NotFound'), 'no-model'],
      [coded('Unknown', 'You have been rate limited'), 'busy'],
      [new Error('network'), 'failed'],
    ];
    for (const [error, why] of cases) {
      const { answer, warnings } = await answered(failing(error));
      assert.equal(answer.state === 'failed' && answer.why, why);
      assert.equal(warnings.length, 1);
    }
    const gone = await answered(() => [], { model: 'vendor/other' });
    assert.equal(gone.answer.state === 'failed' && gone.answer.why, 'no-model');
  });

  it('are cancelled when the runner no longer waits', async () => {
    const withdrawn = new AbortController();
    const api = fakeLanguageModels([
      {
        name: 'vendor/small',
        reply: async function* () {
          yield 'a';
          withdrawn.abort();
          await Promise.resolve();
          yield 'b';
        },
      },
    ]);
    const models = new LanguageModels(api, { warn: () => undefined });
    const answer = (await models.answer({ kind: 'complete', request }, withdrawn.signal)) as EditorReply;
    assert.equal(answer.state, 'failed');
    assert.equal(api.cancelled, 1);
  });

  it('are known once looked for, and changes are told', async () => {
    const api = fakeLanguageModels([{ name: 'vendor/small', reply: () => [] }]);
    const models = new LanguageModels(api, { warn: () => undefined });
    let told = 0;
    models.onDidChange(() => told++);
    assert.deepEqual(models.known, []);
    await models.refresh();
    await models.refresh();
    assert.deepEqual([models.known.length, told], [1, 1]);
    api.offered = [];
    await models.refresh();
    assert.deepEqual([models.known.length, told], [0, 2]);
  });

  it('can be a role’s server', () => {
    const { args } = runnerArguments(
      {
        servers: [{ role: 'meta', kind: 'vscode', url: '', model: 'vendor/small' }],
        ...{ mode: 'fixed', seed: 1, box: '', python: '', settings: {} },
      },
      () => undefined,
    );
    const settings = resolveSettings(...args.filter((_, i) => i % 2 === 1).map(settingFromText));
    assert.equal(settings.servers['meta']?.kind, 'vscode');
    assert.deepEqual(settings.roles['meta'], { server: 'meta', model: 'vendor/small' });
    assert.throws(() => resolveSettings({ servers: { a: {} } }), /servers\.a\.baseURL: A server needs its address/);
  });
});
