import assert from 'node:assert/strict';
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { RunError } from '../../../src/core/run/runError.ts';
import { writeFileAtomic } from '../../../src/node/store/atomicFile.ts';
import { loadPrompts } from '../../../src/node/store/prompts.ts';
import { loadQuestions, loadTaskCard, openTaskData } from '../../../src/node/store/taskFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact windows '));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Plays Windows, whose rename is refused so many times because somebody has the file open. */
function heldFor(t: TestContext, refusals: number, code = 'EPERM'): () => number {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
  const rename = fs.renameSync;
  let tries = 0;
  fs.renameSync = (from, to) => {
    if (++tries <= refusals) throw Object.assign(new Error(code), { code });
    rename(from, to);
  };
  syncBuiltinESMExports();
  t.after(() => {
    fs.renameSync = rename;
    syncBuiltinESMExports();
    Object.defineProperty(process, 'platform', platform);
  });
  return () => tries;
}

test('promise 13: a file that somebody reads while it is replaced is waited for', (t) => {
  const path = join(folder, 'status.json');
  writeFileAtomic(path, 'one');
  const tries = heldFor(t, 3);
  writeFileAtomic(path, 'two');
  assert.equal(readFileSync(path, 'utf8'), 'two');
  assert.equal(tries(), 4);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('promise 13: one that is never let go is an error with its name, and stays as it was', (t) => {
  const path = join(folder, 'held.json');
  writeFileAtomic(path, 'one');
  heldFor(t, Number.POSITIVE_INFINITY, 'EBUSY');
  assert.throws(
    () => {
      writeFileAtomic(path, 'two');
    },
    (error) => RunError.is(error, 'disk') && error.message.includes('held.json'),
  );
  assert.equal(readFileSync(path, 'utf8'), 'one');
});

test('promise 13: files as Windows programs write them, with CRLF and a mark before the first letter', async () => {
  const write = (name: string, lines: readonly string[]): string => {
    const path = join(folder, name);
    writeFileSync(path, `\uFEFF${lines.join('\r\n')}\r\n`);
    return path;
  };
  write('the questions.jsonl', [
    '{"id":"a","question":"Where?","answer":"Arden","level":"easy"}',
    '{"id":"b","question":"Who?","answer":"Mira","level":"easy"}',
  ]);
  write('the pages.jsonl', ['{"title":"Mira","paragraphs":["Mira lives in Arden."]}']);
  const card = write('a card.task.json', [
    '{"name":"n","description":"d","examples":[{"question":"Q?","answer":"A"}],"metric":"f1","levels":["easy"],',
    '"documents":"the pages.jsonl","questions":"the questions.jsonl"}',
  ]);
  const prompts = join(folder, 'prompts');
  fs.mkdirSync(prompts);
  writeFileSync(join(prompts, 'p.md'), '\uFEFF---\r\nname: p\r\nversion: 1\r\ninputs: []\r\n---\r\none\r\ntwo\r\n');
  const task = loadTaskCard(card);
  const data = await openTaskData(task, card, {
    cacheFolder: join(folder, 'cache'),
    notify: () => undefined,
    signal: new AbortController().signal,
  });
  assert.deepEqual(
    data.questions.map((q) => [q.id, q.answer]),
    [
      ['a', 'Arden'],
      ['b', 'Mira'],
    ],
  );
  assert.equal(loadQuestions(join(folder, 'the questions.jsonl')).length, 2);
  assert.equal(loadPrompts(prompts).get('p')?.text, 'one\ntwo');
});
