import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressView } from '../../../src/cli/progressView.ts';
import { StatusTracker } from '../../../src/core/pipeline/statusTracker.ts';
import { RunStatus, type SystemScore } from '../../../src/core/run/status.ts';

const scores = (score: number): SystemScore[] => [
  { system: 'autoact', title: 'AutoAct', levels: [{ level: 'all', n: 10, score, low: 0, high: 1 }], errors: 0 },
];

function session(earlier?: RunStatus): StatusTracker {
  const start = {
    ...{ run: 'r1', task: 'Archive', taskFile: 'archive.task.json', mode: 'fixed' as const, seed: 1, metric: 'f1' },
    ...{ roles: [], pid: 1 },
  };
  return new StatusTracker(start, Date.now, () => undefined, earlier);
}

function finished(): RunStatus {
  const tracker = session();
  tracker.begin('filter', 10);
  tracker.counts('filter', { synthesised: 10, kept: 4 }, { wrong: 6 });
  tracker.end('filter', 'done');
  tracker.results(scores(0.5));
  tracker.finish('done');
  return RunStatus.parse(tracker.snapshot);
}

test('figures of a run’s own session are no earlier ones', () => {
  const status = finished();
  assert.equal(status.earlierResults, undefined);
  assert.ok(status.stages.every(({ earlier }) => earlier === undefined));
});

test('a stage that is run again keeps its old figures, marked, until it has new ones', () => {
  const tracker = session(finished());
  tracker.begin('filter', 12);
  const old = tracker.stage('filter');
  assert.deepEqual([old.state, old.earlier], ['running', true]);
  assert.deepEqual(old.counts.at(-1), { label: 'kept', value: 4 });
  assert.deepEqual(old.dropped, [{ reason: 'wrong', count: 6 }]);
  tracker.counts('filter', { synthesised: 12 });
  assert.deepEqual(tracker.stage('filter').counts, [{ label: 'synthesised', value: 12 }]);
  assert.deepEqual(tracker.stage('filter').dropped, [], 'old reasons do not stand beside new counts');
  assert.equal(tracker.stage('filter').earlier, undefined);
});

test('old results stay, marked, over a session that is stopped, and go when there are new ones', () => {
  const stopped = session(finished());
  stopped.begin('filter', 12);
  stopped.end('filter', 'cancelled');
  stopped.finish('cancelled');
  const status = RunStatus.parse(stopped.snapshot);
  assert.deepEqual([status.results, status.earlierResults], [scores(0.5), true]);
  const next = session(status);
  assert.equal(next.stage('filter').earlier, true);
  next.results(scores(0.7));
  assert.deepEqual([next.snapshot.results, next.snapshot.earlierResults], [scores(0.7), undefined]);
});

test('since when a stage is being done again is kept over sessions, until it is done', () => {
  const first = session(finished());
  const since = first.stage('filter').again ?? '';
  assert.ok(Date.parse(since) > 0);
  assert.equal(first.stage('report').again, undefined, 'a stage that was never done has no time before');
  first.begin('filter', 12);
  first.counts('filter', { synthesised: 1 });
  first.end('filter', 'cancelled');
  first.finish('cancelled');
  const next = session({ ...RunStatus.parse(first.snapshot) });
  assert.equal(next.stage('filter').again, since, 'what the first of them made is no earlier one');
  next.begin('filter', 12);
  next.end('filter', 'done');
  assert.equal(next.stage('filter').again, undefined);
});

test('a stage that is done and counted nothing shows nothing of before', () => {
  const tracker = session(finished());
  tracker.begin('filter', 0);
  tracker.end('filter', 'done');
  assert.deepEqual([tracker.stage('filter').counts, tracker.stage('filter').earlier], [[], undefined]);
});

test('the terminal prints no old figures as those of a stage that has just ended', () => {
  const tracker = session(finished());
  tracker.begin('filter', 12);
  tracker.end('filter', 'failed', { message: 'The disk is full.' });
  let said = '';
  new ProgressView(false, (text) => (said += text)).show(tracker.snapshot);
  assert.match(said, /✗ Filtering/);
  assert.doesNotMatch(said, /kept 4|wrong 6/);
});
