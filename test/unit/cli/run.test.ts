import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunStatus } from '../../../src/core/run/status.ts';
import { cliFolder, runOf, withServer } from './support.ts';

const { cli, writeTask } = cliFolder();

test('a run against a user’s own server goes through every stage and ends with an honest table', async () => {
  await withServer(async (baseURL) => {
    const ended = await cli(['run', '--task', writeTask('whole', baseURL), '--json']);
    assert.equal(ended.code, 0, ended.out.slice(-2000) + ended.err);
    const { folder: run } = runOf(ended.out);
    const status = RunStatus.parse(JSON.parse(readFileSync(join(run, 'status.json'), 'utf8')));
    assert.deepEqual(
      status.stages.map((s) => s.state),
      Array.from({ length: 7 }, () => 'done'),
    );
    assert.equal(status.results[0]!.levels.at(-1)!.n, 12);
    assert.ok(Math.abs(status.results[0]!.levels.at(-1)!.score - 4 / 12) < 1e-9);
    for (const file of [
      'run.json',
      'database.jsonl',
      'tools.json',
      'trajectories.jsonl',
      'training/plan.jsonl',
      'evaluation/zero-shot.jsonl',
      'report.md',
      'report.json',
    ])
      assert.ok(existsSync(join(run, file)), file);
    const trajectories =
      readFileSync(join(run, 'evaluation/zero-shot.jsonl'), 'utf8') +
      readFileSync(join(run, 'log.jsonl'), 'utf8') +
      readFileSync(join(run, 'run.json'), 'utf8');
    assert.doesNotMatch(trajectories, /Velm/, 'gold that no model said is in no file but the scores');
    const explained = await cli(['explain', runOf(ended.out).run, 'i-0001', '--json']);
    assert.deepEqual(
      (JSON.parse(explained.out) as { kind: string; from: string[]; to: string[] }[]).map((e) => [
        e.kind,
        e.from,
        e.to[0],
      ]),
      [['instance', ['seed-1'], 'synthesis/i-0001/0']],
    );
    const dropped = await cli(['explain', runOf(ended.out).run, 'broken']);
    assert.match(dropped.out, /format error/);
  });
});

/** True a single time: a second signal would end the process at once. */
function once(condition: () => boolean): () => boolean {
  let fired = false;
  return () => !fired && (fired = condition());
}

test('cancelling ends with its own code, and resume goes on', async () => {
  await withServer(async (baseURL, server) => {
    server.delay(30);
    const first = await cli(
      ['run', '--task', writeTask('cancelled', baseURL, { concurrency: 2 }), '--json'],
      once(() => server.asked.length > 20),
    );
    assert.equal(first.code, 130, first.err);
    const { folder: run } = runOf(first.out);
    assert.equal(RunStatus.parse(JSON.parse(readFileSync(join(run, 'status.json'), 'utf8'))).state, 'cancelled');
    server.delay(0);
    const statusOf = (): RunStatus =>
      RunStatus.parse(JSON.parse(readFileSync(join(runOf(first.out).folder, 'status.json'), 'utf8')));
    const before = statusOf().calls;
    assert.equal((await cli(['run', '--resume', runOf(first.out).run])).code, 0);
    const lines = readFileSync(join(runOf(first.out).folder, 'log.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const answered = lines.filter((line) => line.includes('"completionTokens"')).length;
    assert.ok(before > 0 && statusOf().calls >= answered && answered > before, 'calls of both sessions are counted');
  });
});
