import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MediaWikiTool } from '../../../src/core/tools/toolConfig.ts';
import { lookupInState } from '../../../src/core/tools/encyclopediaTools.ts';
import type { ToolProvider } from '../../../src/core/tools/provider.ts';
import { mediaWiki } from '../../../src/node/tools/mediaWiki.ts';
import { JsonServer } from '../../doubles/jsonServer.ts';

const extract =
  'Arden is a town on the river Sarn. It has a port. It has a mill. It has a school. It has a bridge. It has fog.\n\n\nHistory\nThe port was dug in 1402.';
const pages: Record<string, object> = {
  Arden: { pageid: 7, ns: 0, title: 'Arden', extract },
  Empty: { pageid: 8, ns: 0, title: 'Empty', extract: '' },
};
const redirects: Record<string, string> = { 'Arden town': 'Arden' };

/** As MediaWiki answers with formatversion 2: redirects are named, missing pages are marked. */
const wiki = new JsonServer(({ query }) => {
  if (query['list'] === 'search')
    return {
      body: {
        query: {
          search: [
            { ns: 0, title: 'Arden' },
            { ns: 0, title: 'Empty' },
          ],
        },
      },
    };
  const asked = query['titles'] ?? '';
  if (asked === 'Refused') return { body: { error: { code: 'maxlag', info: 'Waiting for a server' } } };
  const title = query['redirects'] === '1' ? (redirects[asked] ?? asked) : asked;
  return { body: { batchcomplete: true, query: { pages: [pages[title] ?? { ns: 0, title, missing: true }] } } };
});
let tool: ToolProvider;
const signal = new AbortController().signal;

before(async () => {
  const url = `${await wiki.start()}/w/api.php`;
  tool = mediaWiki(MediaWikiTool.parse({ tool: 'Retrieve', provider: 'mediawiki', url }), 'AutoAct/1.2.3 (test)');
});
after(() => wiki.stop());

test('Retrieve follows a redirect, gives five sentences, and leaves the whole page to Lookup', async () => {
  const found = await tool.call('Arden town', {}, signal);
  assert.equal(found.outcome, 'hit');
  assert.equal(
    found.text,
    'Arden is a town on the river Sarn. It has a port. It has a mill. It has a school. It has a bridge.',
  );
  const asked = wiki.asked.at(-1);
  assert.equal(asked?.headers['user-agent'], 'AutoAct/1.2.3 (test)');
  assert.equal(asked.query['redirects'], '1');
  const lookup = lookupInState();
  const first = await lookup.call('port', found.state, signal);
  assert.equal(first.text, '(Result 1 / 2) It has a port.');
  assert.match((await lookup.call('port', first.state, signal)).text, /Result 2 \/ 2.*1402/);
});

test('a miss names titles and keeps what Lookup reads; a page without text is a miss', async () => {
  const state = { lookup: { lines: ['x'], keyword: null, index: 0 } };
  for (const title of ['Ardenne', 'Empty']) {
    const found = await tool.call(title, state, signal);
    assert.deepEqual(
      [found.text, found.outcome, found.state],
      [`No page "${title}". Similar titles: Arden; Empty.`, 'miss', state],
    );
  }
});

test('a title with what the API reads as more titles is one title', async () => {
  await tool.call('Arden|Velm#x\n', {}, signal);
  assert.equal(wiki.asked.find(({ query }) => query['titles']?.includes('Velm'))?.query['titles'], 'Arden Velm x');
  const count = wiki.asked.length;
  assert.equal((await tool.call(' [] ', {}, signal)).outcome, 'miss');
  assert.equal(wiki.asked.length, count);
});

test('a refusal of the wiki is a failure of the tool', async () => {
  await assert.rejects(async () => tool.call('Refused', {}, signal), /refuses the request: maxlag \(Waiting/);
});
