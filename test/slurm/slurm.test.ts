import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { JobError } from '../../src/node/box/boxErrors.ts';
import type { JobEnd, JobState } from '../../src/node/box/followJob.ts';
import { followJob } from '../../src/node/box/followJob.ts';
import { cancelJob, resumeJob, startJob } from '../../src/node/box/job.ts';
import type { JobEvent } from '../../src/node/box/jobEvents.ts';
import type { Job, JobSpec } from '../../src/node/box/jobFolder.ts';
import { localJob } from '../../src/node/box/localJob.ts';
import { persistently } from '../../src/node/box/persist.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { downloadAdapters, sshJob, uploadModel } from '../../src/node/box/remoteJob.ts';
import { slurmLauncher } from '../../src/node/box/slurm/slurmLauncher.ts';
import { SlurmSettings } from '../../src/node/box/slurm/slurmSettings.ts';
import { Slurm, withoutSlurm } from '../harness/slurm.ts';
import { Line, makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from '../ssh/support.ts';
import { client, writeConfig } from '../ssh/support.ts';

const boxFolder = join(import.meta.dirname, '..', '..', 'box');
const names = ['plan', 'tool', 'reflect'];
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());

/** Stands in for the trainer where its training is not the question: what it does is the job's `program`. */
const standIn = `
import json, os, signal, sys, time
os.chdir(sys.argv[1])
exec(json.load(open('spec.json'))['program'])
`;
const base = { base: '/models/tiny', adapters: { plan: { data: 'data/plan.jsonl' } } };
const wait = 'signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); time.sleep(120)';

