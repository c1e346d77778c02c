import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JobError } from '../../../src/node/box/boxErrors.ts';
import type { BoxFiles, ExecResult } from '../../../src/node/box/boxFiles.ts';
import { followJob, type JobState } from '../../../src/node/box/followJob.ts';
import { cancelJob, resumeJob } from '../../../src/node/box/job.ts';
import type { Job } from '../../../src/node/box/jobFolder.ts';
import { QueueWatch } from '../../../src/node/box/serving/queueWatch.ts';
import { startServer } from '../../../src/node/box/serving/serveJob.ts';
import { lookInQueue } from '../../../src/node/box/slurm/queue.ts';
import { slurmLauncher } from '../../../src/node/box/slurm/slurmLauncher.ts';
import { sbatchCommand, SlurmSettings } from '../../../src/node/box/slurm/slurmSettings.ts';

type Answer = Partial<ExecResult> | string;
const status = '{"running": false, "claimed": false, "exit": null, "heartbeat": null, "now": 1}';
const noSuch = Object.assign(new Error('ENOENT'), { code: 'ENOENT' });

/** A login node whose programs say what the test has written down for them; what was run is in `calls`. */
function cluster(answer: (command: readonly string[]) => Answer, contents: Record<string, string> = {}) {
  const calls: string[] = [];
  const files: BoxFiles = {
    join: (...parts) => parts.join('/'),
    stat: (path) => Promise.resolve(contents[path] === undefined ? undefined : { size: 1, id: '1' }),
    read: (path) => {
      const text = contents[path];
      return text === undefined ? Promise.reject(noSuch) : Promise.resolve(new TextEncoder().encode(text));
    },
    write: (path, content) => {
      contents[path] = String(content);
      return Promise.resolve();
    },
    makeFolder: () => Promise.resolve(),
    rename: () => Promise.resolve(),
    exec: (command) => {
      calls.push(command.join(' '));
      const said = answer(command);
      const result = typeof said === 'string' ? { stdout: said } : said;
      return Promise.resolve({ code: 0, stdout: '', stderr: '', ...result });
    },
  };
  const settings = SlurmSettings.parse({ partition: 'gpu', gres: 'gpu:1', time: '01:00:00', options: ['--mem=32G'] });
  const launcher = slurmLauncher({ host: 'login', settings, lookMs: 0, settleMs: 0 });
  const job: Job = { files, python: '/env/bin/python', box: '/code', folder: '/jobs/1', launcher };
  return { files, job, calls, contents };
}

describe('what Slurm says of a job', () => {
  const look = (answer: (command: readonly string[]) => Answer, id?: string) =>
    lookInQueue(cluster(answer).files, 'login', 'autoact-x', id);

  it('waits, with place, reason and expected start', async () => {
    const found = await look(([, ...args]) =>
      args.includes('--states=PENDING') ? '3\n9\n7\n' : '7|PENDING|2026-01-02T03:04:05|gpu||1:00:00|Priority\n',
    );
    assert.deepEqual(found, {
      state: 'waiting',
      id: '7',
      reason: 'Priority',
      position: 3,
      startsAt: '2026-01-02T03:04:05',
    });
  });

  it('waits without a place where others are not shown', async () => {
    const found = await look(([, ...args]) =>
      args.includes('--states=PENDING') ? '' : '7|PENDING|N/A|gpu||1:00:00|ReqNodeNotAvail, UnavailableNodes:a|b\n',
    );
    assert.deepEqual(found, { state: 'waiting', id: '7', reason: 'ReqNodeNotAvail, UnavailableNodes:a|b' });
  });

  it('runs, also when a twin of it still waits', async () => {
    const found = await look(() => '8|PENDING|N/A|gpu||1:00|Dependency\n7|RUNNING|x|gpu|node3|59:01|None\n');
    assert.deepEqual(found, { state: 'running', id: '7', node: 'node3', timeLeft: '59:01' });
  });

  it('has ended: from the accounts, or without accounts from the controller, or nobody knows', async () => {
    const refused = { code: 1, stderr: 'Slurm accounting storage is disabled' };
    const gone = (sacct: Answer, scontrol: Answer) =>
      look(([program]) => ({ squeue: '', sacct, scontrol })[program ?? ''] ?? '', '7');
    assert.deepEqual(await gone('CANCELLED by 1000\n', ''), { state: 'gone', how: 'CANCELLED' });
    assert.deepEqual(await gone(refused, 'JobId=7 JobState=TIMEOUT Reason=TimeLimit'), {
      state: 'gone',
      how: 'TIMEOUT',
    });
    assert.deepEqual(await gone('', 'JobId=7 JobState=NODE_FAIL'), { state: 'gone', how: 'NODE_FAIL' });
    assert.deepEqual(await gone(refused, { code: 1, stderr: 'Invalid job id specified' }), { state: 'gone' });
    // Its processes have ended; the node is being cleared up.
    assert.deepEqual(await look(() => '7|COMPLETING|x|gpu|node3|1:00|None\n'), { state: 'ending', id: '7' });
  });

  it('is unreachable and not failed when Slurm does not answer', async () => {
    const silent = look(() => ({ code: 1, stderr: 'slurm_load_jobs error: Unable to contact slurm controller' }));
    await assert.rejects(
      silent,
      (error) => JobError.is(error, 'unreachable') && /login.*may well go on/.test(error.message),
    );
  });
});

