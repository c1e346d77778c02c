import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relationNamed } from '../../../src/core/world/relations.ts';
import { splitSentences } from '../../../src/core/world/sentences.ts';
import { generateWorld, sentencesOf } from '../../../src/core/world/world.ts';

const world = generateWorld({ seed: 4711 });
const pages = new Map(world.pages.map((page) => [page.title, page]));

test('the same seed gives the same world, another seed another one', () => {
  assert.deepEqual(generateWorld({ seed: 4711 }).pages, world.pages);
  const other = generateWorld({ seed: 4712 }).pages;
  const shared = other.filter((page) => pages.has(page.title));
  // Words are shared by all worlds, so some one-word titles recur; what is said of them never does.
  assert.ok(shared.length < other.length / 5, `${shared.length} titles shared`);
  const texts = new Set([...pages.values()].map((page) => page.paragraphs.join(' ')));
  const same = other.filter((page) => page.kind !== 'disambiguation' && texts.has(page.paragraphs.join(' ')));
  assert.equal(same.length, 0, `${same.length} pages say the same in both worlds`);
});

test('a world has about a thousand pages with titles of their own, all kinds of them', () => {
  assert.ok(Math.abs(world.pages.length - 1000) <= 50, `${world.pages.length} pages`);
  assert.equal(pages.size, world.pages.length);
  assert.deepEqual([...new Set(world.pages.map((page) => page.kind))].sort(), [
    'award',
    'company',
    'country',
    'disambiguation',
    'event',
    'person',
    'place',
    'work',
  ]);
  assert.ok(Math.abs(generateWorld({ seed: 1, size: 300 }).pages.length - 300) < 30);
});

test('leads are short, and every paragraph holds whole sentences', () => {
  for (const page of world.pages) {
    assert.ok(page.paragraphs.length >= 1);
    assert.ok(splitSentences(page.paragraphs[0]!).length <= 5, page.title);
    assert.ok(page.paragraphs[0]!.length <= 300, page.paragraphs[0]);
    for (const paragraph of page.paragraphs) {
      assert.match(paragraph, /^[\p{Lu}\d].*\.$/u);
      assert.doesNotMatch(paragraph, /[{}|]|undefined|\ba [aeio]/);
    }
  }
});

test('each fact stands in the sentence that it names, with its value and, behind Lookup, its keyword', () => {
  for (const fact of world.facts) {
    const sentence = sentencesOf(pages.get(fact.subject.title)!)[fact.sentence];
    assert.ok(sentence !== undefined);
    const values =
      typeof fact.value === 'string'
        ? [fact.value]
        : 'title' in fact.value
          ? [fact.value.name]
          : fact.value.map((one) => one.name);
    for (const value of values) assert.ok(sentence.includes(value), `${fact.relation}: ${value} in "${sentence}"`);
    if (fact.paragraph > 0)
      assert.ok(
        sentence.toLowerCase().includes(relationNamed(fact.relation).keyword),
        `${fact.relation} in "${sentence}"`,
      );
  }
});

test('a fact has one value only, and every attribute of an entity is told on its page', () => {
  const told = new Set<string>();
  for (const fact of world.facts) {
    const key = `${fact.subject.title}.${fact.relation}`;
    assert.ok(!told.has(key), `${key} is told twice`);
    told.add(key);
  }
  for (const entities of Object.values(world.cast)) {
    for (const entity of entities) {
      for (const relation of entity.attributes.keys())
        assert.ok(told.has(`${entity.title}.${relation}`), `${entity.title}.${relation} is not told`);
    }
  }
});

test('disambiguation pages list pages that exist, and near-identical names occur', () => {
  const ambiguous = world.pages.filter((page) => page.kind === 'disambiguation');
  assert.ok(ambiguous.length >= 20);
  for (const page of ambiguous) {
    const list = /^(.+) may refer to: (.+)\.$/.exec(page.paragraphs[0]!);
    assert.equal(list?.[1], page.title);
    const titles = (list[2] ?? '').split('; ');
    assert.ok(titles.length >= 2);
    for (const title of titles) assert.ok(pages.has(title), title);
  }
  const towns = new Set(world.cast.settlement.map((place) => place.name));
  assert.ok([...towns].some((name) => name.startsWith('Lower ') || name.startsWith('Upper ')));
});