describe('a real Slurm of one node and one processor, over SSH', { skip: withoutSlurm || withoutSshd }, () => {
  let folder: string;
  let slurm: Slurm;
  let server: Sshd;
  let line: Line;
  let made: Client;
  let standInBox: string;
  let jobs = 0;

  before(async () => {
    folder = sshFolder();
    slurm = await Slurm.start(join(folder, 'slurm'), { cpus: 1 });
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({
      folder: join(folder, 'server'),
      keys: [key],
      config: [`SetEnv SLURM_CONF=${slurm.conf} AUTOACT_HEARTBEAT_SECONDS=0.5 AUTOACT_GRACE_SECONDS=5`],
    });
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('login'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias login'];
    made = client({
      config: writeConfig(folder, [{ alias: 'login', port: line.port, lines }]),
      alias: 'login',
      folder,
      keepaliveMs: 1000,
    });
    standInBox = join(folder, 'box');
    mkdirSync(standInBox);
    for (const name of ['supervisor.py', 'processes.py', 'foreground.sh'])
      copyFileSync(join(boxFolder, name), join(standInBox, name));
    writeFileSync(join(standInBox, 'train.py'), standIn);
  });
  after(async () => {
    await slurm.stop();
    made.connection.close();
    line.close();
    await server.stop();
    removeFolder(folder);
  });

  const jobOf = (settings: Partial<SlurmSettings> = {}): Job => {
    const launcher = slurmLauncher({
      host: 'login',
      settings: SlurmSettings.parse({ time: '00:10:00', ...settings }),
      lookMs: 300,
      settleMs: 5000,
    });
    return { files: made.files, python: 'python3', box: standInBox, folder: join(folder, `job-${++jobs}`), launcher };
  };
  const begin = (job: Job, program: string): Promise<void> => startJob(job, { ...base, program }, {});
  const follow = async (
    job: Job,
    act: { onEvent?: (event: JobEvent) => void; onState?: (state: JobState) => void; heartbeatMs?: number } = {},
  ): Promise<{ end: JobEnd; events: JobEvent[]; states: JobState[] }> => {
    const events: JobEvent[] = [];
    const states: JobState[] = [];
    const end = await followJob(job, {
      onEvent: (event) => {
        events.push(event);
        act.onEvent?.(event);
      },
      onState: (state) => {
        states.push(state);
        act.onState?.(state);
      },
      pollMs: 100,
      heartbeatMs: act.heartbeatMs ?? 1500,
      signal: AbortSignal.timeout(240_000),
    });
    return { end, events, states };
  };
  const queued = (): Promise<string> => slurm.call('squeue', '-h', '-o', '%i %T');

  it('runs a job to its end, and attaches to it when it is started again', async () => {
    const job = jobOf();
    await begin(job, 'print("said", flush=True)');
    await begin(job, 'print("said", flush=True)');
    assert.deepEqual((await follow(job)).end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
    await begin(job, 'print("said", flush=True)');
    assert.equal(readFileSync(join(job.folder, 'log'), 'utf8'), 'said\n');
    await assert.rejects(begin(job, 'other'), (error) => JobError.is(error, 'other-job'));
  });

  it('tells why and at which place a job waits, and takes it out of the queue', async () => {
    const [first, second, third] = [jobOf(), jobOf(), jobOf()];
    for (const job of [first, second, third]) await begin(job, wait);
    const seen = new Promise<JobState>((resolve) => {
      void follow(third, { onState: (state) => state.state === 'waiting' && state.position === 2 && resolve(state) });
    });
    assert.match(JSON.stringify(await seen), /"reason":"(Priority|Resources)"/);
    await cancelJob(third);
    assert.equal((await follow(third)).end.state, 'cancelled');
    await cancelJob(second);
    await cancelJob(first);
    assert.equal((await follow(first)).end.state, 'cancelled');
    assert.equal((await follow(second)).end.state, 'cancelled');
    // Neither comes to life later.
    for (let i = 0; i < 50 && (await queued()) !== ''; i++) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await queued(), '');
  });

  it('a job that was told to stop and that fails ends as what it is', async () => {
    const job = jobOf();
    await begin(job, 'print("no such thing", flush=True); sys.exit(66)');
    const { end } = await follow(job);
    assert.deepEqual(end, { state: 'finished', exit: { rc: 66, signal: 0, oom: false }, log: 'no such thing' });
    // Started again, it is tried again.
    await resumeJob(job);
    assert.equal((await follow(job)).end.state, 'finished');
    assert.equal(readFileSync(join(job.folder, 'log'), 'utf8'), 'no such thing\nno such thing\n');
  });

  it('a queue that does not answer is lost contact, and the job goes on', async () => {
    const job = jobOf();
    await begin(job, wait);
    let stopped = false;
    const { end, states } = await follow(job, {
      // Heartbeats would do; Slurm is asked all the same.
      heartbeatMs: 0,
      onState: ({ state }) => {
        if (state === 'running' && !stopped) {
          stopped = true;
          void slurm.stopControl();
        } else if (state === 'lost-contact') void slurm.startControl().then(() => cancelJob(job));
      },
    });
    assert.equal(end.state, 'cancelled');
    assert.ok(states.some(({ state }) => state === 'lost-contact'));
  });

  it('two clients that submit at once get one run', async () => {
    const job = jobOf();
    const program = 'open("runs", "a").write("x"); time.sleep(1)';
    await Promise.all([begin(job, program), begin(job, program)]);
    assert.equal((await follow(job)).end.state, 'finished');
    for (let i = 0; i < 100 && (await queued()) !== ''; i++) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(readFileSync(join(job.folder, 'runs'), 'utf8'), 'x');
    assert.match(readFileSync(join(job.folder, 'exit'), 'utf8'), /^0 /);
  });

  it('what Slurm refuses is one message with host, step and remedy', async () => {
    await assert.rejects(
      begin(jobOf({ partition: 'nowhere' }), wait),
      (error) => JobError.is(error, 'cannot-start') && /^login \(sbatch\): .*partition.*Mend/.test(error.message),
    );
  });

  it(
    'trains through a preemption, a time limit, a cancel and cuts to the bits of an undisturbed run',
    {
      skip: python === undefined && 'there is no Python environment (npm run setup)',
    },
    async () => {
      const interpreter = python ?? '';
      execFileSync(interpreter, [join(import.meta.dirname, '..', 'ssh', 'tinyJob.py'), folder], { stdio: 'pipe' });
      const data = Object.fromEntries(
        names.map((name) => [`data/${name}.jsonl`, readFileSync(join(folder, 'data', `${name}.jsonl`), 'utf8')]),
      );
      const spec = (from: string): JobSpec => ({
        base: from,
        adapters: Object.fromEntries(names.map((name) => [name, { data: `data/${name}.jsonl` }])),
        ...{ epochs: 150, learningRate: 5e-3, threads: 1, precision: 'float32', checkpointEverySteps: 20 },
      });
      const here = localJob({ python: interpreter, boxFolder, jobFolder: join(folder, 'local') });
      await startJob(here, spec(join(folder, 'base')), data);

      const remote = { files: made.files, python: interpreter, folder: join(folder, 'remote') };
      const { launcher } = jobOf();
      const job = await sshJob(remote, { boxFolder, id: 'job-1', ...(launcher === undefined ? {} : { launcher }) });
      const from = await uploadModel(remote, join(folder, 'base'));
      await startJob(job, spec(from), data);
      const number = (): string => readFileSync(join(job.folder, 'slurm'), 'utf8').trim();

      // Preempted: it goes back into the queue by itself and on from where it was. Then its time ends.
      const cutter = setInterval(() => Math.random() < 0.4 && line.cut(), 500);
      let did = 0;
      let starts = 0;
      const first = await follow(job, {
        onEvent: (event) => {
          if (event.type === 'start') starts++;
          if (event.type !== 'step' || event.step < 10) return;
          if (did === 0 && starts === 1) {
            did = 1;
            void slurm.call('scontrol', 'requeue', number());
          } else if (did === 1 && starts === 2) {
            did = 2;
            // What Slurm does at the end of the time, without waiting for it.
            void slurm.call('scancel', '--batch', '--signal=TERM', number());
          }
        },
      });
      clearInterval(cutter);
      assert.equal(starts, 2, JSON.stringify(first.end));
      assert.ok(
        first.states.some(({ state }) => state === 'waiting'),
        'it was not queued again',
      );
      assert.deepEqual(first.end.state === 'finished' && first.end.exit, { rc: 75, signal: 0, oom: false });

      // Queued again by us; cancelled; queued again.
      await persistently({}, () => resumeJob(job));
      let cancelling: Promise<void> | undefined;
      const second = await follow(job, {
        onEvent: (event) => {
          if (event.type === 'start') starts++;
          if (event.type === 'step' && starts === 5) cancelling ??= cancelJob(job);
        },
      });
      await cancelling;
      assert.equal(second.end.state, 'cancelled');
      await resumeJob(job);
      const third = await follow(job);
      assert.deepEqual(third.end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
      const resumed = third.events.filter((event) => event.type === 'start').at(-1);
      assert.ok(Object.values(resumed?.adapters ?? {}).some(({ resumedAt }) => resumedAt > 0));

      const out = join(folder, 'fetched');
      await downloadAdapters({ ...job, files: made.files }, out);
      assert.equal((await follow(here)).end.state, 'finished');
      for (const name of names)
        for (const file of ['adapter_model.safetensors', 'probes.json'])
          assert.deepEqual(
            readFileSync(join(out, name, file)),
            readFileSync(join(here.folder, 'out', name, file)),
            name,
          );
    },
  );
});
