import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { foldLabels } from '../../../src/core/annotate/labels.ts';
import { effective, readRecords, type LabelDraft } from '../../../src/core/annotate/records.ts';
import { StudySession } from '../../../src/core/annotate/session.ts';
import { StudyError } from '../../../src/core/annotate/study.ts';
import { RunError } from '../../../src/core/run/runError.ts';
import { AnnotatorFile } from '../../../src/node/annotate/annotatorFile.ts';
import { writeAnalysis } from '../../../src/node/annotate/studyAnalysis.ts';
import { StudyFolder } from '../../../src/node/annotate/studyFolder.ts';
import { prepared, study } from './studyFixture.ts';

function folder(t: { after: (fn: () => void) => void }): string {
  const made = mkdtempSync(join(tmpdir(), 'autoact-labels-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
const comment = (text: string): LabelDraft => ({
  kind: 'comment',
  target: { run: 'r', item: 'i', hash: 'h' },
  step: 1,
  text,
  thread: 'x',
});
const texts = (file: AnnotatorFile): string[] => file.records().flatMap((r) => (r.kind === 'comment' ? [r.text] : []));

test('each record is in the file when append returns, and another reader has it', (t) => {
  const path = join(folder(t), 'deep', 'ann.jsonl');
  const file = new AnnotatorFile(path, 'ann', () => 5);
  file.append(comment('one'));
  file.append(comment('two'), comment('three'));
  assert.deepEqual(texts(new AnnotatorFile(path, 'ann')), ['one', 'two', 'three']);
  assert.deepEqual(
    readRecords(readFileSync(path, 'utf8')).records.map((r) => r.t),
    [5, 6, 7],
    'time only goes on',
  );
});

test('a busy disk is not waited for; what it gives up is told with the next record, and can be tried again', (t) => {
  const path = join(folder(t), 'ann.jsonl');
  const file = new AnnotatorFile(path, 'ann');
  const waiting: ((error: Error | null) => void)[] = [];
  const sync = t.mock.method(
    fs,
    'fsync',
    (_fd: number, done: (error: Error | null) => void) => void waiting.push(done),
  );
  syncBuiltinESMExports();
  t.after(() => {
    sync.mock.restore();
    syncBuiltinESMExports();
  });
  for (const text of ['one', 'two', 'three']) file.append(comment(text));
  assert.deepEqual(texts(new AnnotatorFile(path, 'ann')), ['one', 'two', 'three']);
  assert.equal(waiting.length, 1, 'one sync at a time');
  waiting.shift()?.(null);
  assert.equal(waiting.length, 1, 'and one for what came since');
  waiting.shift()?.(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
  const syncNow = t.mock.method(fs, 'fsyncSync', () => {
    throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
  });
  syncBuiltinESMExports();
  assert.throws(() => file.append(comment('four')), RunError);
  assert.equal(file.unsaved, 1, 'so that the panel offers to try again');
  assert.throws(() => {
    file.flush();
  }, RunError);
  syncNow.mock.restore();
  syncBuiltinESMExports();
  file.flush();
  assert.equal(file.unsaved, 0);
  assert.deepEqual(texts(file), ['one', 'two', 'three', 'four']);
});

test('a torn last line is left out and told; the next record begins a line of its own', (t) => {
  const path = join(folder(t), 'ann.jsonl');
  new AnnotatorFile(path, 'ann').append(comment('one'));
  appendFileSync(path, '{"v":1,"id":"ann-x","kind":"comm');
  const file = new AnnotatorFile(path, 'ann');
  assert.deepEqual([texts(file), file.faults.damaged], [['one'], [2]]);
  file.append(comment('two'));
  assert.deepEqual([texts(file), file.faults.damaged], [['one', 'two'], [2]]);
});

test('a damaged line in the middle, binary rubbish and lines of a newer version cost nothing else', (t) => {
  const path = join(folder(t), 'ann.jsonl');
  new AnnotatorFile(path, 'ann').append(comment('one'));
  appendFileSync(path, Buffer.from([0, 255, 254, 10]));
  appendFileSync(path, '{"v":9,"id":"ann-9","kind":"hologram"}\n<<<<<<< ours\n');
  const file = new AnnotatorFile(path, 'ann');
  file.append(comment('two'));
  assert.deepEqual([texts(file), file.faults], [['one', 'two'], { damaged: [2, 4], newer: 1 }]);
});

test(
  'a file that is a link is not written through, whatever it leads to',
  { skip: process.platform === 'win32' ? 'Windows has no such flag' : false },
  (t) => {
    const at = folder(t);
    writeFileSync(join(at, 'profile'), 'export A=1\n');
    symlinkSync(join(at, 'profile'), join(at, 'ann.jsonl'));
    const file = new AnnotatorFile(join(at, 'ann.jsonl'), 'ann');
    assert.throws(() => file.append(comment('one')), RunError);
    assert.equal(readFileSync(join(at, 'profile'), 'utf8'), 'export A=1\n');
    assert.equal(file.unsaved, 1);
  },
);

test('two windows on one file see and keep each other’s labels', (t) => {
  const path = join(folder(t), 'ann.jsonl');
  const [left, right] = [new AnnotatorFile(path, 'ann'), new AnnotatorFile(path, 'ann')];
  for (let i = 0; i < 50; i++) (i % 2 === 0 ? left : right).append(comment(`c${i}`));
  const wanted = Array.from({ length: 50 }, (_unused, i) => `c${i}`);
  assert.deepEqual(texts(left), wanted);
  assert.deepEqual(texts(right), wanted);
  assert.equal(new Set(left.records().map((r) => r.id)).size, 50);
});

test('two processes that write at once lose nothing and tear nothing', async (t) => {
  const path = join(folder(t), 'ann.jsonl');
  const program = (name: string): string => `
    import { AnnotatorFile } from ${JSON.stringify(new URL('../../../src/node/annotate/annotatorFile.ts', import.meta.url).href)};
    const file = new AnnotatorFile(${JSON.stringify(path)}, 'ann');
    for (let i = 0; i < 100; i++)
      file.append({ kind: 'comment', target: { run: 'r', item: 'i', hash: 'h' }, step: 1, text: '${name}' + i + 'x'.repeat(500), thread: 't' });`;
  const { spawn } = await import('node:child_process');
  const codes = await Promise.all(
    ['a', 'b'].map(
      (name) =>
        new Promise((resolve) =>
          spawn(process.execPath, [
            '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
            '--input-type=module',
            '-e',
            program(name),
          ]).on('close', resolve),
        ),
    ),
  );
  assert.deepEqual(codes, [0, 0]);
  const { records, damaged } = readRecords(readFileSync(path, 'utf8'));
  assert.deepEqual([records.length, damaged], [200, []]);
});

test('an undo takes back one record, and what it had replaced holds again', (t) => {
  const file = new AnnotatorFile(join(folder(t), 'ann.jsonl'), 'ann');
  const made = prepared(3);
  const session = new StudySession(made.plan, made.items, 'ann');
  const [first] = session.list;
  assert.ok(first);
  const labels = () => foldLabels(file.records(), 'demo');
  const aspect = 'coherence';
  file.append(session.choose(first, labels(), aspect, 0, false));
  file.append(session.choose(first, labels(), aspect, 2, false));
  assert.deepEqual(labels().choices.get(first.id)?.get(aspect)?.positions, [2]);
  const last = labels().undoable.at(-1);
  file.append({ kind: 'undo', of: [last?.id ?? ''] });
  assert.deepEqual(labels().choices.get(first.id)?.get(aspect)?.positions, [0]);
  file.append(session.choose(first, labels(), aspect, 3, true));
  assert.deepEqual(labels().choices.get(first.id)?.get(aspect)?.positions, [0, 3], 'a tie');
  file.append(session.choose(first, labels(), aspect, -1, false));
  assert.deepEqual(labels().choices.get(first.id)?.get(aspect)?.best, [], 'none');
});

test('a study is done in order: nothing is finished with an open aspect, guesses come last, pace leaves out breaks', () => {
  const made = prepared(4, { audit: { items: 2 } });
  const session = new StudySession(made.plan, made.items, 'ben');
  const file = new AnnotatorFile(join(mkdtempSync(join(tmpdir(), 'autoact-labels-')), 'ben.jsonl'), 'ben');
  const labels = () => foldLabels(file.records(), 'demo');
  assert.throws(() => new StudySession(made.plan, made.items, 'zoe'), StudyError);
  const guess = session.list.at(-1);
  assert.ok(guess && session.kind(guess) === 'guess' && !session.mayOpen(guess, labels()));
  for (let i = 0; i < 4; i++) {
    const next = session.firstOpen(labels());
    assert.ok(next);
    assert.throws(() => session.finish(next, labels(), 1000), /Still open: Coherence/);
    file.append(session.choose(next, labels(), 'coherence', 0, false));
    file.append(session.finish(next, labels(), i === 0 ? 9e9 : 4000));
  }
  assert.ok(session.mayOpen(guess, labels()));
  assert.deepEqual(session.progress(labels()), { done: 4, total: 6, paceMs: 4000, leftMs: 8000 });
  rmSync(join(file.path, '..'), { recursive: true });
});

test(
  'a full disk is told, keeps the labels in memory, and writes them when there is room',
  { skip: process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs' },
  (t) => {
    const mount = folder(t);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'pipe' });
    } catch {
      t.skip('a tmpfs cannot be mounted here');
      return;
    }
    try {
      const path = join(mount, 'ann.jsonl');
      const file = new AnnotatorFile(path, 'ann');
      let failure: unknown;
      let made = 0;
      while (failure === undefined) {
        try {
          file.append(comment(`${made++}:${'y'.repeat(3000)}`));
        } catch (error) {
          failure = error;
        }
      }
      assert.ok(RunError.is(failure, 'disk') && /disk is full/.test(failure.message));
      assert.throws(() => file.append(comment('while it is full')), RunError);
      assert.deepEqual([file.unsaved, file.records().length], [2, made + 1], 'what was said still counts');
      execFileSync('mount', ['-o', 'remount,size=1m', mount]);
      file.append(comment('after'));
      assert.equal(file.unsaved, 0);
      const again = new AnnotatorFile(path, 'ann');
      assert.equal(again.records().length, made + 2);
      assert.deepEqual(texts(again).slice(-2), ['while it is full', 'after']);
    } finally {
      // The file may still be open for its sync.
      execFileSync('umount', ['--lazy', mount]);
    }
  },
);

const git = (at: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'commit.gpgsign=false', ...args], {
    cwd: at,
    encoding: 'utf8',
    stdio: 'pipe',
  });

/** A prepared study of six questions in a folder. */
function preparedFolder(at: string): StudyFolder {
  writeFileSync(join(at, 'demo.study.json'), JSON.stringify(study({ audit: { items: 0 } })));
  const made = prepared(6, { audit: { items: 0 } });
  const { itemsSha256: _i, planSha256: _p, ...key } = made.key;
  const opened = new StudyFolder(join(at, 'demo.study.json'));
  opened.write({ ...made, key }, new Date('2026-01-01T00:00:00Z'));
  return opened;
}

function label(opened: StudyFolder, rater: string, from: number, to: number): void {
  const plan = opened.plan();
  const file = opened.annotator(rater);
  const session = new StudySession(plan, opened.items(), rater);
  const labels = () => foldLabels(file.records(), plan.name);
  if (labels().opened === undefined)
    file.append({ kind: 'opened', study: plan.name, commitment: opened.commitment().commitment });
  for (const presentation of session.list.slice(from, to)) {
    file.append(session.choose(presentation, labels(), 'coherence', 0, false));
    file.append(session.finish(presentation, labels(), 3000));
  }
}

test('two annotators’ clones, and two clones of one annotator, are merged by git without a conflict', (t) => {
  const root = folder(t);
  const [origin, ann, ben] = ['origin', 'ann', 'ben'].map((name) => join(root, name)) as [string, string, string];
  mkdirSync(origin);
  git(origin, 'init', '-q', '-b', 'main');
  const first = preparedFolder(origin);
  label(first, 'ann', 0, 1);
  git(origin, 'add', '-A');
  assert.ok(!git(origin, 'ls-files').includes('.key.json'), 'the key is not handed out');
  git(origin, 'commit', '-qm', 'study');
  for (const clone of [ann, ben]) git(root, 'clone', '-q', origin, clone);
  label(new StudyFolder(join(ann, 'demo.study.json')), 'ann', 1, 4);
  const atBen = new StudyFolder(join(ben, 'demo.study.json'));
  label(atBen, 'ben', 0, 6);
  // Ann sat at Ben's machine too.
  label(atBen, 'ann', 4, 6);
  for (const clone of [ann, ben]) {
    git(clone, 'add', '-A');
    git(clone, 'commit', '-qm', 'labels');
    git(clone, 'pull', '-q', '--no-rebase', '--no-edit', 'origin', 'main');
    git(clone, 'push', '-q', 'origin', `HEAD:${clone === ann ? 'from-ann' : 'from-ben'}`);
  }
  git(origin, 'merge', '-q', '--no-edit', 'from-ann');
  git(origin, 'merge', '-q', '--no-edit', 'from-ben');
  const { analysis, sealed, report } = writeAnalysis(first);
  assert.deepEqual(
    analysis.raters.map((r) => [r.name, r.done]),
    [
      ['ann', 6],
      ['ben', 6],
      ['cleo', 0],
      ['dan', 0],
      ['eve', 0],
    ],
  );
  assert.equal(first.annotator('ann').records().length, 1 + 12);
  assert.equal(sealed, true);
  assert.match(readFileSync(report, 'utf8'), /ann began under this commitment/);
});

test('what was sealed can be checked: changed items, order, key or a late beginning are told', (t) => {
  const at = folder(t);
  const opened = preparedFolder(at);
  label(opened, 'ann', 0, 2);
  assert.equal(opened.verify(opened.labels()).holds, true);
  opened.reveal();
  assert.equal(opened.verify(opened.labels()).holds, true);
  assert.throws(
    () => opened.write(prepared(2), new Date()),
    (e) => StudyError.is(e, 'prepared'),
  );
  const items = join(opened.path, 'items.jsonl');
  const before = readFileSync(items, 'utf8');
  writeFileSync(items, before.replace('archive', 'archives'));
  assert.match(opened.verify(opened.labels()).facts[0] ?? '', /items.jsonl was changed/);
  writeFileSync(items, before);
  opened.annotator('ben').append({ kind: 'opened', study: 'demo', commitment: 'other' });
  assert.match(opened.verify(opened.labels()).facts[0] ?? '', /ben began under another commitment/);
  const key = join(opened.path, 'key.json');
  writeFileSync(key, readFileSync(key, 'utf8').replace('alpha', 'beta'));
  assert.match(opened.verify(opened.labels()).facts.join(), /key is not the one/);
  assert.throws(() => opened.annotator('../x'), StudyError);
});

test('a study file that is changed after it was sealed is told, with what counts; the labels stand', (t) => {
  const opened = preparedFolder(folder(t));
  label(opened, 'ann', 0, 6);
  assert.ok(!writeAnalysis(opened).analysis.warnings.some((w) => /changed after/.test(w)));
  writeFileSync(opened.file, JSON.stringify({ ...opened.study(), instructions: 'Other words.', ties: 'split' }));
  assert.deepEqual(opened.changedFields(), ['instructions', 'ties']);
  const { analysis, report } = writeAnalysis(opened);
  assert.match(
    analysis.warnings[0] ?? '',
    /sealed \(instructions, ties\)\. Ties are counted by the new policy, "split"/,
  );
  assert.match(readFileSync(report, 'utf8'), /was changed after it was sealed \(instructions, ties\)/);
});

test('records out of order of time count in order of time, repeated lines once', () => {
  const line = (id: string, t: number, text: string): string =>
    JSON.stringify({ v: 1, id, t, rater: 'ann', ...comment(text) });
  const { records } = readRecords([line('b', 2, 'later'), line('a', 1, 'earlier'), line('b', 2, 'later')].join('\n'));
  assert.deepEqual(
    effective(records).map((r) => r.id),
    ['a', 'b'],
  );
});
