import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ServerError } from '../../../src/core/ports/models.ts';
import { HttpEndpoint } from '../../../src/node/openai/endpoint.ts';
import { TryFailure } from '../../../src/node/openai/failures.ts';
import { BodyTooLarge, httpFetch, largestBody } from '../../../src/node/openai/httpFetch.ts';

const completion = JSON.stringify({ choices: [{ text: 'late', finish_reason: 'stop' }], usage: {} });

async function listening(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function fetcher(t: TestContext): typeof globalThis.fetch {
  const made = httpFetch();
  t.after(() => {
    made.close();
  });
  return made.fetch;
}

/** The built-in fetch gives up on the head of an answer by itself, after 300 s; a test cannot wait for that. */
const dispatcher = Symbol.for('undici.globalDispatcher.1');
type Global = Record<symbol, { constructor: new (options: object) => never }>;

test('only timeoutSeconds ends an answer that takes long to begin, not a limit of the built-in fetch', async (t) => {
  await (await globalThis.fetch('data:,')).text(); // It makes its dispatcher when it is first used.
  const global = globalThis as unknown as Global;
  const before = global[dispatcher];
  assert.ok(before);
  global[dispatcher] = new before.constructor({ headersTimeout: 100 });
  t.after(() => (global[dispatcher] = before));
  const root = await listening(t, (request, response) => {
    request.resume();
    setTimeout(() => response.end(completion), 2500);
  });
  await assert.rejects(globalThis.fetch(root), /fetch failed/);
  const endpoint = new HttpEndpoint({ name: 'slow', baseURL: `${root}/v1`, apiKey: '', timeoutSeconds: 900 });
  const { answer } = await endpoint.ask(
    'm',
    {
      kind: 'complete',
      role: 'plan',
      purpose: 'thought',
      prompt: 'Q',
      stop: [],
      maxTokens: 4,
      sampling: { temperature: 0, topP: 1, topK: 0, seed: 1 },
    },
    { api: 'completions', topK: false, seed: false, limit: 'max_tokens', prefill: 'none' },
    new AbortController().signal,
  );
  assert.equal(answer.text, 'late');
});

test('a connection that the server closed as it was used again costs no try', async (t) => {
  let seen = 0;
  const root = await listening(t, (request, response) => {
    seen++;
    if (request.headers['x-second'] !== undefined && seen === 2) request.socket.resetAndDestroy();
    else response.end(`${seen}`);
  });
  const fetch = fetcher(t);
  assert.equal(await (await fetch(root)).text(), '1');
  await new Promise((go) => setImmediate(go));
  assert.equal(await (await fetch(root, { headers: { 'x-second': '1' } })).text(), '3');
});

test('what is sent arrives as it is, and the head comes back', async (t) => {
  const root = await listening(t, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { authorization, 'content-length': length } = request.headers;
      response.setHeader('x-told', `${request.method ?? ''} ${authorization ?? ''} ${length ?? ''}`);
      response.writeHead(429, { 'retry-after': '2' }).end(Buffer.concat(parts));
    });
  });
  const body = 'äöü 漢字';
  const response = await fetcher(t)(root, { method: 'POST', headers: { authorization: 'Bearer k' }, body });
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '2');
  assert.equal(response.headers.get('x-told'), `POST Bearer k ${Buffer.byteLength(body)}`);
  assert.equal(await response.text(), body);
});

test('a body is cut off by its signal, refused when too large, and an error when it is torn', async (t) => {
  const root = await listening(t, (request, response) => {
    if (request.url === '/hang') response.write('{');
    else if (request.url === '/torn') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.destroy());
    } else {
      const chunk = Buffer.alloc(1 << 20);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    }
  });
  const fetch = fetcher(t);
  const cancelled = new AbortController();
  const hanging = fetch(`${root}/hang`, { signal: cancelled.signal });
  setTimeout(() => {
    cancelled.abort();
  }, 20);
  await assert.rejects(hanging, { name: 'AbortError' });
  await assert.rejects(fetch(`${root}/torn`));
  await assert.rejects(fetch(`${root}/flood`), BodyTooLarge);
  assert.ok(largestBody > 1 << 20);
  const endpoint = new HttpEndpoint({ name: 'flood', baseURL: `${root}/flood`, apiKey: '', timeoutSeconds: 60 });
  await assert.rejects(
    endpoint.models(new AbortController().signal),
    (error: unknown) =>
      error instanceof TryFailure && ServerError.is(error.error, 'bad-response') && /64 MB/.test(error.message),
  );
});

test('a redirect is not followed, since the key would go with it', async (t) => {
  let leaked = false;
  const other = await listening(t, (_request, response) => {
    leaked = true;
    response.end('{}');
  });
  const root = await listening(t, (_request, response) => response.writeHead(307, { location: other }).end());
  const endpoint = new HttpEndpoint({ name: 'moved', baseURL: root, apiKey: 'secret', timeoutSeconds: 5 });
  await assert.rejects(endpoint.models(new AbortController().signal), (error: unknown) => {
    return error instanceof TryFailure && error.kind === 'final' && /redirects/.test(error.message);
  });
  assert.equal(leaked, false);
});

test(
  'promise 5: nothing that a server is asked beside completions waits without end',
  { timeout: 60_000 },
  async (t) => {
    const root = await listening(t, () => undefined);
    const endpoint = new HttpEndpoint({ name: 'silent', baseURL: `${root}/v1`, apiKey: '', timeoutSeconds: 1 });
    const { signal } = new AbortController();
    const [alive, page] = await Promise.all([
      endpoint.alive(signal),
      endpoint.page('/metrics', signal),
      assert.rejects(endpoint.models(signal), (e) => e instanceof TryFailure && ServerError.is(e.error, 'timeout')),
      assert.rejects(
        endpoint.post('/x', {}, signal),
        (e) => e instanceof TryFailure && ServerError.is(e.error, 'timeout'),
      ),
    ]);
    assert.deepEqual([alive, page], [false, undefined]);
  },
);

test('a page without end, or one that unpacks to far more than it weighs, is read to a limit', async (t) => {
  const bomb = gzipSync(Buffer.alloc(256 << 20, 'x'), { level: 1 });
  const root = await listening(t, (request, response) => {
    if (request.url === '/bomb') {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
      return;
    }
    const chunk = Buffer.alloc(1 << 20, 'x');
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  const endpoint = new HttpEndpoint({ name: 'flood', baseURL: `${root}/v1`, apiKey: '', timeoutSeconds: 60 });
  const { signal } = new AbortController();
  assert.equal((await endpoint.page('/flood', signal))?.length, 4 << 20);
  assert.equal((await endpoint.page('/bomb', signal))?.length, 4 << 20);
});
