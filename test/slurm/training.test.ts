import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolveSettings } from '../../src/core/pipeline/settings.ts';
import type { TrainingRow } from '../../src/core/pipeline/trainingData.ts';
import { Box } from '../../src/node/box/boxes.ts';
import { BoxTrainer } from '../../src/node/box/boxTrainer.ts';
import { cancelJob, resumeJob, startJob } from '../../src/node/box/job.ts';
import type { JobSpec } from '../../src/node/box/jobFolder.ts';
import { localJob } from '../../src/node/box/localJob.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { persistently } from '../../src/node/box/persist.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { downloadAdapters, sshJob, uploadModel } from '../../src/node/box/remoteJob.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { scoringEngine } from '../doubles/scoringEngine.ts';
import { withoutSlurm } from '../harness/slurm.ts';
import { withoutSshd } from '../harness/sshd.ts';
import { boxFolder, Cluster, follow, wait } from './cluster.ts';

const names = ['plan', 'tool', 'reflect'];
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());
const skip = withoutSlurm || withoutSshd || (python === undefined && 'there is no Python environment (npm run setup)');

/** Starts of a job on this machine, and the furthest step since the last one, from the file that the job writes. */
function progressOf(folder: string): { starts: number; step: number } {
  const progress = { starts: 0, step: 0 };
  const path = join(folder, 'events.jsonl');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  for (const { type, step = 0 } of lines.map((line) => JSON.parse(line) as { type: string; step?: number }))
    if (type === 'start') Object.assign(progress, { starts: progress.starts + 1, step: 0 });
    else if (type === 'step') progress.step = Math.max(progress.step, step);
  return progress;
}

/**
 * Waits for a step of a start. Read from the job's own file, not from what a follower has seen: behind a line that is
 * cut it waits longer and longer, and the job could be over by then.
 */
async function reached(
  progress: () => ReturnType<typeof progressOf>,
  starts: number,
  step: number,
  following: Promise<unknown>,
): Promise<void> {
  let over = false;
  const end = (): void => void (over = true);
  following.then(end, end);
  for (let at = progress(); at.starts < starts || at.step < step; at = progress()) {
    assert.ok(!over, `it ended before step ${step} of start ${starts}`);
    await sleep(20);
  }
}

