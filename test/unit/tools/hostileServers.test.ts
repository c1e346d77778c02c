import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ToolList } from '../../../src/core/tools/toolConfig.ts';
import { ToolError, type ToolErrorReason } from '../../../src/core/tools/toolError.ts';
import { approveTool } from '../../../src/node/tools/approveTool.ts';
import { openTools } from '../../../src/node/tools/openTools.ts';
import { Toolbox } from '../../../src/node/tools/toolbox.ts';

/** Every tool that reaches the web, against servers that are broken or mean. */

const folder = mkdtempSync(join(tmpdir(), 'autoact hostile '));
const signal = new AbortController().signal;
let origin = '';
let elsewhere = 0;
let mischief: (response: ServerResponse) => void = (response) => response.end();
const server = createServer((request, response) => {
  request.resume();
  mischief(response);
});
const other: Server = createServer((_request, response) => {
  elsewhere++;
  response.end('{}');
});
const listen = (one: Server): Promise<string> =>
  new Promise((ready) => {
    one.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${(one.address() as AddressInfo).port}`));
  });
let otherOrigin = '';
before(async () => {
  [origin, otherOrigin] = await Promise.all([listen(server), listen(other)]);
  mkdirSync(join(folder, 'images'));
  copyFileSync('test/fixtures/sign.png', join(folder, 'images', 'sign.png'));
});
after(() => {
  for (const one of [server, other]) {
    one.closeAllConnections();
    one.close();
  }
  rmSync(folder, { recursive: true });
});

const place = {
  folder,
  root: resolve('.'),
  version: '1',
  sandboxEntry: '',
  approvals: join(folder, 'config'),
  secret: () => 'key',
  notify: () => undefined,
};

/** Entry of the card and argument of a call. */
const tools = (): readonly (readonly [Record<string, unknown>, string])[] => [
  [{ tool: 'Search', provider: 'searxng', url: origin }, 'harbour'],
  [{ tool: 'Search', provider: 'brave', url: origin }, 'harbour'],
  [{ tool: 'Search', provider: 'tavily', url: origin }, 'harbour'],
  [{ tool: 'Search', provider: 'serper', url: origin }, 'harbour'],
  [{ tool: 'Retrieve', provider: 'mediawiki', url: `${origin}/w/api.php` }, 'Arden'],
  [{ tool: 'KnowledgeGraph', provider: 'sparql', url: origin }, 'SELECT * { ?a ?b ?c }'],
  [{ tool: 'Image2Text', provider: 'vision', url: origin, model: 'm', images: 'images' }, 'sign.png'],
  [{ tool: 'Text2Image', provider: 'images-api', url: origin, model: 'm' }, 'a harbour'],
  [{ tool: 'Own', provider: 'description', file: 'own.tool.json' }, 'Arden'],
];

const maxChars = 500;
/** Seconds that a busy machine does not reach. */
const patient = 120;

/** What each tool makes of the mischief: its observation, or the reason of its failure. Nothing else may be thrown. */
async function outcomes(timeoutSeconds: number, says = /./): Promise<Record<string, string>> {
  writeFileSync(
    join(folder, 'own.tool.json'),
    JSON.stringify({
      name: 'Own',
      argument: 'town',
      definition: 'tells about a town',
      usage: 'Own[Arden]',
      http: { url: `${origin}/own/{{argument}}` },
      timeoutSeconds,
    }),
  );
  const made = await Promise.all(
    tools().map(async ([entry, argument]) => {
      const limits = { maxChars, timeoutSeconds };
      const own = entry['provider'] === 'description';
      const list = ToolList.parse([{ ...entry, ...(own ? { maxChars } : limits) }]);
      if (own) await approveTool('Own', list, place, signal);
      const toolbox = new Toolbox(openTools({ tools: list, place }));
      const name = String(entry['tool']);
      try {
        const { text, outcome } = await toolbox.call({ kind: 'tool', tool: name, argument, state: {} }, signal);
        assert.ok(text.length <= maxChars + 100, `${name}: ${text.length} characters`);
        assert.doesNotMatch(text, /[\u0000-\u0008\u001b]/);
        return [String(entry['provider']), outcome];
      } catch (error) {
        assert.ok(error instanceof ToolError, `${name}: ${String(error)}`);
        assert.match(error.message, says, `${name}: ${error.message}`);
        return [String(entry['provider']), error.reason];
      }
    }),
  );
  return Object.fromEntries(made) as Record<string, string>;
}

/** All tools fail, with one of these reasons; a tool of one's own may take any text for its answer. */
async function allFail(
  reasons: readonly ToolErrorReason[],
  { ownMayAnswer = false, timeoutSeconds = patient, says = /./ } = {},
): Promise<void> {
  for (const [provider, outcome] of Object.entries(await outcomes(timeoutSeconds, says))) {
    if (ownMayAnswer && provider === 'description' && ['hit', 'miss'].includes(outcome)) continue;
    assert.ok((reasons as readonly string[]).includes(outcome), `${provider}: ${outcome}`);
  }
}

const json = (body: string | Buffer) => (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(body);

for (const [name, body] of Object.entries({
  'an HTML page': '<html><body>Sign in</body></html>',
  nothing: '',
  'half of an answer': '{"results": [{"title": "x',
  'bytes that are no text': Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x7b]),
}))
  test(`${name} where JSON should be is a failure and no observation`, async () => {
    mischief = json(body);
    await allFail(['bad-response'], { ownMayAnswer: true });
  });

test('JSON of another shape breaks nothing', async () => {
  for (const body of [
    'null',
    '7',
    '[]',
    '{"results": {"a": 1}, "query": 5, "choices": "x", "data": [], "organic": [[]], "web": null}',
    '{"results": [null, {"title": {"a": 1}}], "query": {"pages": [null]}, "data": [{"b64_json": "////"}]}',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '{"__proto__": {"polluted": 1}, "results": [], "constructor": {"prototype": {"polluted": 1}}}',
  ]) {
    mischief = json(body);
    for (const [provider, outcome] of Object.entries(await outcomes(patient)))
      assert.ok(
        ['bad-response', 'miss'].includes(outcome) || provider === 'description',
        `${provider} with ${body.slice(0, 40)}: ${outcome}`,
      );
  }
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('a body without end and one that unpacks to far more than it weighs are stopped at the limit', async () => {
  const chunk = Buffer.alloc(1 << 20, 'x');
  let sent = 0;
  mischief = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = (): void => {
      if (response.destroyed || response.writableEnded) return;
      sent += chunk.length;
      response.write(chunk, () => setImmediate(more));
    };
    more();
  };
  await allFail(['bad-response', 'timeout']);
  assert.ok(sent < 2 ** 30, `${sent} bytes were sent`);
  // What it unpacks to is JSON that each service could have sent, so that only its size can be at fault.
  const bomb = gzipSync(`{"results":[],"filler":"${'x'.repeat(64 << 20)}"}`);
  mischief = (response) =>
    void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
  await allFail(['bad-response'], { says: /answered more than \d+ bytes/ });
});

test('a body that comes a byte at a time ends at the time limit of the whole answer', async () => {
  mischief = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(timer));
  };
  await allFail(['timeout'], { timeoutSeconds: 1 });
});

test('a connection that is cut, and headers without end, are failures that may pass', async () => {
  mischief = (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"results"');
    setTimeout(() => response.destroy(), 5);
  };
  await allFail(['unreachable', 'timeout']);
  mischief = (response) =>
    void response.writeHead(200, { 'content-type': 'application/json', 'x-long': 'x'.repeat(200_000) }).end('{}');
  await allFail(['unreachable', 'timeout']);
});

test('redirects in a circle end, and no other host is asked', async () => {
  mischief = (response) => void response.writeHead(302, { location: '/again' }).end();
  await allFail(['bad-response']);
  mischief = (response) => void response.writeHead(307, { location: `${otherOrigin}/` }).end();
  await allFail(['bad-response']);
  assert.equal(elsewhere, 0);
});
