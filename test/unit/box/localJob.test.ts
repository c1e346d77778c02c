import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../../../src/node/box/boxErrors.ts';
import type { BoxFiles } from '../../../src/node/box/boxFiles.ts';
import type { JobEnd, JobState } from '../../../src/node/box/followJob.ts';
import { followJob } from '../../../src/node/box/followJob.ts';
import { cancelJob, resumeJob, startJob } from '../../../src/node/box/job.ts';
import type { JobEvent } from '../../../src/core/box/jobEvents.ts';
import type { Job } from '../../../src/node/box/jobFolder.ts';
import { localJob, startLocalJob } from '../../../src/node/box/localJob.ts';
import { localFiles } from '../../../src/node/box/localFiles.ts';

const source = join(import.meta.dirname, '..', '..', '..', 'box');
/** Stands in for the trainer: what it does is the job's `program`, a piece of Python with `emit` at hand. */
const trainer = `
import json, os, signal, sys, time
os.chdir(sys.argv[1])
def emit(**fields):
    with open('events.jsonl', 'a') as file: file.write(json.dumps({'t': time.time(), **fields}) + '\\n')
def step(n, of=3): emit(type='step', adapter='plan', step=n, steps=of, epoch=n / of, loss=1.0 / n, lr=0.1)
exec(json.load(open('spec.json'))['program'])
`;
const base = { base: '/models/tiny', adapters: { plan: { data: 'data/plan.jsonl' } } };
const data = { 'data/plan.jsonl': '{"id": "ä"}\n' };

/** Itself and not a launcher in front of it, which would cost more than the test. */
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();

let folder: string;
let box: string;
let jobs = 0;
const started: Job[] = [];

before(() => {
  process.env['AUTOACT_GRACE_SECONDS'] = '1';
  process.env['AUTOACT_HEARTBEAT_SECONDS'] = '0.2';
  folder = mkdtempSync(join(tmpdir(), 'autoact-job-'));
  box = join(folder, 'box');
  mkdirSync(box);
  for (const name of ['supervisor.py', 'processes.py']) copyFileSync(join(source, name), join(box, name));
  writeFileSync(join(box, 'train.py'), trainer);
});
after(async () => {
  for (const job of started) await cancelJob(job).catch(() => undefined);
  await sleep(300);
  rmSync(folder, { recursive: true, force: true });
});

const newJob = (files: BoxFiles = localFiles): Job => {
  const job = { ...localJob({ python, boxFolder: box, jobFolder: join(folder, `job-${++jobs}`) }), files };
  started.push(job);
  return job;
};
const run = (job: Job, program: string): Promise<unknown> => startJob(job, { ...base, program }, data);
const follow = async (job: Job): Promise<{ end: JobEnd; events: JobEvent[] }> => {
  const events: JobEvent[] = [];
  const end = await followJob(job, {
    onEvent: (event) => events.push(event),
    pollMs: 30,
    heartbeatMs: 1000,
    signal: AbortSignal.timeout(30_000),
  });
  return { end, events };
};
const until = async (test: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !test(); i++) await sleep(20);
  assert.ok(test());
};