describe('training on a real Slurm of one node and one processor, over SSH', { skip }, () => {
  const interpreter = python ?? '';
  let cluster: Cluster;
  let folder: string;
  before(async () => {
    cluster = await Cluster.start();
    ({ folder } = cluster);
    // A base and rows to train on.
    execFileSync(interpreter, [join(import.meta.dirname, '..', 'ssh', 'tinyJob.py'), folder], { stdio: 'pipe' });
  });
  after(() => cluster.stop());

  it('trains through a preemption, a time limit, a cancel and cuts to the bits of an undisturbed run', async () => {
    const data = Object.fromEntries(
      names.map((name) => [`data/${name}.jsonl`, readFileSync(join(folder, 'data', `${name}.jsonl`), 'utf8')]),
    );
    const spec = (from: string): JobSpec => ({
      base: from,
      adapters: Object.fromEntries(names.map((name) => [name, { data: `data/${name}.jsonl` }])),
      ...{ epochs: 60, learningRate: 5e-3, threads: 1, precision: 'float32', checkpointEverySteps: 20 },
    });
    const here = localJob({ python: interpreter, boxFolder, jobFolder: join(folder, 'local') });
    await startJob(here, spec(join(folder, 'base')), data);

    const remote = { files: cluster.client.files, python: interpreter, folder: join(folder, 'remote') };
    const { launcher } = cluster.job();
    const job = await sshJob(remote, { boxFolder, id: 'job-1', ...(launcher === undefined ? {} : { launcher }) });
    const from = await uploadModel(remote, join(folder, 'base'));
    await startJob(job, spec(from), data);
    const number = (): string => readFileSync(join(job.folder, 'slurm'), 'utf8').trim();

    const progress = (): ReturnType<typeof progressOf> => progressOf(job.folder);
    // Preempted: it goes back into the queue by itself and on from where it was. Then its time ends.
    let cutting = true;
    const cutter = setInterval(() => cutting && Math.random() < 0.4 && cluster.line.cut(), 500);
    const followed = follow(job);
    try {
      await reached(progress, 1, 10, followed);
      // That it waits again is to be seen.
      cutting = false;
      await cluster.slurm.call('scontrol', 'requeue', number());
      await reached(progress, 2, 1, followed);
      cutting = true;
      await reached(progress, 2, 10, followed);
      // What Slurm does at the end of the time, without waiting for it.
      await cluster.slurm.call('scancel', '--batch', '--signal=TERM', number());
    } finally {
      clearInterval(cutter);
    }
    const first = await followed;
    assert.equal(progressOf(job.folder).starts, 2, JSON.stringify(first.end));
    assert.ok(
      first.states.some(({ state }) => state === 'waiting'),
      'it was not queued again',
    );
    assert.deepEqual(first.end.state === 'finished' && first.end.exit, { rc: 75, signal: 0, oom: false });

    // Queued again by us; cancelled; queued again.
    await persistently({}, () => resumeJob(job));
    const followedAgain = follow(job);
    await reached(progress, 3, 1, followedAgain);
    await cancelJob(job);
    const second = await followedAgain;
    assert.equal(second.end.state, 'cancelled');
    await resumeJob(job);
    const third = await follow(job);
    assert.deepEqual(third.end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
    const resumed = third.events.filter((event) => event.type === 'start').at(-1);
    assert.ok(Object.values(resumed?.adapters ?? {}).some(({ resumedAt }) => resumedAt > 0));

    const out = join(folder, 'fetched');
    await downloadAdapters({ ...job, files: cluster.client.files }, out);
    assert.equal((await follow(here)).end.state, 'finished');
    for (const name of names)
      for (const file of ['adapter_model.safetensors', 'probes.json'])
        assert.deepEqual(readFileSync(join(out, name, file)), readFileSync(join(here.folder, 'out', name, file)), name);
  });

  it('a run trains on a box that is a cluster: it waits, is stopped by its time, goes on, and gets its adapters', async () => {
    const rows = Object.fromEntries(
      names.map((name) => [
        name,
        readFileSync(join(folder, 'data', `${name}.jsonl`), 'utf8')
          .trim()
          .split('\n')
          .map((text) => JSON.parse(text) as TrainingRow),
      ]),
    );
    const ports = {
      askSecret: () => Promise.resolve(undefined),
      acceptHostKey: () => Promise.resolve(false),
      secrets: memorySecrets(),
    };
    const remote = join(folder, 'cluster');
    const box = Box.parse({
      ...{ name: 'cluster', host: 'login', sshConfig: join(folder, 'config'), folder: remote, python: interpreter },
      slurm: { time: '00:10:00', askEvery: 1 },
    });
    const scoring = await scoringEngine();
    const run = join(folder, 'run');
    const trainer = new BoxTrainer({
      ...{ root: join(boxFolder, '..'), engine: scoring.engine, folder: run, run: 'run' },
      baseFolder: join(folder, 'base'),
      boxes: {
        find: () => box,
        open: (one) => Promise.resolve(openBox(one, { ports, configFolder: join(folder, 'settings') })),
      },
      notify: () => undefined,
    });
    // The node is taken, so that the run waits in the queue first; and its time is over before it is done.
    const before = cluster.job();
    await cluster.begin(before, wait);
    const messages = new Set<string>();
    let freed: Promise<void> | undefined;
    const numberOf = (of: string): string => readFileSync(join(of, 'slurm'), 'utf8').trim();
    const jobFolder = (): string => join(remote, 'jobs', readdirSync(join(remote, 'jobs'))[0] ?? '');
    const settings = resolveSettings({ training: { box: 'cluster', epochs: 60, precision: 'float32' } }).training;
    try {
      const training = trainer.train(
        rows,
        settings,
        1,
        ({ message }) => {
          if (message !== undefined) messages.add(message.replace(/\(.*/, ''));
          if (message?.startsWith('waiting in the queue') === true) freed ??= cancelJob(before);
        },
        AbortSignal.timeout(300_000),
      );
      const begun = (): boolean => existsSync(join(remote, 'jobs')) && readdirSync(join(remote, 'jobs')).length > 0;
      await reached(() => (begun() ? progressOf(jobFolder()) : { starts: 0, step: 0 }), 1, 10, training);
      await cluster.slurm.call('scancel', '--batch', '--signal=TERM', numberOf(jobFolder()));
      const adapters = await training;
      await freed;
      assert.deepEqual(
        adapters.map(({ name, probe }) => [name, typeof probe.ok]),
        names.map((name) => [name, 'boolean']),
      );
      assert.deepEqual(
        scoring.loaded,
        adapters.map(({ model }) => model),
      );
      for (const wanted of ['waiting in the queue, number 1 ', 'going on from the last checkpoint', 'training'])
        assert.ok(messages.has(wanted), [...messages].join(' | '));
    } finally {
      scoring.close();
      await cancelJob(before);
    }
    // Two turns on the node, and the bits of one: trained here, from the same settings.
    assert.deepEqual(readdirSync(join(jobFolder(), 'attempts')), ['0']);
    const spec = JSON.parse(readFileSync(join(jobFolder(), 'spec.json'), 'utf8')) as JobSpec;
    const here = localJob({ python: interpreter, boxFolder, jobFolder: join(folder, 'unqueued') });
    const data = Object.fromEntries(
      names.map((name) => [`data/${name}.jsonl`, readFileSync(join(jobFolder(), 'data', `${name}.jsonl`), 'utf8')]),
    );
    await startJob(here, { ...spec, base: join(folder, 'base'), threads: 1 }, data);
    assert.equal((await follow(here)).end.state, 'finished');
    const fetched = join(run, 'jobs', readdirSync(join(run, 'jobs'))[0] ?? '', 'out');
    for (const name of names)
      for (const file of ['adapter_model.safetensors', 'probes.json'])
        assert.deepEqual(
          readFileSync(join(fetched, name, file)),
          readFileSync(join(here.folder, 'out', name, file)),
          name,
        );
  });
});
