import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { resolveSettings } from '../../src/core/pipeline/settings.ts';
import type { TrainingRow } from '../../src/core/pipeline/trainingData.ts';
import { JobError } from '../../src/node/box/boxErrors.ts';
import type { Boxes, BoxTrainerOptions } from '../../src/node/box/boxTrainer.ts';
import { BoxTrainer } from '../../src/node/box/boxTrainer.ts';
import type { RemoteFiles } from '../../src/node/box/boxFiles.ts';
import type { JobEnd, JobState } from '../../src/node/box/followJob.ts';
import { followJob } from '../../src/node/box/followJob.ts';
import { cancelJob, resumeJob, startJob } from '../../src/node/box/job.ts';
import type { JobEvent } from '../../src/core/box/jobEvents.ts';
import type { Job, JobSpec } from '../../src/node/box/jobFolder.ts';
import { localJob } from '../../src/node/box/localJob.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { persistently } from '../../src/node/box/persist.ts';
import { mustHavePython, preflight } from '../../src/node/box/preflight.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { downloadAdapters, sshJob, uploadModel } from '../../src/node/box/remoteJob.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { scoringEngine } from '../doubles/scoringEngine.ts';
import { Line, makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client } from './support.ts';
import { client, writeConfig } from './support.ts';

const boxFolder = join(import.meta.dirname, '..', '..', 'box');
const names = ['plan', 'tool', 'reflect'];
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());
const skip =
  withoutSshd !== false ? withoutSshd : python === undefined && 'there is no Python environment (npm run setup)';

