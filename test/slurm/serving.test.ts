import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Box } from '../../src/node/box/boxes.ts';
import { followJob } from '../../src/node/box/followJob.ts';
import { cancelJob, startJob } from '../../src/node/box/job.ts';
import { jobsOfBox } from '../../src/node/box/jobList.ts';
import type { Job } from '../../src/node/box/jobFolder.ts';
import type { OpenBox } from '../../src/node/box/openBox.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { sshJob, uploadModel } from '../../src/node/box/remoteJob.ts';
import type { ServedOnBox, ServeOnBoxOptions } from '../../src/node/box/serving/serveOnBox.ts';
import { serveOnBox } from '../../src/node/box/serving/serveOnBox.ts';
import { PortForward } from '../../src/node/box/serving/portForward.ts';
import { slurmLauncher } from '../../src/node/box/slurm/slurmLauncher.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { HttpEndpoint } from '../../src/node/openai/endpoint.ts';
import { clientAt } from '../doubles/client.ts';
import { Slurm, withoutSlurm } from '../harness/slurm.ts';
import { makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import { writeConfig } from '../ssh/support.ts';

const boxFolder = join(import.meta.dirname, '..', '..', 'box');
const names = ['plan', 'tool'];
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());
const skip = withoutSlurm || withoutSshd || (python === undefined && 'there is no Python environment (npm run setup)');

