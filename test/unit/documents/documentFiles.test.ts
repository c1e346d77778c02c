import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadDocuments } from '../../../src/node/documents/documentFiles.ts';
import { TaskError } from '../../../src/node/store/taskError.ts';
import { builtInLibrary } from '../../../src/node/tools/builtIn.ts';
import { Toolbox } from '../../../src/node/tools/toolbox.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact documents '));
after(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
};

test('a folder of text, Markdown and JSON becomes pages, in the order of its paths', async () => {
  write('docs/harbour_towns.txt', 'Arden is a harbour\ntown.\n\n  \nVelm is another.\n');
  write(
    'docs/sub/mill.md',
    '---\nlayout: page\n---\n# The Mill ##\n\nThe [mill](http://x/y) was built in 1402.\n\n## Later\n\nIt burned.\n',
  );
  write(
    'docs/pages.jsonl',
    '{"title": "Sarn", "paragraphs": ["Sarn is a river."]}\n\n{"title": "Orvale", "text": "Orvale is a land.\\n\\nIt is wet."}\n',
  );
  write('docs/one.json', '{"title": "Sarn", "text": "Sarn is also a novel."}');
  write('docs/same.json', '[{"title": "Orvale", "paragraphs": ["Orvale is a land.", "It is wet."]}]');
  write('docs/.hidden/secret.txt', 'secret');
  write('docs/node_modules/x/readme.md', '# x');
  write('docs/picture.png', 'no text');
  symlinkSync(write('outside.txt', 'outside'), join(folder, 'docs', 'link.txt'));
  const pages = loadDocuments(join(folder, 'docs'));
  assert.deepEqual(
    pages.map(({ title, paragraphs }) => [title, paragraphs]),
    [
      ['harbour towns', ['Arden is a harbour town.', 'Velm is another.']],
      ['Sarn', ['Sarn is also a novel.']],
      ['Sarn (2)', ['Sarn is a river.']],
      ['Orvale', ['Orvale is a land.', 'It is wet.']],
      ['The Mill', ['The mill was built in 1402.', 'Later', 'It burned.']],
    ],
  );
  const toolbox = new Toolbox(builtInLibrary(pages));
  const ask = async (tool: string, argument: string, state = {}) =>
    toolbox.call({ kind: 'tool', tool, argument, state });
  assert.equal((await ask('Search', 'mill burned')).text, 'The Mill: The mill was built in 1402.');
  const page = await ask('Retrieve', 'the mill');
  assert.equal((await ask('Lookup', 'burned', page.state)).text, '(Result 1 / 1) It burned.');
});

test('faults name file and line', () => {
  const fails = (path: string, words: RegExp): void =>
    assert.throws(
      () => loadDocuments(path),
      (error) => error instanceof TaskError && words.test(error.message),
    );
  fails(join(folder, 'none'), /none cannot be read/);
  mkdirSync(join(folder, 'empty'));
  fails(join(folder, 'empty'), /holds no documents/);
  fails(write('a.jsonl', '{"title": "x", "text": "y"}\n{"title": "x"}'), /Line 2 of .*neither paragraphs nor text/);
  fails(write('b.jsonl', '{"title": "x", "text": "y"}\n{'), /Line 2 of .*not JSON/);
  fails(write('c.json', '[{"text": "y"}]'), /Page 1 of .*c\.json is no page/);
});
