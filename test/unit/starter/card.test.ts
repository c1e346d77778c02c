import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { presets } from '../../../src/core/pipeline/presets.ts';
import { loadTaskCard, worldData } from '../../../src/node/store/taskFile.ts';

const file = join(import.meta.dirname, '../../../starter/starter.task.json');

test('the examples of the starter card are about its world and are not among its evaluation questions', () => {
  const card = loadTaskCard(file);
  const data = worldData(card.world?.seed ?? 0);
  assert.equal(data.questions.length, 300);
  const text = new Set(data.questions.map((q) => q.question));
  const pages = new Map(
    [...Array(data.documents.count).keys()]
      .flatMap((i) => data.documents.linked.document(i) ?? [])
      .map((page) => [page.title, page.paragraphs.join(' ')]),
  );
  for (const { question, answer } of card.examples) {
    assert.ok(!text.has(question), question);
    const subject = [...pages.keys()].filter((title) => question.includes(title));
    assert.equal(subject.length, 1, question);
    assert.ok([...pages.values()].some((page) => page.includes(answer)), answer);
  }
  const [easy] = card.examples;
  assert.ok(easy);
  const [title] = [...pages.keys()].filter((one) => easy.question.includes(one));
  assert.ok(pages.get(title ?? '')?.includes(easy.answer), 'the first example is answered by its page');
});

test('the preset for the starter model is what its own card says, with room for text that it does not know', () => {
  const { settings } = loadTaskCard(file) as unknown as { settings: Record<string, Record<string, unknown>> };
  const own = structuredClone(settings);
  // How much is made is the card's own choice.
  delete own['selfInstruct']?.['instances'];
  delete own['filter'];
  Object.assign(own['selfInstruct'] ?? {}, { passages: 2 });
  Object.assign(own['embedded'] ?? {}, { contextSize: 3072 });
  assert.deepEqual(presets.starter, own);
});
