import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../../src/node/box/boxErrors.ts';
import type { JobState } from '../../src/node/box/followJob.ts';
import { cancelJob, resumeJob } from '../../src/node/box/job.ts';
import { withoutSlurm } from '../harness/slurm.ts';
import { withoutSshd } from '../harness/sshd.ts';
import { Cluster, follow, wait } from './cluster.ts';

describe(
  'the queue of a real Slurm of one node and one processor, over SSH',
  { skip: withoutSlurm || withoutSshd },
  () => {
    let cluster: Cluster;
    before(async () => {
      cluster = await Cluster.start();
    });
    after(() => cluster.stop());

    it('runs a job to its end, and attaches to it when it is started again', async () => {
      const job = cluster.job();
      await cluster.begin(job, 'print("said", flush=True)');
      await cluster.begin(job, 'print("said", flush=True)');
      assert.deepEqual((await follow(job)).end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
      await cluster.begin(job, 'print("said", flush=True)');
      assert.equal(readFileSync(join(job.folder, 'log'), 'utf8'), 'said\n');
      await assert.rejects(cluster.begin(job, 'other'), (error) => JobError.is(error, 'other-job'));
    });

    it('tells why and at which place a job waits, and takes it out of the queue', async () => {
      const [first, second, third] = [cluster.job(), cluster.job(), cluster.job()];
      for (const job of [first, second, third]) await cluster.begin(job, wait);
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
      for (let i = 0; i < 300 && (await cluster.queued()) !== ''; i++) await sleep(100);
      assert.equal(await cluster.queued(), '');
    });

    it('a job that was told to stop and that fails ends as what it is', async () => {
      const job = cluster.job();
      await cluster.begin(job, 'print("no such thing", flush=True); sys.exit(66)');
      const { end } = await follow(job);
      assert.deepEqual(end, { state: 'finished', exit: { rc: 66, signal: 0, oom: false }, log: 'no such thing' });
      // Started again, it is tried again.
      await resumeJob(job);
      assert.equal((await follow(job)).end.state, 'finished');
      assert.equal(readFileSync(join(job.folder, 'log'), 'utf8'), 'no such thing\nno such thing\n');
    });

    it('a queue that does not answer is lost contact, and the job goes on', async () => {
      const job = cluster.job();
      await cluster.begin(job, wait);
      let stopped = false;
      const { end, states } = await follow(job, {
        // Heartbeats would do; Slurm is asked all the same.
        heartbeatMs: 0,
        onState: ({ state }) => {
          if (state === 'running' && !stopped) {
            stopped = true;
            void cluster.slurm.stopControl();
          } else if (state === 'lost-contact') void cluster.slurm.startControl().then(() => cancelJob(job));
        },
      });
      assert.equal(end.state, 'cancelled');
      assert.ok(states.some(({ state }) => state === 'lost-contact'));
    });

    it('two clients that submit at once get one run', async () => {
      const job = cluster.job();
      const program = 'open("runs", "a").write("x"); time.sleep(1)';
      await Promise.all([cluster.begin(job, program), cluster.begin(job, program)]);
      assert.equal((await follow(job)).end.state, 'finished');
      for (let i = 0; i < 100 && (await cluster.queued()) !== ''; i++) await sleep(100);
      assert.equal(readFileSync(join(job.folder, 'runs'), 'utf8'), 'x');
      assert.match(readFileSync(join(job.folder, 'exit'), 'utf8'), /^0 /);
    });

    it('what Slurm refuses is one message with host, step and remedy', async () => {
      await assert.rejects(
        cluster.begin(cluster.job({ partition: 'nowhere' }), wait),
        (error) => JobError.is(error, 'cannot-start') && /^login \(sbatch\): .*partition.*Mend/.test(error.message),
      );
    });
  },
);
