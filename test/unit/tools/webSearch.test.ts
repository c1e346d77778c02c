import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookupInState } from '../../../src/core/tools/encyclopediaTools.ts';
import { ToolList, WebSearchTool } from '../../../src/core/tools/toolConfig.ts';
import { ToolError } from '../../../src/core/tools/toolError.ts';
import { openTools } from '../../../src/node/tools/openTools.ts';
import { webSearch } from '../../../src/node/tools/webSearch.ts';
import { JsonServer, type HttpAsked } from '../../doubles/jsonServer.ts';

const signal = new AbortController().signal;
const key = 'k-0123456789';
const hits = [
  { title: 'Arden &amp; Velm', words: 'The <b>port</b> of Arden\nwas dug &#8211; in 1402.' },
  { title: 'Ships', words: 'Ships of the port.' },
  { title: 'Fog', words: 'Fog.' },
];

/** Each service as its documentation shows it: what must be asked, and the form of its answer. */
const services = {
  searxng: {
    asked: ({ method, path, query }: HttpAsked) =>
      assert.deepEqual([method, path, query['q'], query['format']], ['GET', '/search', 'port of Arden', 'json']),
    body: {
      query: 'x',
      results: hits.map((h) => ({ title: h.title, content: h.words, url: 'http://x', engine: 'y' })),
    },
    none: { results: [] },
  },
  brave: {
    asked: ({ method, query, headers }: HttpAsked) =>
      assert.deepEqual(
        [method, query['q'], query['count'], headers['x-subscription-token']],
        ['GET', 'port of Arden', '2', key],
      ),
    body: {
      type: 'search',
      web: { results: hits.map((h) => ({ title: h.title, description: h.words, url: 'http://x' })) },
    },
    none: { type: 'search' },
  },
  tavily: {
    asked: ({ method, body, headers }: HttpAsked) => {
      assert.deepEqual([method, headers.authorization], ['POST', `Bearer ${key}`]);
      assert.deepEqual(JSON.parse(body), { query: 'port of Arden', max_results: 2, search_depth: 'basic' });
    },
    body: {
      answer: null,
      results: hits.map((h) => ({ title: h.title, content: h.words, url: 'http://x', score: 0.5 })),
    },
    none: { results: [] },
  },
  serper: {
    asked: ({ method, body, headers }: HttpAsked) => {
      assert.deepEqual([method, headers['x-api-key']], ['POST', key]);
      assert.deepEqual(JSON.parse(body), { q: 'port of Arden', num: 2 });
    },
    body: { searchParameters: {}, organic: hits.map((h) => ({ title: h.title, snippet: h.words, link: 'http://x' })) },
    none: { searchParameters: {} },
  },
} as const;

for (const [provider, service] of Object.entries(services)) {
  test(`Search by ${provider}: results one a line, in plain text, which Lookup then reads`, async () => {
    const server = new JsonServer((_asked, count) => ({
      body: count === 1 ? service.body : count === 2 ? service.none : { odd: 1, results: 3, web: 3, organic: 3 },
    }));
    const url = await server.start();
    try {
      const entry = WebSearchTool.parse({
        tool: 'Search',
        provider,
        url,
        results: 2,
        ...(provider === 'searxng' ? {} : { apiKeyVariable: 'MY_API_KEY' }),
      });
      const tool = webSearch(entry, (name) => (name === 'MY_API_KEY' ? key : undefined), 'AutoAct/1 (test)');
      assert.ok(!JSON.stringify(tool.provider).includes(key));
      const found = await tool.call(' port\n of  Arden', {}, signal);
      service.asked(server.asked[0]!);
      assert.equal(found.text, 'Arden & Velm: The port of Arden was dug – in 1402.\nShips: Ships of the port.');
      const looked = await lookupInState().call('port', found.state, signal);
      assert.match(looked.text, /^\(Result 1 \/ 2\) Arden & Velm/);
      const none = await tool.call('port', found.state, signal);
      assert.deepEqual([none.outcome, none.state], ['miss', found.state]);
      await assert.rejects(
        async () => tool.call('port', {}, signal),
        (error) => ToolError.is(error, 'bad-response') && !error.message.includes(key),
      );
    } finally {
      await server.stop();
    }
  });
}

const place = (env: Record<string, string>) => ({
  folder: '.',
  root: '.',
  version: '1',
  secret: (name: string) => env[name],
  sandboxEntry: '',
  notify: () => undefined,
});

test('without its key or address a search is not offered, and says which is missing', () => {
  for (const [provider, words] of [
    ['brave', /BRAVE_API_KEY holds none/],
    ['tavily', /TAVILY_API_KEY/],
    ['serper', /SERPER_API_KEY/],
    ['searxng', /no address/],
  ] as const) {
    const tools = ToolList.parse([{ tool: 'Search', provider }]);
    const library = openTools({ tools, place: place({}) });
    assert.ok(!library.available.some((tool) => tool.description.name === 'Search'));
    assert.match(library.unavailable.find((tool) => tool.name === 'Search')?.reason ?? '', words);
    assert.deepEqual(library.named, ['Search']);
  }
  const library = openTools({
    tools: ToolList.parse([{ tool: 'Search', provider: 'brave' }]),
    place: place({ BRAVE_API_KEY: key }),
  });
  assert.deepEqual(
    library.available.map((tool) => tool.description.name),
    ['Search', 'Lookup', 'Calculator'],
  );
  assert.ok(!JSON.stringify(library).includes(key));
});

test('a card cannot have any variable of the environment sent out, nor name a key itself', () => {
  assert.equal(
    ToolList.safeParse([{ tool: 'Search', provider: 'brave', apiKeyVariable: 'AWS_SECRET_ACCESS_KEY' }]).success,
    false,
  );
  assert.equal(ToolList.safeParse([{ tool: 'Search', provider: 'brave', apiKey: key }]).success, false);
  assert.equal(ToolList.safeParse([{ tool: 'Search', provider: 'searxng', url: 'file:///etc/passwd' }]).success, false);
});
