import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { treeContext } from '../../../src/contrib/ids.ts';
import type { ServingEvent } from '../../../src/core/box/boxStatus.ts';
import { BoxStatus, JobSummary } from '../../../src/core/box/boxStatus.ts';
import type { BoxesNode, BoxState } from '../../../src/host/boxes/boxesModel.ts';
import { childrenOf, itemOf, withAdapters } from '../../../src/host/boxes/boxesModel.ts';
import { StoppingJobs } from '../../../src/host/boxes/stoppingJobs.ts';
import type { Configuration } from '../../../src/protocol/dashboard.ts';

const job = (id: string, more: object) => ({ id, kind: 'train', state: 'running', made: 1, adapters: {}, ...more });
const status = BoxStatus.parse({
  now: 1000,
  gpus: [{ index: 0, name: 'H200', memoryTotal: 143_000, memoryUsed: 3000, busy: 97 }],
  disk: { free: 2e11, total: 1e12 },
  jobs: [
    job('aaa', {
      adapters: {
        plan: { step: 30, steps: 60, loss: 0.5 },
        tool: { step: 0, steps: 40, loss: null, secondsLeft: null },
      },
    }),
    job('bbb', { state: 'waiting', queue: { state: 'PENDING', reason: 'Priority', place: 3 } }),
    job('ccc', { state: 'finished', rc: 0 }),
    job('ddd', { state: 'failed', rc: 71, error: 'The GPU\u202e is full.' }),
    job('eee', { state: 'vanished' }),
    job('serve-1', { kind: 'serve', server: 'vllm' }),
    job('serve-2', { kind: 'serve', server: 'vllm', state: 'cancelled' }),
  ],
});
const serving = (ok: boolean | undefined): ServingEvent => ({
  type: 'serving',
  ...{
    box: 'gpu',
    job: 'serve-1',
    server: 'vllm',
    baseURL: 'http://127.0.0.1:4711/v1',
    apiKey: 'k',
    baseModel: 'base',
  },
  adapters: [
    { name: 'plan', model: 'plan-3f2a9c01', verdict: { ok: true, message: 'within 0.001' } },
    {
      name: 'tool',
      model: 'tool-00ff00ff',
      verdict: ok === undefined ? { message: 'none' } : { ok, message: 'far off' },
    },
  ],
});
const box = (more: Partial<BoxState> = {}): BoxState => ({
  ...{ name: 'gpu', host: 'gpu.example.org', connection: 'connected', status, served: [] },
  ...more,
});
const jobsOf = (state: BoxState): Extract<BoxesNode, { kind: 'job' }>[] =>
  childrenOf([state], { kind: 'box', box: state }).filter((node) => node.kind === 'job');