describe('a job on this machine', () => {
  it('tells its events in order and its end, with its last words', async () => {
    const job = newJob();
    await run(job, 'for n in (1, 2, 3): step(n); time.sleep(0.1)\nemit(type="done", seconds=1, complete=True)');
    const { end, events } = await follow(job);
    assert.deepEqual(end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
    assert.deepEqual(
      events.map((event) => event.type),
      ['step', 'step', 'step', 'done'],
    );
    assert.equal(readFileSync(join(job.folder, 'data', 'plan.jsonl'), 'utf8'), data['data/plan.jsonl']);
  });

  it('is started once, however often and from wherever it is started', async () => {
    const job = newJob();
    const program = 'open("ran", "a").write("x"); time.sleep(0.5)';
    await Promise.all(Array.from({ length: 4 }, () => run(job, program)));
    await follow(job);
    await run(job, program);
    assert.equal((await follow(job)).end.state, 'finished');
    assert.equal(readFileSync(join(job.folder, 'ran'), 'utf8'), 'x');
  });

  it('refuses a folder that holds another job', async () => {
    const job = newJob();
    await run(job, 'pass');
    await assert.rejects(run(job, 'step(1)'), (error) => JobError.is(error, 'other-job'));
  });

  it('goes on when its client is killed, and the next client finds it by its folder', async () => {
    const job = newJob();
    const module = join(import.meta.dirname, '..', '..', '..', 'src', 'node', 'box', 'localJob.ts');
    const program = 'step(1); time.sleep(1); step(2); step(3)';
    const client = spawn(
      process.execPath,
      [
        '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
        '--input-type=module',
        '-e',
        `
      import { startLocalJob } from ${JSON.stringify(module)};
      await startLocalJob(${JSON.stringify({ python, boxFolder: box, jobFolder: job.folder, spec: { ...base, program }, data })});
      setInterval(() => undefined, 1000);
    `,
      ],
      { stdio: 'ignore' },
    );
    await until(() => existsSync(join(job.folder, 'events.jsonl')));
    client.kill('SIGKILL');
    await startLocalJob({ python, boxFolder: box, jobFolder: job.folder, spec: { ...base, program }, data });
    const { end, events } = await follow(job);
    assert.equal(end.state, 'finished');
    assert.deepEqual(
      events.map((event) => event.type === 'step' && event.step),
      [1, 2, 3],
    );
  });

  it('is cancelled with a checkpoint, and goes on when it is started again', async () => {
    const job = newJob();
    const program = `
if os.path.exists('checkpoint'):
    step(2); sys.exit(0)
def stop(*_):
    open('checkpoint', 'w').close(); emit(type='stopped', message='stopped'); sys.exit(75)
signal.signal(signal.SIGTERM, stop)
step(1); time.sleep(60)`;
    await run(job, program);
    await until(() => existsSync(join(job.folder, 'events.jsonl')));
    await cancelJob(job);
    assert.deepEqual((await follow(job)).end, { state: 'cancelled', exit: { rc: 75, signal: 0, oom: false } });
    await run(job, program);
    const { end, events } = await follow(job);
    assert.equal(end.state, 'finished');
    assert.deepEqual(
      events.map((event) => event.type),
      ['step', 'stopped', 'step'],
    );
  });

  it('that was cancelled before it began does not begin', async () => {
    const job = newJob();
    mkdirSync(job.folder);
    await cancelJob(job);
    await run(job, 'open("ran", "w")');
    assert.equal((await follow(job)).end.state, 'cancelled');
    assert.equal(existsSync(join(job.folder, 'ran')), false);
  });

  it('that failed says why, and is tried again when it is started again', async () => {
    const job = newJob();
    const program = `
if os.path.exists('mended'): sys.exit(0)
emit(type='error', reason='disk-full', message='The disk is full.'); print('last line of the log', flush=True); sys.exit(73)`;
    await run(job, program);
    const { end } = await follow(job);
    assert.ok(end.state === 'finished');
    assert.equal(end.exit.rc, 73);
    assert.equal(end.error?.message, 'The disk is full.');
    assert.equal(end.log, 'last line of the log');
    writeFileSync(join(job.folder, 'mended'), '');
    await run(job, program);
    assert.deepEqual((await follow(job)).end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
  });

  it('whose supervisor was killed has vanished, and can be resumed', async () => {
    const job = newJob();
    await run(job, 'if os.path.exists("again"): sys.exit(0)\nopen("again", "w").close(); step(1); time.sleep(60)');
    await until(() => existsSync(join(job.folder, 'again')));
    process.kill(Number(readFileSync(join(job.folder, 'pid'), 'utf8').split(' ')[0]), 'SIGKILL');
    assert.equal((await follow(job)).end.state, 'vanished');
    await resumeJob(job);
    assert.equal((await follow(job)).end.state, 'finished');
  });

  it('of a boot before this one has vanished', async () => {
    const job = newJob();
    mkdirSync(join(job.folder, 'claim'), { recursive: true });
    writeFileSync(join(job.folder, 'pid'), `${process.pid} 1 00000000-0000-0000-0000-000000000000\n`);
    assert.equal((await follow(job)).end.state, 'vanished');
  });

  it('goes on when only the following of it is ended', async () => {
    const job = newJob();
    await run(job, 'time.sleep(0.6); step(1)');
    await assert.rejects(followJob(job, { pollMs: 20, signal: AbortSignal.timeout(100) }), {
      name: /AbortError|TimeoutError/,
    });
    assert.equal((await follow(job)).events.length, 1);
  });

  it('does not see the keys of model servers', async () => {
    process.env['SOME_API_KEY'] = 'secret';
    const job = newJob();
    await run(job, 'open("seen", "w").write(os.environ.get("SOME_API_KEY", "nothing") + os.environ["PATH"][:0])');
    await follow(job);
    assert.equal(readFileSync(join(job.folder, 'seen'), 'utf8'), 'nothing');
  });

  it('cannot be started by an interpreter that is not there', async () => {
    const job = { ...newJob(), python: '/nonexistent/python' };
    await assert.rejects(
      run(job, 'pass'),
      (error) => JobError.is(error, 'cannot-start') && error.message.includes('/nonexistent/python'),
    );
  });

  it('with an exit file that makes no sense is an error, not an end', async () => {
    const job = newJob();
    mkdirSync(job.folder);
    writeFileSync(join(job.folder, 'exit'), '<html>');
    await assert.rejects(follow(job), (error) => JobError.is(error, 'bad-output'));
  });

  it('has its events read from the start when the file is another one', async () => {
    const job = newJob();
    await run(job, 'step(1); step(2)\nwhile not os.path.exists("go"): time.sleep(0.02)');
    const events: JobEvent[] = [];
    const end = followJob(job, { onEvent: (event) => events.push(event), pollMs: 20 });
    await until(() => events.length === 2);
    writeFileSync(
      join(job.folder, 'new'),
      readFileSync(join(job.folder, 'events.jsonl'), 'utf8').split('\n')[0]! + '\n',
    );
    renameSync(join(job.folder, 'new'), join(job.folder, 'events.jsonl'));
    await until(() => events.length === 3);
    writeFileSync(join(job.folder, 'go'), '');
    await end;
    assert.deepEqual(
      events.map((event) => event.type === 'step' && event.step),
      [1, 2, 1],
    );
  });
});

it('a box that cannot be reached for a while is not a job that failed', async () => {
  let reachable = true;
  const fail = <T>(work: () => Promise<T>): Promise<T> =>
    reachable ? work() : Promise.reject(new JobError('unreachable', 'No route to the box.'));
  const flaky: BoxFiles = {
    ...localFiles,
    stat: (...args) => fail(() => localFiles.stat(...args)),
    read: (...args) => fail(() => localFiles.read(...args)),
    exec: (...args) => fail(() => localFiles.exec(...args)),
  };
  const job = newJob(flaky);
  await run(job, 'step(1)\nwhile not os.path.exists("go"): time.sleep(0.02)\nstep(2)');
  const states: JobState['state'][] = [];
  const events: JobEvent[] = [];
  const end = followJob(job, {
    onEvent: (event) => events.push(event),
    onState: ({ state }) => states.push(state),
    pollMs: 20,
  });
  await until(() => events.length === 1);
  reachable = false;
  await until(() => states.includes('lost-contact'));
  reachable = true;
  await until(() => states.length === 3);
  writeFileSync(join(job.folder, 'go'), '');
  assert.equal((await end).state, 'finished');
  assert.deepEqual(states, ['running', 'lost-contact', 'running']);
  assert.equal(events.length, 2);
});
