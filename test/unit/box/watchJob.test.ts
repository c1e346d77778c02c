import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobView } from '../../../src/core/box/jobView.ts';
import { JobView as JobViewSchema } from '../../../src/core/box/jobView.ts';
import { JobError } from '../../../src/node/box/boxErrors.ts';
import type { BoxFiles } from '../../../src/node/box/boxFiles.ts';
import { cancelJob, startJob } from '../../../src/node/box/job.ts';
import type { Job } from '../../../src/node/box/jobFolder.ts';
import type { JobsOfBox } from '../../../src/node/box/jobList.ts';
import { jobsHere } from '../../../src/node/box/localJobs.ts';
import { localJob } from '../../../src/node/box/localJob.ts';
import { stopJob } from '../../../src/node/box/stopJob.ts';
import { watchJob } from '../../../src/node/box/watchJob.ts';

const source = join(import.meta.dirname, '..', '..', '..', 'box');
/** Stands in for the trainer: what it does is the job's `program`. */
const trainer = `
import json, os, signal, sys, time
os.chdir(sys.argv[1])
def emit(**fields):
    with open('events.jsonl', 'a') as file: file.write(json.dumps({'t': time.time(), **fields}) + '\\n')
def step(n, of=4): emit(type='step', adapter='plan', step=n, steps=of, epoch=n / of, loss=1.0 / n, lr=0.1, secondsLeft=of - n)
exec(json.load(open('spec.json'))['program'])
`;
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();

