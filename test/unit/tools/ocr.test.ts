import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import type { ToolState } from '../../../src/core/run/request.ts';
import { OcrTool, ToolList } from '../../../src/core/tools/toolConfig.ts';
import { findToolPackage } from '../../../src/node/packages/toolPackage.ts';
import { languagePackage, tesseractPackage } from '../../../src/node/tools/ocr.ts';
import { openTools } from '../../../src/node/tools/openTools.ts';
import { loadOcr } from '../../../src/node/tools/sandbox/ocr.ts';
import { Toolbox } from '../../../src/node/tools/toolbox.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact images '));
const file = (name: string): string => join(folder, name);
const root = resolve('.');
const missing = [tesseractPackage, languagePackage('eng')].filter(
  (wanted) => findToolPackage(wanted, { root, cacheFolder: join(root, '.cache') }) === undefined,
);
const skip = missing.length > 0 ? `${missing[0]?.name ?? ''} is not installed: npm install` : false;

before(() => {
  mkdirSync(file('images/test/5'), { recursive: true });
  copyFileSync('test/fixtures/sign.png', file('images/test/5/image.png'));
  writeFileSync(file('images/broken.png'), readFileSync('test/fixtures/sign.png').subarray(0, 600));
  writeFileSync(file('images/page.png'), '<html>');
  writeFileSync(file('images/huge.png'), picture(60_000, 60_000));
  writeFileSync(file('images/wide.png'), picture(20_000, 20_000));
  writeFileSync(file('images/empty.png'), picture(200, 100));
  writeFileSync(file('secret.png'), readFileSync('test/fixtures/sign.png'));
  symlinkSync(file('secret.png'), file('images/link.png'));
});
after(() => rmSync(folder, { recursive: true }));

const openedTools = (...entries: readonly object[]) =>
  openTools({
    tools: ToolList.parse(entries),
    place: {
      folder,
      root,
      version: '1',
      secret: () => undefined,
      notify: () => undefined,
      sandboxEntry: resolve('src/node/tools/sandbox/sandboxMain.ts'),
    },
  });
const asker = (...entries: readonly object[]) => {
  const toolbox = new Toolbox(openedTools(...entries));
  return (argument: string, state: ToolState = {}) =>
    toolbox.call({ kind: 'tool', tool: 'Image2Text', argument, state });
};
const ocr = { tool: 'Image2Text', provider: 'ocr', images: 'images' };
const own = (image: object): ToolState => ({ image: { caption: '', ocr: [], ...image } });

test('the versions that are installed on demand are those that are tested', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  for (const { name, version } of [tesseractPackage, languagePackage('eng')])
    assert.equal(devDependencies[name], version);
});

test('text is read in the image that is named and in the question’s own', { skip }, async () => {
  const ask = asker(ocr);
  const expected = 'Text in the image:\nHarbour of Orvale\nOpened in 1402';
  const named = await ask('test/5/image.png');
  assert.deepEqual([named.outcome, named.text], ['hit', expected]);
  const state = own({ file: 'test/5/image.png' });
  const answer = await ask('the picture above', state);
  assert.deepEqual([answer.outcome, answer.text], ['hit', expected]);
  assert.deepEqual(answer.state['image'], state['image']);
});

test('no other file is read, and what is no image says so', { skip }, async () => {
  const ask = asker({ ...ocr, timeoutSeconds: 5 });
  for (const name of ['../secret.png', file('secret.png'), 'link.png', 'page.png', 'none.png', '.', '', 'a\0b'])
    assert.match((await ask(name)).text, /^There is no image/, name);
  assert.equal((await ask('', own({ file: '../secret.png' }))).text, 'The image of the question cannot be looked at.');
  assert.equal((await ask('empty.png')).text, 'There is no text in the image that could be read.');
  const broken = await ask('broken.png');
  assert.deepEqual([broken.outcome, broken.text.includes('1402')], ['miss', false]);
});

test('an image that is small on disk and vast in memory is stopped', { skip }, async () => {
  const small = asker({ ...ocr, memoryMegabytes: 128 });
  for (const name of ['huge.png', 'wide.png']) assert.match((await small(name)).text, /^The image could not be read/);
  const slow = await asker({ ...ocr, timeoutSeconds: 1, memoryMegabytes: 2048 })('wide.png');
  assert.deepEqual([slow.outcome, slow.text], ['miss', 'Reading the image was stopped after 1 seconds.']);
});

test('data of a language that unpack to far more than they weigh are stopped before they are in memory', async () => {
  const job = {
    kind: 'ocr',
    file: file('images/test/5/image.png'),
    core: resolve('test/doubles/tesseractCore.ts'),
    language: file('bomb.traineddata.gz'),
    maxOutput: 100,
  } as const;
  writeFileSync(job.language, gzipSync(Buffer.alloc(1 << 20)));
  assert.deepEqual((await loadOcr(job))(), { status: 'ok', text: '1048576 bytes' });
  writeFileSync(job.language, gzipSync(Buffer.alloc(129 << 20)));
  await assert.rejects(loadOcr(job), { code: 'ERR_BUFFER_TOO_LARGE' });
});

test('stored captions of a question come first, and words that are known need no program', async () => {
  const ask = asker({ tool: 'Image2Text', provider: 'captions' }, ocr);
  const known = await ask('image', own({ caption: 'A map.', ocr: ['Dover', ''], file: 'test/5/image.png' }));
  assert.deepEqual([known.outcome, known.text], ['hit', 'A map.\nText in the image: Dover']);
  const captions = asker({ tool: 'Image2Text', provider: 'captions' });
  assert.deepEqual((await captions('image')).text, 'The question has no image.');
  assert.match((await captions('image', own({}))).text, /no caption of the question’s image/);
});

test('what is missing is told before a run, and a language is a name and no path', () => {
  const { unavailable } = openedTools({ ...ocr, images: 'nowhere' });
  assert.match(unavailable.find(({ name }) => name === 'Image2Text')?.reason ?? '', /nowhere is not there/);
  assert.equal(OcrTool.safeParse({ ...ocr, language: '../x' }).success, false);
  assert.equal(OcrTool.parse({ ...ocr, language: 'chi_sim' }).language, 'chi_sim');
});

/** A black picture of one bit a pixel. */
function picture(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height), { level: 9 });
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