describe('a job in a queue', () => {
  it('is submitted once its name is not in the queue, and its number is kept', async () => {
    const { job, calls, contents } = cluster(([program]) =>
      program === 'sbatch' ? 'some banner\n4711;west\n' : program === 'squeue' ? '' : status,
    );
    await resumeJob(job);
    assert.equal(contents['/jobs/1/slurm'], '4711\n');
    const line = calls.find((call) => call.startsWith('sbatch')) ?? '';
    assert.match(
      line,
      /--mem=32G --partition=gpu --time=01:00:00 --gres=gpu:1 --parsable --job-name=autoact-[0-9a-f]{16}/,
    );
    assert.match(
      line,
      /\/code\/foreground\.sh \/env\/bin\/python \/code\/supervisor\.py run \/jobs\/1 -- \/env\/bin\/python -u \/code\/train\.py \/jobs\/1$/,
    );
    // What an earlier attempt left is put aside before, never after.
    assert.deepEqual(
      calls.map((call) => /supervisor\.py aside|sbatch|squeue/.exec(call)?.[0]),
      ['squeue', 'supervisor.py aside', 'sbatch'],
    );
  });

  it('is spread over nodes by a program of its own', async () => {
    const { job, calls } = cluster(([program]) => (program === 'sbatch' ? '1\n' : program === 'squeue' ? '' : status));
    const launcher = slurmLauncher({ host: 'login', settings: SlurmSettings.parse({ nodes: 2 }) });
    await resumeJob({ ...job, launcher });
    const line = calls.find((call) => call.startsWith('sbatch')) ?? '';
    assert.match(
      line,
      /--nodes=2 .* -- \/env\/bin\/python -u \/code\/spread\.py \/env\/bin\/python -u \/code\/train\.py \/jobs\/1$/,
    );
  });

  it('is attached to when it waits or runs, and left alone when it has succeeded', async () => {
    const waiting = cluster(([, ...args]) =>
      args.includes('--states=PENDING') ? '' : '5|PENDING|N/A|gpu||1:00|Priority\n',
    );
    await resumeJob(waiting.job);
    assert.equal(waiting.contents['/jobs/1/slurm'], '5\n');
    assert.ok(!waiting.calls.some((call) => call.startsWith('sbatch')));
    const done = cluster(([program]) =>
      program === 'squeue' ? '' : status.replace('"exit": null', '"exit": "0 0 0"'),
    );
    await resumeJob(done.job);
    assert.ok(!done.calls.some((call) => call.startsWith('sbatch')));
  });

  for (const [said, reason, message] of [
    ['sbatch: error: invalid partition specified: gpu', 'cannot-start', /login \(sbatch\).*invalid partition.*Mend/],
    [
      'sbatch: error: Batch job submission failed: Unable to contact slurm controller',
      'unreachable',
      /does not answer/,
    ],
  ] as const)
    it(`a refused submission is one message (${reason})`, async () => {
      const { job } = cluster(([program]) =>
        program === 'sbatch' ? { code: 1, stderr: said } : program === 'squeue' ? '' : status,
      );
      await assert.rejects(resumeJob(job), (error) => JobError.is(error, reason) && message.test(error.message));
    });

  it('is cancelled by the file first, then out of the queue, then by a signal to the supervisor', async () => {
    const { job, calls } = cluster(([program]) => (program === 'squeue' ? '5\n6\n' : status));
    await cancelJob(job);
    assert.deepEqual(
      calls.map((call) => call.replace(/--name=\S+/, '').replace(/ +/g, ' ')),
      [
        '/env/bin/python /code/supervisor.py cancel /jobs/1',
        'squeue --noheader --me --format=%A',
        'scancel --quiet --state=PENDING 5 6',
        'scancel --quiet --batch --signal=TERM 5 6',
      ],
    );
  });

  it('is followed through queue, silence of Slurm and a second wait to how it ended', async () => {
    const looks: Answer[] = [
      '5|PENDING|N/A|gpu||1:00|Resources\n',
      { code: 1, stderr: 'Unable to contact slurm controller' },
      '5|RUNNING|x|gpu|node3|1:00|None\n',
      '5|PENDING|N/A|gpu||1:00|BeginTime\n',
      '',
    ];
    const { job } = cluster(
      ([program, ...args]) => {
        if (program === 'sacct') return 'TIMEOUT\n';
        if (args.includes('--states=PENDING')) return '5\n';
        return looks.length > 1 ? (looks.shift() ?? '') : '';
      },
      { '/jobs/1/slurm': '5\n', '/jobs/1/pid': '1 1 x' },
    );
    const states: JobState[] = [];
    const end = await followJob(job, { pollMs: 1, onState: (state) => states.push(state) });
    assert.deepEqual(end, { state: 'vanished', log: '', how: 'TIMEOUT' });
    assert.deepEqual(
      states.map((state) =>
        state.state === 'waiting' ? `waiting ${state.position ?? ''} ${state.reason}` : state.state,
      ),
      ['waiting 1 Resources', 'lost-contact', 'running', 'waiting 1 BeginTime'],
    );
  });

  it('that was cancelled before it began is cancelled, not vanished', async () => {
    const { job } = cluster(() => '', { '/jobs/1/cancel': '1' });
    assert.equal((await followJob(job, { pollMs: 1 })).state, 'cancelled');
  });

  it('that was stopped by the queue is followed on while the queue means to run it again', async () => {
    let looks = 0;
    const { job, contents } = cluster(
      ([, ...args]) => {
        if (args.includes('--states=PENDING')) return '5\n';
        if (++looks === 3) contents['/jobs/1/exit'] = '0 0 0';
        return '5|PENDING|N/A|gpu||1:00|BeginTime\n';
      },
      { '/jobs/1/exit': '75 0 0' },
    );
    assert.equal((await followJob(job, { pollMs: 1 })).state, 'finished');
    assert.equal(looks, 3);
  });
});

