import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LogReader } from '../../../src/node/store/logReader.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoact-log-'));
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
const newLog = (): string => join(folder, `log-${++files}.jsonl`);
const note = (item: string, i: number, text: string): string =>
  `${JSON.stringify({ t: i, item, i: String(i), hash: 'h', label: 'thought', note: { step: 1, role: 'plan', kind: 'thought', text } })}\n`;

describe('log reader', () => {
  it('is empty while there is no log', async () => {
    const reader = new LogReader(newLog());
    assert.equal((await reader.refresh()).size, 0);
    assert.deepEqual(await reader.entries('synthesis/a'), []);
  });

  it('indexes items and reads their entries, in any order of fields', async () => {
    const path = newLog();
    writeFileSync(
      path,
      note('synthesis/a', 1, 'one “x”') +
        '{"t":2,"item":"run","event":"resumed"}\n' +
        `${JSON.stringify({ t: 3, item: 'synthesis/b', i: '0', hash: 'h', label: 'thought', ms: 4, asked: { role: 'plan', keep: 0, tail: 'p', seed: 1, temperature: 0 }, answer: { kind: 'completion', text: 'yes' } })}\n` +
        `${JSON.stringify({ result: { answer: 'Harth' }, item: 'synthesis/a', t: 5 })}\n` +
        `${JSON.stringify({ t: 6, item: 'synthesis/b', failed: { reason: 'timeout', message: 'late' } })}\n`,
    );
    const reader = new LogReader(path);
    assert.deepEqual([...(await reader.refresh())], ['synthesis/a', 'synthesis/b']);
    assert.deepEqual(
      reader.items('synthesis/').map(({ key, state }) => [key, state]),
      [
        ['synthesis/a', 'finished'],
        ['synthesis/b', 'failed'],
      ],
    );
    assert.deepEqual(
      reader.item('synthesis/b')?.entries.map(({ type, label }) => [type, label]),
      [
        ['answer', 'thought'],
        ['failed', ''],
      ],
    );
    const [first] = await reader.entries('synthesis/a', 'note');
    assert.ok(first !== undefined && 'note' in first);
    assert.equal(first.note.text, 'one “x”');
    assert.equal(reader.unreadable, 0);
  });

  it('reads only what was appended, and waits for the end of a torn line', async () => {
    const path = newLog();
    writeFileSync(path, note('a/1', 1, 'first'));
    const reader = new LogReader(path);
    await reader.refresh();
    const line = note('a/1', 2, 'second, with “quotes” and 東京');
    const bytes = Buffer.from(line);
    appendFileSync(path, bytes.subarray(0, bytes.length - 20));
    assert.equal((await reader.refresh()).size, 0);
    appendFileSync(path, bytes.subarray(bytes.length - 20));
    assert.deepEqual([...(await reader.refresh())], ['a/1']);
    const texts = (await reader.entries('a/1')).map((entry) => ('note' in entry ? entry.note.text : ''));
    assert.deepEqual(texts, ['first', 'second, with “quotes” and 東京']);
  });

  it('agrees with a plain reading of the file at whatever byte it is read', async () => {
    const path = newLog();
    const lines = Array.from({ length: 60 }, (_, k) => note(`a/${k % 7}`, k, '€'.repeat(k * 31)));
    const bytes = Buffer.from(lines.join(''));
    writeFileSync(path, '');
    const reader = new LogReader(path);
    for (let at = 0; at < bytes.length; at += 997) {
      appendFileSync(path, bytes.subarray(at, Math.min(bytes.length, at + 997)));
      await reader.refresh();
    }
    const wanted = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { item: string });
    for (const item of reader.items())
      assert.deepEqual(
        await reader.entries(item.key),
        wanted.filter((entry) => entry.item === item.key),
      );
    assert.equal(reader.items().length, 7);
  });

  it('starts over when the log is cut short', async () => {
    const path = newLog();
    writeFileSync(path, note('a/1', 1, 'one') + note('a/2', 2, 'two'));
    const reader = new LogReader(path);
    await reader.refresh();
    truncateSync(path, Buffer.byteLength(note('a/1', 1, 'one')));
    await reader.refresh();
    assert.deepEqual(
      reader.items().map((item) => item.key),
      ['a/1'],
    );
  });

  it('goes on after a damaged line', async () => {
    const path = newLog();
    writeFileSync(path, `not json\n${note('a/1', 1, 'one')}{"t":1}\n`);
    const reader = new LogReader(path);
    await reader.refresh();
    assert.equal(reader.items().length, 1);
    assert.equal(reader.unreadable, 2);
  });

  it('tells every follower what has changed, whoever reads', async () => {
    const path = newLog();
    writeFileSync(path, '');
    const reader = new LogReader(path);
    const stop = new AbortController();
    const heard = new Promise<ReadonlySet<string>>((resolve) => {
      reader.follow(resolve, stop.signal);
    });
    appendFileSync(path, note('a/9', 1, 'one'));
    await reader.refresh();
    assert.deepEqual([...(await heard)], ['a/9']);
    stop.abort();
  });
});
