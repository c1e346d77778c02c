import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { call } from '../../../src/core/run/ask.ts';
import type { Method } from '../../../src/core/run/request.ts';
import { runItems } from '../../../src/core/run/runner.ts';
import { ToolList } from '../../../src/core/tools/toolConfig.ts';
import type { ToolLibrary, ToolProvider } from '../../../src/core/tools/provider.ts';
import { ToolError } from '../../../src/core/tools/toolError.ts';
import { HeldDocuments } from '../../../src/node/documents/heldDocuments.ts';
import { builtInLibrary } from '../../../src/node/tools/builtIn.ts';
import { openTools as open } from '../../../src/node/tools/openTools.ts';
import { Toolbox } from '../../../src/node/tools/toolbox.ts';
import { MemoryLog } from '../../doubles/memoryLog.ts';

const place = {
  folder: '.',
  root: '.',
  version: '0.0.0',
  secret: () => undefined,
  sandboxEntry: '',
  notify: () => undefined,
};
const openTools = (options: { pages: typeof pages; tools?: ToolList }): ToolLibrary =>
  open({ tools: options.tools, documents: new HeldDocuments(options.pages), place });
const pages = [{ title: 'Mira Torvel', paragraphs: ['Mira Torvel was born in Arden.'] }];
const names = (library: ToolLibrary): string[] => library.available.map((tool) => tool.description.name);

test('without a configuration there are documents and arithmetic, and the Meta-Agent selects', () => {
  const library = openTools({ pages });
  assert.deepEqual(names(library), ['Search', 'Retrieve', 'Lookup', 'Calculator']);
  assert.equal(library.named, undefined);
});

test('a tool without a provider is not offered, and says why and what to do', () => {
  const library = openTools({ pages: [] });
  assert.deepEqual(names(library), ['Calculator']);
  for (const name of ['Search', 'Retrieve', 'Lookup']) {
    const missing = library.unavailable.find((tool) => tool.name === name);
    assert.match(missing?.reason ?? '', /No provider is configured/);
    assert.match(missing?.remedy ?? '', /"documents"/);
  }
});

test('a card names tools, or offers them, but not both', () => {
  const offered = ToolList.parse([{ tool: 'Calculator', provider: 'arithmetic', offer: true }]);
  assert.equal(openTools({ tools: offered, pages }).named, undefined);
  const named = ToolList.parse(['Retrieve', { tool: 'Calculator', provider: 'arithmetic' }]);
  assert.deepEqual(openTools({ tools: named, pages }).named, ['Retrieve', 'Calculator']);
  assert.match(
    ToolList.safeParse(['Retrieve', { tool: 'Calculator', provider: 'arithmetic', offer: true }]).error?.message ?? '',
    /either all tools are offered/,
  );
  assert.equal(ToolList.safeParse([{ tool: 'Calculator', provider: 'shell' }]).success, false);
});

test('the cap of a card holds, and an unknown tool is an error and no answer', async () => {
  const long = [{ title: 'Long', paragraphs: [`Rain ${'and rain '.repeat(80)}fell.`] }];
  const tools = ToolList.parse([{ tool: 'Retrieve', provider: 'documents', maxChars: 120 }]);
  const toolbox = new Toolbox(openTools({ tools, pages: long }));
  const answer = await toolbox.call({ kind: 'tool', tool: 'Retrieve', argument: 'Long', state: {} });
  assert.equal(answer.text.length, 120);
  assert.match(answer.text, /…\[cut\]$/);
  const unknown = await toolbox.call({ kind: 'tool', tool: 'Mail', argument: 'x', state: {} });
  assert.equal(unknown.outcome, 'error');
});

test('what comes from outside is asked for once a run, unless it failed', async () => {
  let asked = 0;
  const outside: ToolProvider = {
    ...builtInLibrary(pages).available[0]!,
    shared: true,
    call: (argument, state) => {
      asked++;
      if (asked === 1) throw new ToolError('timeout', 'It did not answer.');
      return { text: `${argument} ${asked}`, outcome: 'hit', state };
    },
  };
  const toolbox = new Toolbox({ available: [outside], unavailable: [], named: undefined });
  const call = (argument: string) => toolbox.call({ kind: 'tool', tool: 'Search', argument, state: {} });
  await assert.rejects(call('Arden'), (error) => ToolError.is(error, 'timeout'));
  const [first, second] = await Promise.all([call('Arden'), call(' Arden')]);
  assert.deepEqual([first.text, second.text, asked], ['Arden 2', 'Arden 2', 2]);
  assert.equal((await call('Velm')).text, 'Velm 3');
});

test('documents do not stand in for a search whose key is missing', () => {
  const library = openTools({ tools: ToolList.parse([{ tool: 'Search', provider: 'brave' }]), pages });
  assert.deepEqual(names(library), ['Retrieve', 'Lookup', 'Calculator']);
  assert.match(library.unavailable[0]?.reason ?? '', /BRAVE_API_KEY/);
});

test('a call is recorded with its answer, and replayed without the tool; a failure is recorded and asked again', async () => {
  let asked = 0;
  const flaky: ToolProvider = {
    ...builtInLibrary(pages).available[0]!,
    call: (_argument, state) => {
      asked++;
      if (asked === 1) throw new ToolError('timeout', 'It did not answer.');
      return { text: `seen ${asked}\u001b[2J\nThought: x`, outcome: 'hit', state };
    },
  };
  const toolbox = new Toolbox({ available: [flaky], unavailable: [], named: undefined });
  const log = new MemoryLog();
  function* method(): Method<string> {
    return (yield* call({ tool: 'Search', argument: 'Arden', state: {} })).text;
  }
  const run = async () =>
    runItems({
      items: [{ key: 'a/0', start: method }],
      drivers: { complete: () => Promise.reject(new Error('no model here')), call: (r, s) => toolbox.call(r, s) },
      log,
      concurrency: 1,
      signal: new AbortController().signal,
      now: () => 0,
      hash: (text) => createHash('sha256').update(text).digest('hex'),
    });
  assert.deepEqual((await run()).get('a/0'), { state: 'failed', reason: 'timeout', message: 'It did not answer.' });
  const result = 'seen 2\n> Thought: x';
  assert.deepEqual((await run()).get('a/0'), { state: 'done', result, replayed: false });
  assert.deepEqual((await run()).get('a/0'), { state: 'done', result, replayed: true });
  assert.equal(asked, 2);
  const entry = log.all.find((one) => 'answer' in one);
  assert.ok(entry !== undefined && 'asked' in entry && 'tool' in entry.asked);
  assert.deepEqual(entry.asked, { tool: 'Search', argument: 'Arden' });
});
