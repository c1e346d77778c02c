import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../../src/node/box/boxErrors.ts';
import type { JobEnd } from '../../src/node/box/followJob.ts';
import { followJob } from '../../src/node/box/followJob.ts';
import { cancelJob, resumeJob, startJob } from '../../src/node/box/job.ts';
import type { Job } from '../../src/node/box/jobFolder.ts';
import type { Stopped } from '../../src/node/box/stopJob.ts';
import { stopJob } from '../../src/node/box/stopJob.ts';
import { preflight } from '../../src/node/box/preflight.ts';
import type { SshFiles } from '../../src/node/box/ssh/sshFiles.ts';
import { uploadFile } from '../../src/node/box/transfer.ts';
import { makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from './support.ts';
import { client, writeConfig } from './support.ts';

const source = join(import.meta.dirname, '..', '..', 'box');
/** Stands in for the trainer: what it does is the job's `program`, a piece of Python with `step` at hand. */
const standIn = `
import json, os, signal, sys, time
os.chdir(sys.argv[1])
def step(n, of=3):
    with open('events.jsonl', 'a') as file:
        file.write(json.dumps({'t': time.time(), 'type': 'step', 'adapter': 'plan', 'step': n, 'steps': of, 'epoch': 1, 'loss': 1 / n, 'lr': 0.1}) + '\\n')
exec(json.load(open('spec.json'))['program'])
`;
const wait = 'signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); step(1); time.sleep(120)';
/** The same, as a program that nvidia-smi lists. */
const waitOnGpu = (uses: string): string => `open(${JSON.stringify(uses)}, 'w').write(str(os.getpid())); ${wait}`;
const hour = 3600;

/** Names the processes in the file `uses`: those that run, or all where `lingers` is there; fails where `broken` is. */
const nvidiaSmi = (folder: string): string => `#!/bin/sh
case "$*" in *--query-compute-apps=pid*) ;; *) exit 0 ;; esac
if [ -e ${folder}/broken ]; then echo 'No devices were found'; exit 6; fi
for pid in $(cat ${folder}/uses); do
  if [ -e ${folder}/lingers ] || kill -0 "$pid" 2>/dev/null; then echo "$pid"; fi
done
`;

/** A file system of two megabytes, or why there is none. */
function smallDisk(at: string): string | undefined {
  mkdirSync(at, { recursive: true });
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', at], { encoding: 'utf8' });
  return done.status === 0 ? undefined : 'nothing may be mounted here';
}

describe('a job on a host where much goes wrong', { skip: withoutSshd }, () => {
  let folder: string;
  let box: string;
  let server: Sshd;
  let jump: Sshd;
  let one: Client;
  let two: Client;
  let jobs = 0;

  before(async () => {
    folder = sshFolder();
    box = join(folder, 'box');
    mkdirSync(box);
    for (const name of ['supervisor.py', 'processes.py']) copyFileSync(join(source, name), join(box, name));
    writeFileSync(join(box, 'train.py'), standIn);
    // The box's clock is as far off as a file says, as far as Python can tell.
    const skewed = join(folder, 'skewed');
    mkdirSync(skewed);
    writeFileSync(
      join(skewed, 'sitecustomize.py'),
      `import time\nreal, off = time.time, int(open(${JSON.stringify(join(folder, 'off'))}).read())\ntime.time = lambda: real() + off\n`,
    );
    writeFileSync(join(folder, 'off'), String(hour));
    const programs = join(folder, 'bin');
    mkdirSync(programs);
    writeFileSync(join(programs, 'nvidia-smi'), nvidiaSmi(folder), { mode: 0o755 });
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({
      folder: join(folder, 'server'),
      keys: [key],
      config: [
        `SetEnv PYTHONPATH=${skewed} PATH=${programs}:${process.env['PATH'] ?? ''} AUTOACT_HEARTBEAT_SECONDS=0.5 AUTOACT_GRACE_SECONDS=2 AUTOACT_GPU_SECONDS=1`,
      ],
    });
    jump = await Sshd.start({ folder: join(folder, 'jump'), keys: [key] });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box') + jump.knownHost('jump'));
    const config = writeConfig(folder, [
      { alias: 'box', port: server.port, lines: [`IdentityFile ${key}`, 'HostKeyAlias box'] },
      { alias: 'far', port: server.port, lines: [`IdentityFile ${key}`, 'HostKeyAlias box', 'ProxyJump jump'] },
      { alias: 'jump', port: jump.port, lines: [`IdentityFile ${key}`, 'HostKeyAlias jump'] },
    ]);
    one = client({ config, alias: 'box', folder });
    two = client({ config, alias: 'far', folder });
  });
  after(async () => {
    one.connection.close();
    two.connection.close();
    await server.stop();
    await jump.stop();
    spawnSync('umount', [join(folder, 'small')]);
    removeFolder(folder);
  });

  const jobOf = (files: SshFiles, number = ++jobs): Job => ({
    ...{ files, python: 'python3', box },
    folder: join(folder, `job-${number}`),
  });
  const begin = (job: Job, program: string): Promise<void> => startJob(job, { program }, {});
  const follow = async (
    job: Job,
    onStep: (step: number) => void = () => undefined,
  ): Promise<{ end: JobEnd; steps: number[] }> => {
    const steps: number[] = [];
    const end = await followJob(job, {
      onEvent: (event) => {
        if (event.type !== 'step') return;
        steps.push(event.step);
        onStep(event.step);
      },
      ...{ pollMs: 100, heartbeatMs: 2000, signal: AbortSignal.timeout(120_000) },
    });
    return { end, steps };
  };
  /** What still runs of a job, whichever session it moved to. */
  const left = (job: Job): number[] =>
    [...processes()].filter(([, { command }]) => command.includes(job.folder)).map(([pid]) => pid);

  it('two clients, one through a jump host, start, follow and end it as one', async () => {
    const job = jobOf(one.files);
    const same = jobOf(two.files, jobs);
    const program = `open('runs', 'a').write('x'); ${wait}`;
    await Promise.all([begin(job, program), begin(same, program)]);
    let cancelling: Promise<void> | undefined;
    const [first, second] = await Promise.all([
      follow(job),
      follow(same, () => {
        cancelling ??= sleep(500).then(() => cancelJob(same));
      }),
    ]);
    await cancelling;
    for (const { end, steps } of [first, second]) {
      assert.equal(end.state, 'cancelled');
      assert.deepEqual(steps, [1]);
    }
    assert.equal(readFileSync(join(job.folder, 'runs'), 'utf8'), 'x');
    assert.deepEqual(left(job), []);
  });

  it('is stopped, and the GPU looked at: free, still held, or nobody can tell', async () => {
    const uses = join(folder, 'uses');
    const said: unknown[] = [];
    for (const flag of [undefined, 'lingers', 'broken']) {
      const job = jobOf(one.files);
      await begin(job, waitOnGpu(uses));
      let stopping: Promise<Stopped> | undefined;
      await follow(job, () => {
        if (flag !== undefined) writeFileSync(join(folder, flag), '');
        stopping ??= stopJob(job, AbortSignal.timeout(60_000));
      });
      const stopped = await stopping;
      if (flag !== undefined) rmSync(join(folder, flag));
      assert.equal(stopped?.end?.state, 'cancelled');
      assert.deepEqual(left(job), []);
      said.push(stopped.gpu?.state, stopped.gpu?.message);
    }
    assert.deepEqual(said.slice(0, 2), ['free', 'The GPU holds nothing of it any more.']);
    assert.equal(said[2], 'held');
    assert.match(String(said[3]), /^The GPU still lists its ended processes \(\d+\).*nvidia-smi/);
    assert.deepEqual(said.slice(4), [
      'unknown',
      'Whether the GPU is free could not be checked: nvidia-smi failed: No devices were found.',
    ]);
    // A job that had ended before is told as that.
    const done = jobOf(one.files);
    await begin(done, 'step(1)');
    await follow(done);
    const again = await stopJob(done, AbortSignal.timeout(60_000));
    assert.deepEqual([again.end?.state, again.gpu], ['finished', undefined]);
  });

  it('its processes killed by SIGKILL, it has vanished, and goes on when it is asked to', async () => {
    const job = jobOf(one.files);
    const program = `
with open('tries', 'a') as file: file.write('x')
tries = os.path.getsize('tries')
step(tries)
if tries == 1: time.sleep(120)
step(3)`;
    await begin(job, program);
    let killed = false;
    const { end } = await follow(job, () => {
      if (killed) return;
      killed = true;
      for (const pid of left(job)) process.kill(pid, 'SIGKILL');
    });
    assert.equal(end.state, 'vanished');
    await resumeJob(job);
    const again = await follow(job);
    assert.deepEqual(again.end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
    assert.deepEqual(again.steps, [1, 2, 3]);
    assert.deepEqual(left(job), []);
  });

  for (const [where, off] of [
    ['ahead of', hour],
    ['behind', -hour],
  ] as const)
    it(`a clock that is an hour ${where} this machine's is told, and harms nothing`, async () => {
      writeFileSync(join(folder, 'off'), String(off));
      const { items } = await preflight(one.files, { folder, python: 'python3' }, { boxFolder: source });
      const clock = items.find(({ item }) => item === 'Clock');
      assert.equal(clock?.state, 'warn');
      assert.match(clock.found, new RegExp(`^3[56]\\d\\d s ${where} this machine$`));
      const job = jobOf(one.files);
      await begin(job, 'step(1); time.sleep(4); step(2)');
      const { end, steps } = await follow(job);
      assert.deepEqual([end.state, steps], ['finished', [1, 2]]);
    });

  it('a disk that becomes full ends an upload with one message, and with room it goes on', async (t) => {
    const small = join(folder, 'small');
    const reason = smallDisk(small);
    if (reason !== undefined) {
      t.skip(reason);
      return;
    }
    writeFileSync(join(small, 'others'), randomBytes(1_500_000));
    const local = join(folder, 'local');
    writeFileSync(local, randomBytes(1_200_000));
    const to = join(small, 'model');
    await assert.rejects(
      uploadFile(one.files, local, to, { retryMs: 20 }),
      (error) => JobError.is(error, 'disk') && /model.* on box .*Free some space and go on/.test(error.message),
    );
    rmSync(join(small, 'others'));
    let first: number | undefined;
    await uploadFile(one.files, local, to, { retryMs: 20, onProgress: ({ done }) => (first ??= done) });
    assert.ok((first ?? 0) > 0, 'what had arrived was sent again');
    assert.deepEqual(readFileSync(to), readFileSync(local));
  });

  it('a disk that is full when it ends cannot hide how it ended', async (t) => {
    const small = join(folder, 'tiny');
    const reason = smallDisk(small);
    if (reason !== undefined) {
      t.skip(reason);
      return;
    }
    try {
      const job = { ...jobOf(one.files), folder: join(small, 'job') };
      await begin(
        job,
        `
step(1)
try:
    with open('filler', 'wb', buffering=0) as file:
        while True: file.write(b'x' * 65536)
except OSError: sys.exit(73)`,
      );
      const { end } = await follow(job);
      assert.deepEqual(end.state === 'finished' && end.exit, { rc: 73, signal: 0, oom: false });
    } finally {
      spawnSync('umount', [small]);
    }
  });
});
