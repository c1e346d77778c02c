import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressView } from '../../../src/cli/progressView.ts';
import { StatusTracker } from '../../../src/core/pipeline/statusTracker.ts';
import { outageOf } from '../../../src/core/run/outage.ts';
import { RunStatus } from '../../../src/core/run/status.ts';
import { runBar } from '../../../src/host/runs/runBar.ts';

const start = Date.parse('2026-01-05T10:00:00Z');

function setUp(served: readonly (readonly [role: string, server: string])[] = []): {
  tracker: StatusTracker;
  wait: (ms: number) => void;
} {
  let now = start;
  const tracker = new StatusTracker(
    {
      ...{ run: 'r1', task: 'Archive', taskFile: 'archive.task.json', mode: 'fixed', seed: 1, metric: 'f1' },
      roles: served.map(([role, server]) => ({ role, server, model: 'base' })),
      pid: 1,
    },
    () => now,
    () => undefined,
  );
  return { tracker, wait: (ms) => (now += ms) };
}

test('an outage has one beginning, one end of patience and one text, however often the server is asked in vain', () => {
  const { tracker, wait } = setUp();
  tracker.begin('selfInstruct', 10);
  assert.equal(outageOf(tracker.snapshot), undefined);
  tracker.server('meta', 'retrying', 'Asking again.');
  assert.equal(outageOf(tracker.snapshot), undefined, 'a server that is asked again is no outage');
  wait(1000);
  tracker.server('meta', 'waiting', 'cannot be reached for 0.0 s', 3_600_000);
  const first = outageOf(RunStatus.parse(tracker.snapshot));
  wait(15_000);
  tracker.server('meta', 'waiting', 'cannot be reached for 15 s', 3_600_000);
  assert.deepEqual(outageOf(tracker.snapshot), first);
  assert.equal(first?.since, '2026-01-05T10:00:01.000Z');
  assert.equal(tracker.snapshot.servers?.[0]?.until, '2026-01-05T11:00:01.000Z');
  assert.match(first.message, /"meta" has not answered since \d.*; the run waits/);
  assert.match(first.remedy, /Start it.*Doctor.*until \d.*resumed/);
  tracker.server('meta', 'answering', 'answers again');
  assert.equal(outageOf(tracker.snapshot), undefined);
  wait(1000);
  tracker.server('meta', 'waiting', 'cannot be reached for 0.0 s', 3_600_000);
  assert.equal(outageOf(tracker.snapshot)?.since, '2026-01-05T10:00:17.000Z', 'the next outage is another one');
});

test('a program that answers for several roles is one server that is down, with its roles', () => {
  const { tracker } = setUp([
    ['meta', 'meta'],
    ['plan', 'plan'],
    ['tool', 'tool'],
    ['reflect', 'brief'],
  ]);
  const at = 'http://localhost:8000/v1';
  for (const name of ['meta', 'plan', 'tool']) tracker.server(name, 'waiting', `${name} is silent`, 60_000, at);
  const one = outageOf(tracker.snapshot);
  assert.deepEqual(one?.servers, [at]);
  assert.match(one.message, /^Server http:\/\/localhost:8000\/v1 \(meta, plan, tool\) has not answered since/);
  assert.match(one.remedy, /^Start it,/);
  assert.deepEqual(
    tracker.snapshot.notices.map(({ message }) => message),
    ['meta is silent'],
    'it is told once',
  );
  tracker.server('brief', 'waiting', 'brief is silent', 60_000, 'http://localhost:9000/v1');
  const two = outageOf(tracker.snapshot);
  assert.deepEqual(two?.servers, [at, 'brief']);
  assert.match(two.message, /^Servers http:.* \(meta, plan, tool\), "brief" have not answered since/);
  for (const name of ['meta', 'plan', 'tool']) tracker.server(name, 'answering', `${name} is back`, undefined, at);
  assert.deepEqual(outageOf(tracker.snapshot)?.servers, ['brief']);
  assert.equal(tracker.snapshot.notices.filter(({ message }) => message.endsWith('is back')).length, 1);
});

test('one name that serves several roles tells them', () => {
  const { tracker } = setUp([
    ['plan', 'brief'],
    ['tool', 'brief'],
  ]);
  tracker.server('brief', 'waiting', 'silent', 60_000, 'http://localhost:8000/v1');
  assert.match(outageOf(tracker.snapshot)?.message ?? '', /^Server "brief" \(plan, tool\) has not answered/);
});

test('a run whose process is gone waits for nothing', () => {
  const { tracker } = setUp();
  tracker.server('meta', 'waiting', 'cannot be reached');
  assert.equal(outageOf({ ...tracker.snapshot, state: 'interrupted' }), undefined);
  tracker.finish('failed');
  assert.equal(outageOf(tracker.snapshot), undefined);
});

test('the status bar names the stage under way, and before all others a run that waits', () => {
  const { tracker } = setUp();
  assert.equal(runBar([]), undefined);
  tracker.begin('selfInstruct', 10);
  tracker.progress('selfInstruct', 4);
  const well = tracker.snapshot;
  assert.match(runBar([well])?.text ?? '', /Self-instruct 4 of 10$/);
  tracker.server('$(flame) plan', 'waiting', 'cannot be reached');
  const shown = runBar([well, { ...tracker.snapshot, run: 'r2' }]);
  assert.equal(shown?.run, 'r2');
  assert.equal(shown.warning, true);
  assert.equal(shown.text, '$(warning) AutoAct: $ (flame) plan does not answer');
  assert.match(shown.tooltip, /since \d.*\nStart it/);
});

test('the line of progress says what is waited for and how to stop', () => {
  const { tracker } = setUp();
  tracker.begin('selfInstruct', 10);
  tracker.server('meta', 'waiting', 'cannot be reached', 60_000);
  let said = '';
  new ProgressView(false, (text) => (said += text)).show(tracker.snapshot);
  assert.match(said, /Self-instruct: 0 of 10, Server "meta" has not answered since \d.*Start it, or stop with Ctrl\+C/);
});
