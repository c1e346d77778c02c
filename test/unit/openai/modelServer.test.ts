import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutAtStops } from '../../../src/node/openai/dialect.ts';
import type { ModelServer } from '../../../src/node/openai/modelServer.ts';
import { ServerError, type ServerErrorReason } from '../../../src/core/ports/models.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import { clientAt } from '../../doubles/client.ts';
import type { Clock } from '../../../src/node/openai/clock.ts';
import { CompletionServer, hang, reset, stalled, type Reply } from '../../doubles/completionServer.ts';

const request: CompletionRequest = {
  kind: 'complete',
  role: 'plan',
  purpose: 'thought',
  prompt: 'Thought:',
  stop: ['\n'],
  maxTokens: 8,
  sampling: { temperature: 0, topP: 1, topK: 40, seed: 7 },
};
const key = 'sk-canary-5f2';

async function against<T>(
  reply: (n: number) => Reply,
  work: (server: ModelServer, asked: CompletionServer) => Promise<T>,
  api: 'completions' | 'chat' = 'completions',
): Promise<T> {
  const double = new CompletionServer((_, n) => reply(n));
  const baseURL = await double.start();
  try {
    return await work(clientAt({ baseURL, apiKey: key, timeoutSeconds: 1, dialect: { api }, clock: hasty() }), double);
  } finally {
    await double.stop();
  }
}

/** Waits in no time of ours, although its own goes by. */
function hasty(): Clock {
  let now = 0;
  return {
    now: () => now,
    random: () => 0,
    sleep: (ms) => {
      now += ms;
      return new Promise((go) => setImmediate(go));
    },
  };
}

const never = new AbortController().signal;

test('a completion comes back with its usage', async () => {
  const answer = await against(
    () => ' I think',
    (s) => s.complete('base', request, never),
  );
  assert.deepEqual(answer, {
    kind: 'completion',
    text: ' I think',
    finish: 'stop',
    usage: { promptTokens: 7, completionTokens: 3 },
  });
});

test('an empty completion is an answer; it is for the parser to judge', async () => {
  assert.equal(
    (
      await against(
        () => '',
        (s) => s.complete('base', request, never),
      )
    ).text,
    '',
  );
});

const notUtf8 = Buffer.concat([Buffer.from('{"choices":[{"text":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}]}')]);
const failures: readonly (readonly [string, Reply, ServerErrorReason])[] = [
  ['a 500 after retries', { status: 500, body: '{"error":{"message":"boom"}}' }, 'server'],
  [
    'an HTML page with status 200',
    { status: 200, body: '<html>login</html>', headers: { 'content-type': 'text/html' } },
    'bad-response',
  ],
  ['JSON that is cut off', { status: 200, body: '{"choices":[' }, 'bad-response'],
  ['an answer without choices', { status: 200, body: '{"object":"text_completion"}' }, 'bad-response'],
  ['choices of the wrong shape', { status: 200, body: '{"choices":[{"text":42}]}' }, 'bad-response'],
  ['an empty body', { status: 200, body: '' }, 'bad-response'],
  ['a wrong key', { status: 401, body: `{"error":{"message":"bad key ${key}"}}` }, 'auth'],
  ['an unknown model', { status: 404, body: '{"error":{"message":"no such model"}}' }, 'no-model'],
  ['a rate limit', { status: 429, body: '{"error":{"message":"slow down"}}' }, 'rate-limit'],
  [
    'a prompt that is too long',
    { status: 400, body: '{"error":{"message":"too long","code":"context_length_exceeded"}}' },
    'context-length',
  ],
  ['connections that this request alone loses', reset, 'connection'],
  ['text that is not UTF-8', { status: 200, body: notUtf8 }, 'bad-response'],
  [
    'a chat model that thought until its limit',
    { status: 200, body: '{"choices":[{"finish_reason":"length"}]}' },
    'bad-response',
  ],
  ['a body that never ends', stalled, 'timeout'],
  ['silence', hang, 'timeout'],
];

for (const [what, reply, reason] of failures) {
  test(`${what} is an error with reason ${reason}, never an answer, and does not give the key away`, async () => {
    await against(
      () => reply,
      async (s) => {
        await assert.rejects(s.complete('base', request, never), (error) => {
          assert.ok(ServerError.is(error, reason), error instanceof ServerError ? error.reason : String(error));
          assert.doesNotMatch(`${error.message} ${error.remedy ?? ''}`, new RegExp(key));
          return true;
        });
      },
    );
  });
}

test('transient trouble is retried, and asked of the server as often as that', async () => {
  const calls = await against(
    (n) => (n < 3 ? { status: 503, body: '{}', headers: { 'retry-after-ms': '5' } } : ' fine'),
    async (s, double) => {
      assert.equal((await s.complete('base', request, never)).text, ' fine');
      return double.asked.length;
    },
  );
  assert.equal(calls, 3);
});

test('no server at all is unreachable and fatal', async () => {
  const s = clientAt({ name: 'gone', baseURL: 'http://user:secret@127.0.0.1:9/v1', timeoutSeconds: 1 });
  await assert.rejects(
    s.complete('base', request, never),
    (e) => ServerError.is(e, 'unreachable') && e.fatal && !e.message.includes('secret'),
  );
});

test('cancelling rejects with the reason of the signal', async () => {
  await against(
    () => hang,
    async (s) => {
      const controller = new AbortController();
      const pending = s.complete('base', request, controller.signal);
      setTimeout(() => {
        controller.abort(new Error('enough'));
      }, 30);
      await assert.rejects(pending, /enough/);
    },
  );
});

test('chat servers get one message, and what they say after the stop is cut off', async () => {
  const answer = await against(
    () => '\n I think.\nAction: Finish[x]\nObservation: made up',
    (s) => s.complete('base', request, never),
    'chat',
  );
  assert.equal(answer.text, 'I think.');
});

test('stops are cut at the first that occurs', () => {
  assert.equal(cutAtStops('a[b\nc', ['\n', '[']), 'a');
  assert.equal(cutAtStops('abc', ['\n']), 'abc');
});
