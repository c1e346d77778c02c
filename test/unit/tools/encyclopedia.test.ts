import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Encyclopedia } from '../../../src/core/tools/encyclopedia.ts';
import type { Page } from '../../../src/core/world/types.ts';
import { HeldDocuments } from '../../../src/node/documents/heldDocuments.ts';

const pages: Page[] = [
  {
    title: 'Lower Karvel',
    kind: 'place',
    paragraphs: [
      'Lower Karvel is a port in Orvale. It has a harbour. Ships come. Ships go. Gulls cry. Nobody counts this.',
      'The Harbour was dug in 1402. Its mayor was Ilsa Tamm.',
    ],
  },
  { title: 'Upper Karvel', kind: 'place', paragraphs: ['Upper Karvel is a village in Orvale.'] },
  { title: 'Orvale', kind: 'country', paragraphs: ['Orvale is a republic. Its capital is Sarn.'] },
  { title: 'Sarn', kind: 'disambiguation', paragraphs: ['Sarn may refer to: Sarn (town); Sarn (novel).'] },
  { title: 'Sarn (town)', kind: 'place', paragraphs: ['Sarn is a town on a harbour.'] },
  { title: 'Sarn (novel)', kind: 'work', paragraphs: [`Sarn is a novel about ${'rain and '.repeat(200)}snow.`] },
];
const encyclopedia = new Encyclopedia(new HeldDocuments(pages));

test('Retrieve gives the first paragraph of the title, at most five sentences, whatever the case, spaces and quotes', () => {
  for (const title of ['Lower Karvel', ' lower   karvel ', '"Lower Karvel"']) {
    const found = encyclopedia.retrieve(title, {});
    assert.equal(found.outcome, 'hit');
    assert.equal(found.text, 'Lower Karvel is a port in Orvale. It has a harbour. Ships come. Ships go. Gulls cry.');
    assert.deepEqual(found.state, { lookup: { title: 'Lower Karvel', keyword: null, index: 0 } });
  }
  assert.equal(encyclopedia.retrieve('sarn', {}).text, 'Sarn may refer to: Sarn (town); Sarn (novel).');
});

test('a miss names five similar titles, the most similar first, and keeps the open page', () => {
  const open = encyclopedia.retrieve('Orvale', {}).state;
  const miss = encyclopedia.retrieve('Karvel', open);
  assert.equal(miss.outcome, 'miss');
  assert.match(
    miss.text,
    /^No page "Karvel"\. Similar titles: (Lower|Upper) Karvel; (Lower|Upper) Karvel; [^;]+; [^;]+; [^;]+\.$/,
  );
  assert.deepEqual(miss.state, open);
  assert.equal(encyclopedia.lookup('capital', miss.state).text, '(Result 1 / 1) Its capital is Sarn.');
});

test('Lookup goes through the sentences of the whole page and begins anew with a new keyword or page', () => {
  const first = encyclopedia.lookup('harbour', encyclopedia.retrieve('Lower Karvel', {}).state);
  assert.equal(first.text, '(Result 1 / 2) It has a harbour.');
  const second = encyclopedia.lookup('HARBOUR', first.state);
  assert.equal(second.text, '(Result 2 / 2) The Harbour was dug in 1402.');
  const past = encyclopedia.lookup('harbour', second.state);
  assert.deepEqual([past.text, past.outcome], ['No more results for "harbour".', 'miss']);
  const other = encyclopedia.lookup('mayor', past.state);
  assert.equal(other.text, '(Result 1 / 1) Its mayor was Ilsa Tamm.');
  assert.equal(encyclopedia.lookup('harbour', other.state).text, '(Result 1 / 2) It has a harbour.');
  assert.equal(
    encyclopedia.lookup('harbour', encyclopedia.retrieve('Sarn (town)', past.state).state).text,
    '(Result 1 / 1) Sarn is a town on a harbour.',
  );
  assert.deepEqual(
    [encyclopedia.lookup('moon', other.state).text, encyclopedia.lookup('moon', other.state).outcome],
    ['No results for "moon".', 'miss'],
  );
  assert.equal(encyclopedia.lookup('', other.state).text, 'No results for "".');
});

test('Lookup without a page says what to do first', () => {
  assert.deepEqual(encyclopedia.lookup('harbour', {}), {
    text: 'No page is open. Use Search or Retrieve first.',
    outcome: 'miss',
    state: {},
  });
});

test('Search gives the opening sentences of the best pages, and Lookup then reads these lines', () => {
  const found = encyclopedia.search('upper karvel', {});
  assert.equal(found.outcome, 'hit');
  assert.equal(found.text.split('\n')[0], 'Upper Karvel: Upper Karvel is a village in Orvale.');
  assert.ok(found.text.split('\n').length <= 3);
  assert.match(encyclopedia.lookup('port', found.state).text, /^\(Result 1 \/ 1\) Lower Karvel: /);
  const none = encyclopedia.search('zzzz', found.state);
  assert.deepEqual([none.text, none.outcome], ['No results for "zzzz".', 'miss']);
  assert.deepEqual(none.state, found.state);
});

test('what is too long is cut where one sees it', () => {
  const text = encyclopedia.retrieve('Sarn (novel)', {}).text;
  assert.equal(text.length, 1000);
  assert.ok(text.endsWith(' …[cut]'));
  assert.ok(
    encyclopedia
      .search('novel rain', {})
      .text.split('\n')
      .every((line) => line.length <= 240),
  );
});

test('the state is plain data that replay can restore', () => {
  const state = encyclopedia.lookup('harbour', encyclopedia.retrieve('Lower Karvel', {}).state).state;
  assert.deepEqual(
    encyclopedia.lookup('harbour', JSON.parse(JSON.stringify(state)) as typeof state).text,
    '(Result 2 / 2) The Harbour was dug in 1402.',
  );
});
