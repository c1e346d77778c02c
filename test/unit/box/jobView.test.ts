import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobViewBuilder } from '../../../src/core/box/jobView.ts';
import type { JobEvent } from '../../../src/core/box/jobEvents.ts';

const step = (number: number, steps: number): JobEvent => ({
  ...{ type: 'step', t: 1, adapter: 'plan', step: number, steps, epoch: 1, loss: 1, lr: 1 },
});
const begun = (resumedAt: number, steps: number): JobEvent => ({
  ...{ type: 'start', t: 1, device: 'cuda', precision: 'bfloat16' },
  adapters: { plan: { steps, examples: 1, heldOut: 0, mode: 'tree', resumedAt } },
});

test('a long curve is thinned out and keeps its ends', () => {
  const builder = new JobViewBuilder();
  builder.event(begun(0, 9999));
  for (let i = 1; i <= 9999; i++) builder.event(step(i, 9999));
  const points = builder.view().curves[0]?.points ?? [];
  assert.ok(points.length <= 1500 && points.length > 600, String(points.length));
  assert.equal(points.at(-1)?.step, 9999);
  assert.ok((points[0]?.step ?? 0) <= 16);
});

test('steps behind the checkpoint that training goes on from are not drawn twice', () => {
  const builder = new JobViewBuilder();
  builder.event(begun(0, 10));
  for (let i = 1; i <= 5; i++) builder.event(step(i, 10));
  builder.event(begun(3, 10));
  builder.event(step(4, 10));
  assert.deepEqual(
    builder.view().curves[0]?.points.map((point) => point.step),
    [1, 2, 3, 4],
  );
  assert.deepEqual(builder.view().notes, [{ severity: 'info', text: 'plan goes on from step 3' }]);
});

test('a log is kept to its end, from the beginning of a line', () => {
  const builder = new JobViewBuilder();
  builder.log('short\n', true);
  assert.deepEqual([builder.view().log, builder.view().logCut], ['short\n', false]);
  for (let i = 0; i < 3000; i++) builder.log(`line ${i} ${'x'.repeat(40)}\n`, false);
  const { log, logCut } = builder.view();
  assert.ok(log.length <= 64_000);
  assert.match(log, /^line \d+ x/);
  assert.match(log, /line 2999 x+\n$/);
  assert.equal(logCut, true);
});

test('every state is said in words, and a GPU that is still held is an error', () => {
  const builder = new JobViewBuilder();
  builder.state({ state: 'waiting', reason: 'Resources', position: 3 });
  assert.deepEqual([builder.view().state, builder.view().detail], ['waiting', 'number 3 in the queue, Resources']);
  builder.state({ state: 'finished', exit: { rc: -9, oom: true } });
  assert.deepEqual([builder.view().state, builder.view().detail], ['failed', 'it ran out of memory']);
  builder.state({ state: 'vanished', how: 'NODE_FAIL' });
  assert.match(builder.view().detail, /Slurm: NODE_FAIL/);
  builder.state({ state: 'cancelled' });
  const gpus = [{ index: 0, name: 'A100', memoryTotal: 100, memoryUsed: 40, busy: 7 }];
  const job = { id: 'a', kind: 'train', state: 'cancelled', made: 1, adapters: {}, gpu: 'held 12' } as const;
  for (const now of [1, 2]) builder.status({ now, gpus, disk: { free: 1, total: 2 }, jobs: [job] }, 'a');
  const view = builder.view();
  assert.equal(view.notes.at(-1)?.severity, 'error');
  assert.deepEqual(view.gpus, [
    {
      ...{ name: 'A100', memoryTotal: 100 },
      use: [1, 2].map((t) => ({ t, busy: 7, memoryUsed: 40 })),
    },
  ]);
});
