import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToolError, type ToolErrorReason } from '../../../src/core/tools/toolError.ts';
import { askJson, askWeb, type WebRequest } from '../../../src/node/tools/webRequest.ts';
import { JsonServer, type HttpAsked, type HttpReply } from '../../doubles/jsonServer.ts';

const signal = new AbortController().signal;

async function withServer(
  reply: (asked: HttpAsked, count: number) => HttpReply,
  work: (ask: (more?: Partial<WebRequest>) => Promise<unknown>, server: JsonServer, origin: string) => Promise<void>,
): Promise<void> {
  const server = new JsonServer(reply);
  const origin = await server.start();
  const request = { name: 'The server', url: new URL(`${origin}/a`), timeoutSeconds: 20, retryDelayMs: 1 };
  try {
    await work((more = {}) => askJson({ ...request, ...more }, signal), server, origin);
  } finally {
    await server.stop();
  }
}
const fails = (reason: ToolErrorReason, words: RegExp) => (error: unknown) =>
  ToolError.is(error, reason) && words.test(error.message);

test('what passes by itself is asked again, with the wait that the server names, and not for ever', async () => {
  await withServer(
    (_asked, count) =>
      count < 3 ? { status: count === 1 ? 503 : 429, headers: { 'retry-after': '0' } } : { body: { ok: true } },
    async (ask, server) => {
      assert.deepEqual(await ask(), { ok: true });
      assert.equal(server.asked.length, 3);
    },
  );
  await withServer(
    () => ({ status: 429, headers: { 'retry-after': '0' } }),
    async (ask, server) => {
      await assert.rejects(ask(), fails('rate-limit', /429/));
      assert.equal(server.asked.length, 3);
    },
  );
});

test('a key that is refused and a wrong request are asked once', async () => {
  for (const [status, reason] of [
    [401, 'auth'],
    [403, 'auth'],
    [404, 'bad-response'],
  ] as const)
    await withServer(
      () => ({ status }),
      async (ask, server) => {
        await assert.rejects(ask(), fails(reason, new RegExp(String(status))));
        assert.equal(server.asked.length, 1);
      },
    );
});

test('redirects stay on the host, end, and are not followed by what is sent once', async () => {
  const elsewhere = new JsonServer(() => ({ body: { stolen: true } }));
  const other = await elsewhere.start();
  try {
    await withServer(
      ({ path }) => {
        if (path === '/a') return { status: 302, headers: { location: '/b' } };
        if (path === '/out') return { status: 302, headers: { location: `${other}/x` } };
        if (path === '/loop') return { status: 302, headers: { location: '/loop' } };
        if (path === '/file') return { status: 302, headers: { location: 'file:///etc/passwd' } };
        return { body: { path } };
      },
      async (ask, _server, origin) => {
        assert.deepEqual(await ask(), { path: '/b' });
        await assert.rejects(
          ask({ url: new URL(`${origin}/out`) }),
          fails('bad-response', /which the task card does not name/),
        );
        await assert.rejects(ask({ url: new URL(`${origin}/file`) }), fails('bad-response', /does not name/));
        await assert.rejects(ask({ url: new URL(`${origin}/loop`) }), fails('bad-response', /more than 3 times/));
        await assert.rejects(ask({ method: 'POST', body: '{}' }), fails('bad-response', /only be sent once/));
        assert.equal(elsewhere.asked.length, 0);
      },
    );
  } finally {
    await elsewhere.stop();
  }
});

test('too much, nothing in time, and no JSON are failures that name the server', async () => {
  await withServer(
    () => ({ body: 'x'.repeat(5000) }),
    (ask) => assert.rejects(ask({ maxBytes: 4000 }), fails('bad-response', /The server answered more than 4000 bytes/)),
  );
  await withServer(
    () => ({ hang: true }),
    (ask) => assert.rejects(ask({ timeoutSeconds: 0.2 }), fails('timeout', /within 0.2 s/)),
  );
  await withServer(
    () => ({ body: '<html>' }),
    (ask) => assert.rejects(ask(), fails('bad-response', /no JSON but text\/html/)),
  );
});

test('no server at all is named with its address, and ends the stage', async () => {
  const gone = new JsonServer(() => ({}));
  const origin = await gone.start();
  await gone.stop();
  await assert.rejects(
    askWeb({ name: 'The server', url: new URL(origin), timeoutSeconds: 5, retryDelayMs: 1 }, signal),
    (error) => ToolError.is(error, 'unreachable') && error.fatal && error.message.includes(new URL(origin).host),
  );
});