describe("a box's Slurm settings", () => {
  it('say how often the queue is asked', () => {
    const lookOf = (given: object) => slurmLauncher({ host: 'login', settings: SlurmSettings.parse(given) }).lookMs;
    assert.deepEqual([lookOf({}), lookOf({ askEvery: 60 })], [15_000, 60_000]);
    assert.ok(!SlurmSettings.safeParse({ askEvery: 0 }).success);
  });

  it('become options of sbatch, ours last', () => {
    const settings = SlurmSettings.parse({ nodes: 2, stopBefore: 60, options: ['--comment=two words'] });
    const line = sbatchCommand(settings, { name: 'n', folder: '/a%j', script: '/s', command: ['c'], requeue: true });
    assert.deepEqual(line.slice(0, 4), ['sbatch', '--comment=two words', '--nodes=2', '--ntasks-per-node=1']);
    assert.ok(line.includes('--output=/a%%j/log') && line.includes('--signal=B:TERM@60') && line.includes('--requeue'));
    assert.deepEqual(line.slice(-2), ['/s', 'c']);
  });

  for (const wrong of [
    { options: ['--wrap=rm -r /'] },
    { options: ['--output=/elsewhere'] },
    { options: ['mem=1'] },
    { options: ['--mem 1'] },
    { partition: '--help' },
    { time: 'soon' },
    { nodes: 0 },
    { unknown: 1 },
  ])
    it(`cannot be ${JSON.stringify(wrong)}`, () => assert.ok(!SlurmSettings.safeParse(wrong).success));
});

describe('a server in the queue', () => {
  it('is queued once and never begins anew behind its user', async () => {
    const { files, contents, calls } = cluster(([program]) =>
      program === 'squeue' ? '' : program === 'sbatch' ? '7\n' : status,
    );
    const settings = SlurmSettings.parse({ gres: 'gpu:1' });
    const launcher = slurmLauncher({ host: 'login', settings, requeue: false, lookMs: 0, settleMs: 0 });
    const job: Job = { files, python: 'python3', box: '/code', folder: '/jobs/serve-1', launcher };
    contents['/jobs/serve-1/endpoint.json'] = '{"port": 1}';
    const spec = { kind: 'serve', server: 'transformers', base: '/b', adapters: {}, leaseSeconds: 60 } as const;
    const { attached, key } = await startServer(job, { ...spec, reach: 'login' });
    assert.equal(attached, false);
    assert.equal(contents['/jobs/serve-1/key'], `${key}\n`);
    const line = calls.find((call) => call.startsWith('sbatch')) ?? '';
    assert.match(line, /--no-requeue.* \/code\/serve\.py run \/jobs\/serve-1$/);
    assert.ok(calls.includes('rm -f /jobs/serve-1/endpoint.json'));
    assert.ok(!line.includes(key));
  });

  it('tells what it waits for, and that it is gone when the queue killed it without a word', async () => {
    let said = '7|PENDING|N/A|gpu||1:00|Resources\n';
    const { job } = cluster(
      ([program, ...args]) =>
        program === 'sacct' ? 'TIMEOUT\n' : program !== 'squeue' || args.includes('--states=PENDING') ? '' : said,
      { '/jobs/1/slurm': '7\n' },
    );
    const queue = new QueueWatch(job);
    assert.deepEqual(await queue.look(), { state: 'waiting', id: '7', reason: 'Resources' });
    said = '7|RUNNING|N/A|gpu|n1|1:00|None\n';
    assert.equal(await queue.look(), undefined);
    said = '';
    await assert.rejects(
      queue.look(),
      (error) => JobError.is(error, 'failed') && /no longer in the queue \(Slurm: TIMEOUT\)/.test(error.message),
    );
  });
});