describe('serving as a job of a real Slurm of one node', { skip }, () => {
  const interpreter = python ?? '';
  const trained = 'trained-1';
  let folder: string;
  let slurm: Slurm;
  let server: Sshd;
  let opened: OpenBox;
  let box: Box;
  const begun: ServedOnBox[] = [];

  const serve = async (more: Partial<ServeOnBoxOptions> = {}): Promise<ServedOnBox> => {
    const serving = await serveOnBox({
      ...{ box, opened, boxFolder, adapters: [], job: trained, server: 'auto', contextLength: 4608, leaseSeconds: 600 },
      seed: 1,
      onProgress: () => undefined,
      signal: AbortSignal.timeout(240_000),
      ...more,
    });
    begun.push(serving);
    return serving;
  };
  const queue = (): Promise<string> => slurm.call('squeue', '-h', '-o', '%i %T');
  /** Programs of the box's folder that run. */
  const running = (): string[] =>
    [...processes().values()]
      .map(({ command }) => command)
      .filter((command) => command.includes(join(folder, 'remote')));

  before(async () => {
    folder = sshFolder();
    execFileSync(interpreter, [join(import.meta.dirname, '..', 'ssh', 'tinyJob.py'), folder], { stdio: 'pipe' });
    slurm = await Slurm.start(join(folder, 'slurm'), { cpus: 1 });
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({
      folder: join(folder, 'server'),
      keys: [key],
      config: [`SetEnv SLURM_CONF=${slurm.conf} AUTOACT_HEARTBEAT_SECONDS=0.5 AUTOACT_GRACE_SECONDS=5`],
    });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('login'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias login'];
    const sshConfig = writeConfig(folder, [{ alias: 'login', port: server.port, lines }]);
    box = Box.parse({
      ...{ name: 'cluster', host: 'login', sshConfig, folder: join(folder, 'remote'), python: interpreter },
      // A server is one process also where trainings take several nodes.
      slurm: { time: '00:10:00', nodes: 2, askEvery: 1 },
    });
    const silent = () => Promise.resolve(undefined);
    const ports = { askSecret: silent, acceptHostKey: () => Promise.resolve(false), secrets: memorySecrets() };
    opened = openBox(box, { ports, configFolder: join(folder, 'settings') });
    const remote = { files: opened.files, python: interpreter, folder: box.folder };
    const base = await uploadModel(remote, join(folder, 'base'));
    const job = await sshJob(remote, { boxFolder, id: trained });
    await startJob(
      job,
      {
        base,
        adapters: Object.fromEntries(names.map((name) => [name, { data: `data/${name}.jsonl` }])),
        ...{ epochs: 3, learningRate: 1e-2, threads: 1, precision: 'float32' },
      },
      Object.fromEntries(
        names.map((n) => [`data/${n}.jsonl`, readFileSync(join(folder, 'data', `${n}.jsonl`), 'utf8')]),
      ),
    );
    const end = await followJob(job, { pollMs: 200, signal: AbortSignal.timeout(240_000) });
    assert.equal(end.state === 'finished' && end.exit.rc, 0, JSON.stringify(end));
  });
  after(async () => {
    for (const serving of begun) serving.close();
    await slurm.stop();
    await opened.close();
    await server.stop();
    removeFolder(folder);
  });

  it('adapters wait for their node, are proved, answer through the login node, and leave nothing in the queue', async () => {
    // The node is taken, so the server waits first.
    const launcher = slurmLauncher({ host: 'login', settings: { time: '00:10:00' } });
    const taken: Job = {
      ...(await sshJob(
        { files: opened.files, python: interpreter, folder: box.folder },
        { boxFolder, id: 'taken', launcher },
      )),
      program: 'wait.py',
    };
    await opened.files.makeFolder(taken.folder);
    await taken.files.write(taken.files.join(taken.box, 'wait.py'), 'import time\ntime.sleep(120)\n');
    await startJob(taken, { kind: 'wait' }, {});
    const told: string[] = [];
    let freed: Promise<void> | undefined;
    const serving = await serve({
      onProgress: (message) => {
        told.push(message);
        if (message.startsWith('waiting in the queue')) freed ??= cancelJob(taken);
      },
    });
    await freed;
    assert.match(told.join('\n'), /^waiting in the queue, number 1 \((None|Priority|Resources)/m);
    assert.equal(serving.server, 'transformers');
    assert.deepEqual(
      serving.adapters.map(({ name, verdict }) => [name, verdict.ok]),
      names.map((name) => [name, true]),
    );

    const of = { name: 'box', baseURL: serving.baseURL, apiKey: serving.apiKey, timeoutSeconds: 120 };
    const signal = AbortSignal.timeout(120_000);
    const asked = {
      ...{ kind: 'complete' as const, role: 'plan' as const, purpose: 'thought', prompt: 'Answer. ka', stop: [] },
      ...{ maxTokens: 24, sampling: { temperature: 0.5, topP: 0.75, topK: 40, seed: 3 } },
    };
    const ask = clientAt({ ...of, concurrency: 8 });
    const [plan, tool] = serving.adapters;
    const whole = await ask.complete(plan?.model ?? '', asked, signal);
    assert.notEqual(whole.text, (await ask.complete(tool?.model ?? '', asked, signal)).text);
    await assert.rejects(new HttpEndpoint({ ...of, apiKey: 'wrong' }).models(signal), /refuses the key/);
    assert.match(await queue(), /^\d+ RUNNING$/);

    // A second client attaches to the same server; the node is the login node, so nobody else reaches it.
    const attached = await serve();
    assert.deepEqual([attached.id, attached.apiKey], [serving.id, serving.apiKey]);
    attached.close();
    const at = join(folder, 'remote', 'jobs', serving.id);
    assert.match(readFileSync(join(at, 'endpoint.json'), 'utf8'), /"host": ?"127\.0\.0\.1"/);
    const jobs = await jobsOfBox(box, opened, { boxFolder });
    const state = async (): Promise<unknown> =>
      (await jobs.status()).jobs.find(({ id }) => id === serving.id)?.state ?? 'missing';
    assert.equal(await state(), 'running');

    await serving.stop();
    assert.equal(await queue(), '');
    assert.deepEqual(running(), []);
    assert.equal(await state(), 'cancelled');
  });

  it('a server that is given up while it waits never begins, and begins when it is asked for again', async () => {
    const blocker = await slurm.call('sbatch', '--parsable', '--output=/dev/null', '--wrap=sleep 120');
    const left = new AbortController();
    await assert.rejects(
      serve({
        signal: left.signal,
        onProgress: (message) => message.startsWith('waiting in the queue') && left.abort(),
      }),
    );
    assert.match(await queue(), new RegExp(`^${blocker} `));
    assert.doesNotMatch(await queue(), /PENDING/);
    await slurm.call('scancel', blocker);
    const serving = await serve();
    const at = join(folder, 'remote', 'jobs', serving.id);

    // Somebody takes the node away: the user is told, and nothing begins anew.
    await slurm.call('scancel', '--batch', '--signal=TERM', readFileSync(join(at, 'slurm'), 'utf8').trim());
    assert.match((await serving.ended)?.message ?? '', /has ended \(exit code 75\)/);
    assert.ok(existsSync(join(at, 'exit')));
    await serving.stop();
    assert.equal(await queue(), '');
  });

  it('an address that only the login node reaches is reached through it', async (test) => {
    const host = Object.values(networkInterfaces())
      .flatMap((found) => found ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (host === undefined) {
      test.skip('this machine has no address but loopback');
      return;
    }
    const answering = createServer((_, response) => response.end('here'));
    await new Promise<void>((resolve) => answering.listen(0, host, resolve));
    const { port } = answering.address() as AddressInfo;
    const forward = await PortForward.open({ connect: (signal) => opened.connect({ host, port }, signal) });
    try {
      const response = await fetch(`http://127.0.0.1:${forward.port}/`);
      assert.equal(await response.text(), 'here');
    } finally {
      forward.close();
      answering.close();
      answering.closeAllConnections();
    }
  });
});
