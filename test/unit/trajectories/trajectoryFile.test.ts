import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readStoredLine } from '../../../src/core/trajectory/storedTrajectory.ts';
import { summarise } from '../../../src/core/trajectory/summary.ts';
import { parseTrajectoryQuery } from '../../../src/core/trajectory/trajectoryQuery.ts';
import { importTrajectories } from '../../../src/node/data/trajectoryFolder.ts';
import { searchFile } from '../../../src/node/trajectories/searchFile.ts';
import { thinLine } from '../../../src/node/trajectories/thinLine.ts';
import { TrajectoryFile } from '../../../src/node/trajectories/trajectoryFile.ts';
import { publishedLine, storedLine } from '../../fixtures/trajectories.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-trajectories-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const cache = join(folder, 'cache');

describe('a file of trajectories', () => {
  it('has a row a line, numbered as an editor does, and reads one at a time', async () => {
    const path = join(folder, 'mixed.jsonl');
    writeFileSync(path, `${storedLine(0)}\r\n\n${publishedLine(1)}\nnot JSON\n${storedLine(3)}`);
    const file = await TrajectoryFile.open(path);
    assert.deepEqual(
      file.rows.map(({ line, summary }) => [line, summary.outcome]),
      [
        [1, 'right'],
        [3, 'right'],
        [4, 'unreadable'],
        [5, 'right'],
      ],
    );
    const read = await file.read(file.rowOfLine(3) ?? -1);
    assert.ok(read.ok && read.trajectory.id === 'mixed/3');
    assert.equal(file.rowOfLine(2), undefined);
  });

  it('reads only what was added, and everything when it was changed before that', async () => {
    const path = join(folder, 'grows.jsonl');
    writeFileSync(path, Array.from({ length: 30 }, (_, i) => `${storedLine(i)}\n`).join(''));
    const file = await TrajectoryFile.open(path);
    assert.equal(await file.refresh(), false);
    // A line that is being written is there already, and is read again when it has gone on.
    const next = storedLine(30);
    appendFileSync(path, next.slice(0, 40));
    await file.refresh();
    assert.deepEqual(
      [file.origin, file.rows.length, file.rows.at(-1)?.summary.outcome],
      ['extended', 31, 'unreadable'],
    );
    appendFileSync(path, `${next.slice(40)}\n`);
    await file.refresh();
    assert.deepEqual([file.origin, file.rows.length, file.rows.at(-1)?.summary.outcome], ['extended', 31, 'right']);
    assert.equal(file.rows.at(-1)?.line, 31);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"correct":true', '"correct":null'));
    utimesSync(path, new Date(), new Date(Date.now() + 5000));
    await file.refresh();
    assert.deepEqual([file.origin, file.rows.length], ['made', 31]);
  });

  it('keeps the index of a large file, and makes it again when it does not fit', async () => {
    const path = join(folder, 'large.jsonl');
    const rows = 900;
    writeFileSync(path, Array.from({ length: rows }, (_, i) => `${storedLine(i, 'o'.repeat(5000))}\n`).join(''));
    const made = await TrajectoryFile.open(path, { cache });
    const read = await TrajectoryFile.open(path, { cache });
    assert.deepEqual([made.origin, read.origin], ['made', 'read']);
    assert.deepEqual(read.rows, made.rows);
    appendFileSync(path, `${storedLine(rows)}\n`);
    const extended = await TrajectoryFile.open(path, { cache });
    assert.deepEqual([extended.origin, extended.rows.length], ['extended', rows + 1]);
    const [index = ''] = readdirSync(join(cache, 'trajectories'));
    const kept = readFileSync(join(cache, 'trajectories', index), 'utf8');
    for (const damage of [kept.slice(0, -40), kept.replace('"right"', '"lost"'), '{}\n', '']) {
      writeFileSync(join(cache, 'trajectories', index), damage);
      const again = await TrajectoryFile.open(path, { cache });
      assert.deepEqual([again.origin, again.rows.length], ['made', rows + 1]);
    }
  });

  it('has first rows from the head of its kept index alone, and none when the file has changed', async () => {
    const path = join(folder, 'headed.jsonl');
    const own = join(folder, 'headed');
    writeFileSync(path, Array.from({ length: 900 }, (_, i) => `${storedLine(i, 'o'.repeat(5000))}\n`).join(''));
    assert.equal(await TrajectoryFile.head(path, own, 50), undefined);
    const { rows } = await TrajectoryFile.open(path, { cache: own });
    assert.deepEqual(await TrajectoryFile.head(path, own, 50), rows.slice(0, 50));
    // What lies behind the head is not looked at.
    const [name = ''] = readdirSync(join(own, 'trajectories'));
    const index = join(own, 'trajectories', name);
    const kept = readFileSync(index);
    const broken = Buffer.concat([kept, Buffer.alloc(1 << 20, 'x')]);
    writeFileSync(index, broken);
    assert.deepEqual(await TrajectoryFile.head(path, own, 50), rows.slice(0, 50));
    appendFileSync(path, `${storedLine(900)}\n`);
    assert.equal(await TrajectoryFile.head(path, own, 50), undefined);
  });

  it('indexes a line without its long texts as it does the whole line', () => {
    const value = (observation: unknown, thought: unknown): string =>
      JSON.stringify({
        id: 'a/1',
        question: 'What does "observation": "x" mean?',
        trajectory: { steps: [{ thought, tool: 'Retrieve', argument: 'a', observation }], answer: 'b', finished: true },
        correct: true,
      });
    const quoted = '"observation":"thought" \\" and “quotes” \\\\'.repeat(20);
    for (const line of [
      value(quoted, quoted),
      value(quoted, 'short'),
      value(`${quoted}\\`, ''),
      value(5, quoted),
      value({ observation: quoted }, quoted),
      value(quoted, quoted).replaceAll('":"', '" : "'),
    ]) {
      const thin = thinLine(Buffer.from(line));
      assert.ok(thin.length < line.length - 200);
      const summary = (text: string): unknown => summarise(readStoredLine(text, 'a/1'), 'a/1', 'a');
      assert.deepEqual(summary(thin.toString('utf8')), summary(line));
      // Cut short anywhere it stays unreadable.
      for (let end = 0; end < line.length; end += 7) {
        const part = thinLine(Buffer.from(line.slice(0, end))).toString('utf8');
        assert.equal(readStoredLine(part, 'a/1').ok, false);
      }
    }
  });

  it('survives a line of ten megabytes and one that is cut short', async () => {
    const path = join(folder, 'long.jsonl');
    writeFileSync(path, `${storedLine(0, 'x'.repeat(10 << 20))}\n${storedLine(1)}\n`);
    const file = await TrajectoryFile.open(path);
    const read = await file.read(0);
    assert.ok(read.ok && read.trajectory.steps[0]?.observation.length === 10 << 20);
    writeFileSync(path, storedLine(0));
    const cut = await file.read(1);
    assert.ok(!cut.ok && cut.reason.includes('cut short'));
  });

  it('has the scores of an imported folder, and groups by the file that was imported', async () => {
    const source = join(folder, 'pub-easy.jsonl');
    writeFileSync(source, `${publishedLine(0)}\n${publishedLine(1, false)}\n`);
    const out = join(folder, 'imported');
    await importTrajectories([source], out);
    const file = await TrajectoryFile.open(join(out, 'trajectories.jsonl'));
    assert.deepEqual(
      file.rows.map(({ summary }) => [summary.id, summary.group, summary.level, summary.outcome]),
      [
        ['pub-easy/1', 'pub-easy', 'easy', 'right'],
        ['pub-easy/2', 'pub-easy', 'easy', 'wrong'],
      ],
    );
    const read = await file.read(0);
    assert.ok(read.ok && read.trajectory.correct === true);
    assert.doesNotMatch(JSON.stringify(read), /CORRECT/);
  });

  it('finds text however its JSON is written, and only where a reader would see it', async () => {
    const path = join(folder, 'search.jsonl');
    writeFileSync(
      path,
      [storedLine(0, 'a “quoted” \\ Ünïcode word\nand more'), storedLine(1, 'nothing'), publishedLine(2)].join('\n'),
    );
    const file = await TrajectoryFile.open(path);
    const find = async (query: string): Promise<(number | undefined)[]> => {
      const found: (number | undefined)[] = [];
      for await (const { row, hit } of searchFile(file, parseTrajectoryQuery(query))) found.push(row, hit?.step);
      return found;
    };
    assert.deepEqual(await find('“quoted” \\ ünïcode'), [0, 1]);
    assert.deepEqual(await find('nothing'), [1, 1]);
    assert.deepEqual(await find('observation'), []);
    assert.deepEqual(await find('harth tool:retrieve'), [0, 2, 1, 2, 2, 1]);
    assert.deepEqual(await find('outcome:wrong'), []);
  });

  it('says of a file that is cut short or deleted while it is shown what has become of it', async () => {
    const path = join(folder, 'goes.jsonl');
    writeFileSync(path, Array.from({ length: 5 }, (_, i) => `${storedLine(i)}\n`).join(''));
    const file = await TrajectoryFile.open(path);
    truncateSync(path, file.rows[2]?.offset ?? 0);
    assert.deepEqual(await file.read(4), { ok: false, reason: 'the file was cut short since it was indexed' });
    assert.ok((await file.read(1)).ok, 'what is left can be read');
    assert.equal(await file.refresh(), true);
    assert.equal(file.rows.length, 2);
    rmSync(path);
    const gone = { message: /goes\.jsonl cannot be read/, remedy: /Check whether it is there/ };
    await assert.rejects(file.read(0), gone);
    await assert.rejects(file.refresh(), gone);
    writeFileSync(path, `${storedLine(7)}\n`);
    assert.equal(await file.refresh(), true, 'it is read again once it is back');
    assert.equal(file.rows.length, 1);
  });

  it('opens without an index where the cache cannot be written', async () => {
    const path = join(folder, 'large-unkept.jsonl');
    const line = `${storedLine(1)}\n`;
    writeFileSync(path, line.repeat(Math.ceil((5 << 20) / line.length)));
    const blocked = join(folder, 'no-folder');
    writeFileSync(blocked, 'a file stands where the folder would be');
    const file = await TrajectoryFile.open(path, { cache: blocked });
    assert.equal(file.origin, 'made');
    assert.ok(file.rows.length > 1000);
  });

  it('says which file cannot be read', async () => {
    await assert.rejects(TrajectoryFile.open(join(folder, 'absent.jsonl')), /absent\.jsonl cannot be read/);
  });
});