describe('the jobs of this machine', () => {
  let folder: string;
  let runs: string;
  let other: string;
  let box: string;
  let of: JobsOfBox;
  const started: Job[] = [];

  before(() => {
    Object.assign(process.env, {
      ...{ AUTOACT_GRACE_SECONDS: '1', AUTOACT_HEARTBEAT_SECONDS: '0.2', AUTOACT_GPU_SECONDS: '1' },
    });
    folder = mkdtempSync(join(tmpdir(), 'autoact-watch-'));
    runs = join(folder, '.autoact', 'runs');
    other = join(folder, 'other', '.autoact', 'runs');
    box = join(folder, 'box');
    mkdirSync(box);
    for (const name of ['supervisor.py', 'processes.py', 'jobs.py']) copyFileSync(join(source, name), join(box, name));
    writeFileSync(join(box, 'train.py'), trainer);
    of = jobsHere({ runs: [join(folder, 'empty', '.autoact', 'runs'), other, runs], boxFolder: box });
  });
  after(async () => {
    for (const job of started) await cancelJob(job).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (run: string, id: string, program: string, of = runs): Promise<Job> => {
    const job = localJob({ python, boxFolder: box, jobFolder: join(of, run, 'jobs', id) });
    started.push(job);
    await startJob(job, { base: '/models/tiny', adapters: { plan: { data: 'data/plan.jsonl' } }, program }, {});
    return job;
  };
  const watch = async (
    id: string,
    onView: (view: JobView) => void = () => undefined,
    through = of,
  ): Promise<JobView[]> => {
    const views: JobView[] = [];
    await watchJob(through, id, {
      onView: (view) => {
        // What travels has to be what is read.
        views.push(JobViewSchema.parse(JSON.parse(JSON.stringify(view))));
        onView(view);
      },
      ...{ pollMs: 50, statusMs: 300, signal: AbortSignal.timeout(60_000) },
    });
    return views;
  };

  it('are watched from the first step to the last line of the log', async () => {
    // It stays at the second step until that was seen, however slow the machine is.
    const job = await start(
      'run-1',
      'job-1',
      `
emit(type='start', adapters={'plan': {'steps': 4, 'examples': 9, 'heldOut': 1, 'mode': 'tree', 'resumedAt': 0}}, device='cpu', precision='float32')
for n in (1, 2, 3, 4):
    step(n); print('step', n, flush=True)
    while n == 2 and not os.path.exists('seen'): time.sleep(0.05)
emit(type='eval', adapter='plan', step=4, steps=4, epoch=1.0, loss=0.75, best=True, examples=1)
emit(type='warning', message='odd')
print('\\x1b[31mlast words', flush=True)
`,
    );
    const views = await watch('job-1', ({ state, curves }) => {
      if (state === 'running' && curves[0]?.points.length === 2) writeFileSync(join(job.folder, 'seen'), '');
    });
    assert.equal(views[0]?.state, 'connecting');
    const mid = views.find(({ state, curves }) => state === 'running' && curves[0]?.points.length === 2);
    assert.equal(mid?.state, 'running');
    assert.equal(mid.secondsLeft, 2);
    const last = views.at(-1);
    assert.equal(last?.state, 'finished');
    assert.deepEqual(last.curves, [
      {
        adapter: 'plan',
        steps: 4,
        points: [1, 2, 3, 4].map((step) => ({ step, loss: 1 / step })),
        heldOut: [{ step: 4, loss: 0.75 }],
      },
    ]);
    assert.equal(last.log, 'step 1\nstep 2\nstep 3\nstep 4\nlast words\n');
    assert.deepEqual(last.notes, [{ severity: 'warning', text: 'odd' }]);
    assert.deepEqual([last.device, last.secondsLeft, last.summary?.run], ['cpu', undefined, 'run-1']);
  });

  it('have each line of their log once, also when it is still being read while they end', async () => {
    const job = await start('run-1', 'job-2', "print('once', flush=True)");
    let reads = 0;
    let ended = false;
    const late: JobsOfBox = {
      ...of,
      job: async (id, signal) => {
        const found = await of.job(id, signal);
        const read: BoxFiles['read'] = async (path, ...rest) => {
          const bytes = await found.files.read(path, ...rest);
          if (path !== join(job.folder, 'log') || ++reads > 1) return bytes;
          // Held until the end is known, or until somebody else reads the same.
          for (let since = 0; since < 20 && reads === 1; since += ended ? 1 : 0) {
            ended ||= existsSync(join(job.folder, 'exit'));
            await sleep(50);
          }
          return bytes;
        };
        return { ...found, files: { ...found.files, read } };
      },
    };
    const last = (await watch('job-2', undefined, late)).at(-1);
    assert.deepEqual([last?.state, last?.log, reads], ['finished', 'once\n', 1]);
  });

  it('are listed with their runs, stopped, and one of two with the same name is the one that runs', async () => {
    // In another folder of the workspace.
    await start('run-2', 'same', 'sys.exit(66)', other);
    assert.equal((await watch('same')).at(-1)?.detail, 'exit code 66');
    const wait =
      "signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); step(1); print('up', flush=True); time.sleep(60)";
    const running = await start('run-3', 'same', wait);
    assert.deepEqual((await of.job('same')).folder, running.folder);
    let stopping: Promise<unknown> | undefined;
    const views = await watch('same', ({ log }) => {
      if (log !== '') stopping ??= of.job('same').then((job) => stopJob(job, AbortSignal.timeout(20_000)));
    });
    await stopping;
    const last = views.at(-1);
    assert.equal(last?.state, 'cancelled');
    // Whatever this machine has: it was looked at.
    assert.match(last.notes.at(-1)?.text ?? '', /GPU/);
    const listed = (await of.status()).jobs.map(({ run, id, state }) => `${run ?? '?'}/${id} ${state}`);
    assert.deepEqual(listed.toSorted(), [
      'run-1/job-1 finished',
      'run-1/job-2 finished',
      'run-2/same failed',
      'run-3/same cancelled',
    ]);
  });

  it('give what they have made, and say that there is nothing', async () => {
    const job = await start('run-4', 'maker', "print('x')");
    await assert.rejects(of.fetch('maker', join(folder, 'to')), (error) => JobError.is(error, 'bad-output'));
    mkdirSync(join(job.folder, 'out', 'plan'), { recursive: true });
    writeFileSync(join(job.folder, 'out', 'manifest.json'), '{}');
    writeFileSync(join(job.folder, 'out', 'plan', 'adapter_config.json'), '{}');
    assert.deepEqual(await of.fetch('maker', join(folder, 'to')), ['plan']);
    assert.deepEqual(readdirSync(join(folder, 'to')).toSorted(), ['manifest.json', 'plan']);
    await assert.rejects(of.job('../run-1'), (error) => JobError.is(error, 'no-job'));
    await assert.rejects(of.job('none'), (error) => JobError.is(error, 'no-job'));
  });
});
