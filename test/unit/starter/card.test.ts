import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadTaskCard, loadTaskData } from '../../../src/node/store/taskFile.ts';

const file = join(import.meta.dirname, '../../../starter/starter.task.json');

test('the examples of the starter card are about its world and are not among its evaluation questions', () => {
  const card = loadTaskCard(file);
  const data = loadTaskData(card, file);
  assert.equal(data.questions.length, 300);
  const text = new Set(data.questions.map((q) => q.question));
  const pages = new Map(data.pages.map((page) => [page.title, page.paragraphs.join(' ')]));
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