describe('training on a host', { skip }, () => {
  const interpreter = python ?? '';
  let folder: string;
  let server: Sshd;
  let line: Line;
  let made: Client;
  let data: Record<string, string>;
  const jobs: Job[] = [];

  const spec = (base: string): JobSpec => ({
    base,
    adapters: Object.fromEntries(names.map((name) => [name, { data: `data/${name}.jsonl` }])),
    epochs: 50,
    learningRate: 5e-3,
    threads: 1,
    precision: 'float32',
    checkpointEverySteps: 20,
  });
  const adapterBytes = (out: string): Buffer[] =>
    names.flatMap((name) =>
      ['adapter_model.safetensors', 'probes.json'].map((file) => readFileSync(join(out, name, file))),
    );
  const follow = async (
    job: Job,
    onEvent: (event: JobEvent) => void = () => undefined,
    onState: (state: JobState['state']) => void = () => undefined,
  ): Promise<{ end: JobEnd; events: JobEvent[]; states: JobState['state'][] }> => {
    const events: JobEvent[] = [];
    const states: JobState['state'][] = [];
    const end = await followJob(job, {
      onEvent: (event) => {
        events.push(event);
        onEvent(event);
      },
      onState: ({ state }) => {
        states.push(state);
        onState(state);
      },
      pollMs: 100,
      signal: AbortSignal.timeout(240_000),
    });
    return { end, events, states };
  };

  /** The newest step that a job has told. */
  const stepOf = (jobFolder: string): number => {
    const path = join(jobFolder, 'events.jsonl');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
    return Math.max(0, ...lines.map((text) => (JSON.parse(text) as { step?: number }).step ?? 0));
  };

  before(async () => {
    folder = sshFolder();
    execFileSync(interpreter, [join(import.meta.dirname, 'tinyJob.py'), folder], {
      stdio: 'pipe',
    });
    data = Object.fromEntries(
      names.map((name) => [`data/${name}.jsonl`, readFileSync(join(folder, 'data', `${name}.jsonl`), 'utf8')]),
    );
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key] });
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias box'];
    const config = writeConfig(folder, [
      { alias: 'box', port: line.port, lines },
      // Past the line, which takes connections also when nobody is behind it.
      { alias: 'direct', port: server.port, lines },
    ]);
    made = client({ config, alias: 'box', folder, keepaliveMs: 1000 });
  });
  after(async () => {
    for (const job of jobs) await cancelJob({ ...job, files: made.files }).catch(() => undefined);
    made.connection.close();
    line.close();
    await server.stop();
    removeFolder(folder);
  });

  it('survives cuts, a cancel and a server that is killed, and gives the bits of an undisturbed run here', async () => {
    const here = localJob({ python: interpreter, boxFolder, jobFolder: join(folder, 'local') });
    await startJob(here, spec(join(folder, 'base')), data);
    assert.equal((await follow(here)).end.state, 'finished');

    const remote = { files: made.files, python: interpreter, folder: join(folder, 'remote') };
    const base = await uploadModel(remote, join(folder, 'base'));
    const job = await sshJob(remote, { boxFolder, id: 'job-1' });
    jobs.push(job);
    await persistently({}, () => startJob(job, spec(base), data));

    // Cut at random, then told to stop. When to is read from the job's own file, not from what the follower has seen:
    // behind a line that is cut it waits longer and longer, and on a busy machine the job was over by then.
    const cutter = setInterval(() => Math.random() < 0.5 && line.cut(), 300);
    const followed = follow(job);
    const ended = followed.then(
      () => true,
      () => true,
    );
    try {
      while (stepOf(job.folder) < 10) if (await Promise.race([sleep(20, false), ended])) break;
    } finally {
      clearInterval(cutter);
    }
    await persistently({ retryMs: 20, attempts: 100 }, () => cancelJob(job));
    const first = await followed;
    assert.equal(first.end.state, 'cancelled', JSON.stringify(first.end));
    const steps = first.events
      .filter((event) => event.type === 'step')
      .map(({ adapter, step }) => `${adapter} ${step}`);
    assert.equal(new Set(steps).size, steps.length, 'an event was told twice');

    await persistently({}, () => resumeJob(job));
    let stopped: Promise<void> | undefined;
    const second = await follow(
      job,
      (event) => {
        if (event.type === 'step') stopped ??= server.stop();
      },
      // Back only when its absence was noticed, however long that takes on a busy machine.
      (state) => {
        if (state === 'lost-contact') void stopped?.then(() => server.start());
      },
    );
    assert.deepEqual(second.end, { state: 'finished', exit: { rc: 0, signal: 0, oom: false }, log: '' });
    assert.ok(second.states.includes('lost-contact'), second.states.join(' '));
    const resumed = second.events.filter((event) => event.type === 'start').at(-1);
    assert.ok(
      Object.values(resumed?.adapters ?? {}).some(({ resumedAt }) => resumedAt > 0),
      'it began anew',
    );

    // Not at every turn: on a busy machine a connection takes longer than from one cut to the next.
    const cutting = setInterval(() => Math.random() < 0.5 && line.cut(), 700);
    const out = join(folder, 'fetched');
    const fetched = await downloadAdapters({ ...job, files: made.files }, out, { retryMs: 20, attempts: 100 }).finally(
      () => clearInterval(cutting),
    );
    assert.deepEqual([...fetched].sort(), [...names].sort());
    assert.deepEqual(adapterBytes(out), adapterBytes(join(here.folder, 'out')));
  });

  it('puts code and model there once, for nobody else to read', async () => {
    const remote: { files: RemoteFiles; python: string; folder: string } = {
      files: made.files,
      python: interpreter,
      folder: join(folder, 'remote'),
    };
    const before = [...readdirSync(join(folder, 'remote', 'code')), ...readdirSync(join(folder, 'remote', 'models'))];
    await sshJob(remote, { boxFolder, id: 'job-2' });
    await uploadModel(remote, join(folder, 'base'));
    assert.deepEqual(
      [...readdirSync(join(folder, 'remote', 'code')), ...readdirSync(join(folder, 'remote', 'models'))],
      before,
    );
    assert.equal(before.length, 2);
    const mode = await made.files.exec(['ls', '-ld', join(folder, 'remote')]);
    assert.match(mode.stdout, /^drwx------/);
    await assert.rejects(sshJob({ ...remote, folder: 'relative' }, { boxFolder, id: 'x' }), (error) =>
      JobError.is(error, 'cannot-start'),
    );
  });

  it('a box is checked before anything is sent to it', async () => {
    const opened = openBox(
      { host: 'box', transport: 'ssh', sshConfig: join(folder, 'config') },
      {
        ports: {
          askSecret: () => Promise.resolve(undefined),
          acceptHostKey: () => Promise.resolve(false),
          secrets: memorySecrets(),
        },
        configFolder: join(folder, 'settings'),
      },
    );
    try {
      const untouched = join(folder, 'untouched');
      const found = await preflight(opened.files, { folder: untouched, python: interpreter }, { boxFolder });
      assert.equal(mustHavePython('box', found), interpreter);
      assert.equal(found.items.find(({ item }) => item === 'Clock')?.state, 'ok');
      assert.equal(existsSync(untouched), false);
    } finally {
      await opened.close();
    }
  });

  it('`autoact box check` says the same', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    // Not waited for in this process, which carries the line's bytes.
    const cli = (...args: string[]): Promise<{ stdout: string }> =>
      promisify(execFile)(
        process.execPath,
        [
          '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
          join(boxFolder, '..', 'src', 'cli', 'main.ts'),
          'box',
          ...args,
          '--json',
        ],
        { env: { ...process.env, XDG_CONFIG_HOME: home } },
      );
    await cli('add', 'box', 'box', '--ssh-config', join(folder, 'config'), '--python', interpreter);
    const checked = JSON.parse((await cli('check', 'box')).stdout) as {
      python?: string;
      items: { item: string; state: string }[];
    };
    assert.equal(checked.python, interpreter);
    assert.ok(checked.items.length > 4);
  });

  it('a run trains on the box that training.box names, and gets its adapters back', async () => {
    const scoring = await scoringEngine();
    const ports = {
      askSecret: () => Promise.resolve(undefined),
      acceptHostKey: () => Promise.resolve(false),
      secrets: memorySecrets(),
    };
    const notices: string[] = [];
    const run = join(folder, 'run');
    const boxesAt = (host: string): Boxes => ({
      find: (name) => ({
        ...{ name, host, transport: 'ssh', folder: join(folder, 'remote'), python: interpreter },
        sshConfig: join(folder, 'config'),
      }),
      open: (box) => Promise.resolve(openBox(box, { ports, configFolder: join(folder, 'settings') })),
    });
    const options: BoxTrainerOptions = {
      root: join(boxFolder, '..'),
      engine: scoring.engine,
      folder: run,
      run: 'run',
      baseFolder: join(folder, 'base'),
      boxes: boxesAt('box'),
      notify: (message) => void notices.push(message),
    };
    const trainer = new BoxTrainer(options);
    const direct = boxesAt('direct');
    const rows = Object.fromEntries(
      names.map((name) => [
        name,
        (data[`data/${name}.jsonl`] ?? '')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as TrainingRow),
      ]),
    );
    const settings = resolveSettings({ training: { box: 'gpu', epochs: 1, precision: 'float32' } }).training;
    const messages = new Set<string | undefined>();
    try {
      // A run that is cancelled waits for its job's end, and tells of the GPU what cancelling the job would tell.
      const cancelling = new AbortController();
      await assert.rejects(
        trainer.train(
          rows,
          { ...settings, epochs: 500 },
          1,
          ({ step }) => step > 0 && cancelling.abort(),
          AbortSignal.any([cancelling.signal, AbortSignal.timeout(120_000)]),
        ),
      );
      assert.ok(cancelling.signal.aborted);
      assert.match(notices.at(-1) ?? '', /^The training job in .*: Stopped\. .*GPU/);
      const [stopped = ''] = readdirSync(join(folder, 'remote', 'jobs')).filter((id) => notices.at(-1)?.includes(id));
      assert.ok(existsSync(join(folder, 'remote', 'jobs', stopped, 'exit')));

      const adapters = await trainer.train(
        rows,
        settings,
        1,
        ({ message }) => messages.add(message),
        AbortSignal.timeout(240_000),
      );
      assert.deepEqual(
        adapters.map(({ name }) => name),
        names,
      );
      assert.deepEqual(
        scoring.loaded,
        adapters.map(({ model }) => model),
      );
      assert.ok(messages.has('connecting to gpu'), [...messages].join(' | '));
      for (const part of [/^estimate: about 0\.\d GB, /, /^dry run: \d\.\d GB, \d+ tokens a second, about /])
        assert.ok(
          [...messages].some((message) => part.test(message ?? '')),
          [...messages].join(' | '),
        );
      assert.deepEqual(readdirSync(join(run, 'adapters')).length, names.length);
      // Once more, as a run that is resumed does: the job is found and nothing is trained again.
      const jobsBefore = readdirSync(join(folder, 'remote', 'jobs'));
      await trainer.train(rows, settings, 1, () => undefined, AbortSignal.timeout(120_000));
      assert.deepEqual(readdirSync(join(folder, 'remote', 'jobs')), jobsBefore);

      // Nobody answers when the client is started again: a run whose job is there waits, and one without a job is told.
      await server.stop();
      const unreachable: string[] = [];
      const waiting = new BoxTrainer({ ...options, boxes: direct, askAgainMs: 100 }).train(
        rows,
        settings,
        1,
        ({ message }) => message?.includes('cannot be reached') === true && unreachable.push(message),
        AbortSignal.timeout(120_000),
      );
      while (unreachable.length < 3) await Promise.race([sleep(50), waiting]);
      assert.match(unreachable[0] ?? '', /the job goes on there: direct \(connecting.*refused/);
      await assert.rejects(
        new BoxTrainer({ ...options, boxes: direct, folder: join(folder, 'other run') }).train(
          rows,
          settings,
          1,
          () => undefined,
          AbortSignal.timeout(120_000),
        ),
        (error) => JobError.is(error, 'unreachable'),
      );
      await server.start();
      assert.equal((await waiting).length, names.length);
      assert.deepEqual(readdirSync(join(folder, 'remote', 'jobs')), jobsBefore);
    } finally {
      scoring.close();
    }
  });
});