describe('the Boxes view', () => {
  it('says of a box whether it is connected, and what it has left', () => {
    const said = (state: Partial<BoxState>) => {
      const { description, context } = itemOf({ kind: 'box', box: box(state) });
      return [description, context];
    };
    assert.deepEqual(said({}), ['H200 (97 % busy), 200 GB of disk free', treeContext.boxConnected]);
    assert.deepEqual(said({ connection: 'idle' }), ['gpu.example.org, not connected', treeContext.boxIdle]);
    assert.deepEqual(said({ connection: 'failed', problem: 'changed key' }), [
      'gpu.example.org, changed key',
      treeContext.boxIdle,
    ]);
    // Jobs stay in sight while the box does not answer, and nobody is told that they failed.
    const [description, context] = said({ connection: 'unreachable' });
    assert.match(description ?? '', /does not answer; it is tried again, and jobs go on there/);
    assert.equal(context, treeContext.boxConnected);
    assert.equal(jobsOf(box({ connection: 'unreachable' })).length, 7);
  });

  it('says of a job its state, place in the queue, progress and loss, and what can be done with it', () => {
    assert.deepEqual(
      jobsOf(box()).map((node) => {
        const { label, description, context } = itemOf(node);
        return [label, description, context];
      }),
      [
        ['Training aaa', 'running, 30 %, loss plan 0.500', treeContext.jobTraining],
        ['Training bbb', 'waiting, number 3 in the queue', treeContext.jobTraining],
        ['Training ccc', 'finished', treeContext.jobTrained],
        ['Training ddd', 'failed (exit code 71)', treeContext.jobHalted],
        [
          'Training eee',
          'vanished: killed, or the machine was restarted; training it again goes on',
          treeContext.jobHalted,
        ],
        ['Server serve-1', 'running, vllm', treeContext.jobServing],
        ['Server serve-2', 'cancelled, vllm', treeContext.jobEnded],
      ],
    );
  });

  it('shows at once that a job is stopping, and offers no second stop', () => {
    const found = jobsOf(box({ stopping: ['serve-1'], served: [serving(true)] })).map((node) => itemOf(node));
    const stopping = found.find(({ label }) => label === 'Server serve-1');
    assert.deepEqual(
      [stopping?.description, stopping?.icon, stopping?.context],
      ['stopping', 'loading~spin', 'autoact.job.ended'],
    );
    assert.ok(!found.some(({ label, description }) => label !== 'Server serve-1' && description.includes('stopping')));
  });

  it('holds a job for stopping until the box says what became of it, or it was not stopped', () => {
    const jobs = new StoppingJobs();
    const look = (state: 'running' | 'cancelled'): readonly string[] => {
      jobs.see('gpu', { jobs: [JobSummary.parse(job('aaa', { state }))] });
      return jobs.of('gpu');
    };
    jobs.begin('gpu', 'aaa');
    for (let i = 0; i < 20; i++) assert.deepEqual(look('running'), ['aaa']);
    assert.deepEqual(jobs.of('other'), []);
    assert.deepEqual(look('cancelled'), []);
    // A look that was under way when it had ended says nothing; from the next on the box has the last word.
    jobs.begin('gpu', 'aaa');
    jobs.end('gpu', 'aaa');
    assert.deepEqual(look('running'), ['aaa']);
    assert.deepEqual(look('running'), []);
    jobs.begin('gpu', 'aaa');
    jobs.forget('gpu', 'aaa');
    assert.deepEqual(jobs.of('gpu'), []);
  });

  it('shows this machine among the boxes, whose adapters need no serving from it', () => {
    const here = box({ name: 'local', host: 'this machine' });
    assert.deepEqual(
      [itemOf({ kind: 'box', box: here }).label, itemOf({ kind: 'box', box: here }).context],
      ['This machine', treeContext.boxHere],
    );
    const contexts = jobsOf(here).map((node) => itemOf(node).context);
    assert.deepEqual(contexts.slice(0, 4), [
      ...[treeContext.jobTraining, treeContext.jobTraining, treeContext.jobTrainedHere, treeContext.jobHalted],
    ]);
  });

  it('shows what a box wrote without what would reorder or hide it', () => {
    const failed = jobsOf(box()).find((node) => node.job.id === 'ddd');
    assert.ok(failed);
    assert.match(itemOf(failed).tooltip, /The GPU\\u\{202E\} is full\./);
  });

  it('shows the adapters that this window serves, green, red or neither', () => {
    const look = (ok: boolean | undefined) => {
      const state = box({ served: [serving(ok)] });
      const node = jobsOf(state).find((one) => one.job.id === 'serve-1');
      assert.ok(node);
      assert.equal(itemOf(node).context, treeContext.jobServed);
      assert.match(itemOf(node).description, /127\.0\.0\.1:4711/);
      return childrenOf([state], node).map((adapter) => itemOf(adapter));
    };
    assert.deepEqual(
      look(false).map(({ icon, colour }) => [icon, colour]),
      [
        ['pass', 'testing.iconPassed'],
        ['error', 'testing.iconFailed'],
      ],
    );
    assert.match(look(false)[1]?.description ?? '', /not to be used/);
    assert.match(look(undefined)[1]?.description ?? '', /not verified/);
  });

  it('gives every node an id of its own', () => {
    const state = box({ served: [serving(true)] });
    const nodes: BoxesNode[] = [...childrenOf([state], undefined)];
    for (const node of nodes) nodes.push(...childrenOf([state], node));
    const ids = nodes.map((node) => itemOf(node).id);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, 1 + 7 + 2);
  });
});

describe('one click to the role map', () => {
  const configuration: Configuration = {
    servers: ['meta', 'plan', 'tool', 'reflect'].map((role) => ({ role, kind: 'embedded', url: '', model: '' })),
    ...{ mode: 'fixed', seed: 1, box: 'gpu', python: '', settings: {} },
  };

  it('sends the agents that have an adapter to the box, and leaves the others', () => {
    assert.deepEqual(withAdapters(configuration, serving(true)), {
      ...configuration,
      servers: [
        configuration.servers[0],
        { role: 'plan', kind: 'url', url: 'http://127.0.0.1:4711/v1', model: 'plan-3f2a9c01' },
        { role: 'tool', kind: 'url', url: 'http://127.0.0.1:4711/v1', model: 'tool-00ff00ff' },
        configuration.servers[3],
      ],
    });
  });

  it('has nothing to say of adapters that are no role’s', () => {
    const other = serving(true);
    const adapters = other.adapters.map((adapter) => ({ ...adapter, name: 'poet' }));
    assert.equal(withAdapters(configuration, { ...other, adapters }), undefined);
  });
});
