import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobViewEvent } from '../../src/core/box/jobView.ts';
import { cancelJob, startJob } from '../../src/node/box/job.ts';
import { followJob } from '../../src/node/box/followJob.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import type { OpenBox } from '../../src/node/box/openBox.ts';
import { rootOf, sshJob, uploadModel } from '../../src/node/box/remoteJob.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { Box } from '../../src/node/box/boxes.ts';
import { jobsOfBox } from '../../src/node/box/jobList.ts';
import { adapterHere } from '../../src/node/box/serving/adapterSource.ts';
import { serveOnBox } from '../../src/node/box/serving/serveOnBox.ts';
import type { ServeOnBoxOptions } from '../../src/node/box/serving/serveOnBox.ts';
import { JobError } from '../../src/node/box/boxErrors.ts';
import { HttpEndpoint } from '../../src/node/openai/endpoint.ts';
import type { ModelServer } from '../../src/node/openai/modelServer.ts';
import { clientAt } from '../doubles/client.ts';
import { talkativeShell, withoutShell } from '../harness/loginShell.ts';
import { Line, makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import { writeConfig } from './support.ts';

const root = join(import.meta.dirname, '..', '..');
const boxFolder = join(root, 'box');
const names = ['plan', 'tool'];
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());
const skip =
  withoutSshd !== false ? withoutSshd : python === undefined && 'there is no Python environment (npm run setup)';

describe('serving from a host', { skip }, () => {
  const interpreter = python ?? '';
  let folder: string;
  let server: Sshd;
  let line: Line;
  let opened: OpenBox;
  let box: Box;
  const trained = 'trained-1';
  /** Where the first test had its port. */
  let address = '';

  const options = (more: Partial<ServeOnBoxOptions>): ServeOnBoxOptions => ({
    box,
    opened,
    boxFolder,
    adapters: [],
    server: 'auto',
    contextLength: 4608,
    leaseSeconds: 600,
    seed: 1,
    onProgress: () => undefined,
    signal: AbortSignal.timeout(240_000),
    ...more,
  });
  const client = (baseURL: string, apiKey: string): ModelServer =>
    clientAt({ name: 'box', baseURL, apiKey, concurrency: 8, timeoutSeconds: 120 });
  const models = async (baseURL: string, apiKey: string, signal: AbortSignal): Promise<string[]> =>
    (await new HttpEndpoint({ name: 'box', baseURL, apiKey, timeoutSeconds: 120 }).models(signal)).map(({ id }) => id);
  const request = (prompt: string, maxTokens: number) => ({
    kind: 'complete' as const,
    role: 'plan' as const,
    purpose: 'thought',
    prompt,
    stop: [],
    maxTokens,
    sampling: { temperature: 0.5, topP: 0.75, topK: 40, seed: 3 },
  });
  /** Programs of the box's folder that run. */
  const running = (): string[] =>
    [...processes().values()]
      .map(({ command }) => command)
      .filter((command) => command.includes(join(folder, 'remote')));

  before(async () => {
    folder = sshFolder();
    execFileSync(interpreter, [join(import.meta.dirname, 'tinyJob.py'), folder], { stdio: 'pipe' });
    const key = makeKey(join(folder, 'key'));
    // All of it works on a host whose rc files print.
    const shell = talkativeShell(folder, withoutShell('tcsh') === false ? 'tcsh' : 'sh');
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key], config: [`ForceCommand ${shell}`] });
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias box'];
    const sshConfig = writeConfig(folder, [{ alias: 'box', port: line.port, lines }]);
    box = Box.parse({ name: 'gpu', host: 'box', sshConfig, folder: join(folder, 'remote'), python: interpreter });
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
    const of = await jobsOfBox(box, opened, { boxFolder }).catch(() => undefined);
    for (const { id, state } of (await of?.status().catch(() => undefined))?.jobs ?? [])
      if (state === 'running') await of?.job(id).then((job) => cancelJob(job));
    await opened.close();
    line.close();
    await server.stop();
    removeFolder(folder);
  });

  it('what a job has made answers through the forward, also after cuts, and stops without a trace', async () => {
    const serving = await serveOnBox(options({ job: trained }));
    address = serving.baseURL;
    assert.equal(serving.server, 'transformers'); // no GPU here, so nothing larger is looked for
    for (const { name, model, verdict } of serving.adapters) {
      assert.match(model, new RegExp(`^${name}-[0-9a-f]{8}$`));
      assert.equal(verdict.ok, true, verdict.message);
    }
    assert.equal(serving.adapters.length, 2);
    const [plan, tool] = serving.adapters;
    const ask = client(serving.baseURL, serving.apiKey);
    const signal = AbortSignal.timeout(120_000);
    const whole = await ask.complete(plan?.model ?? '', request('Answer. ka', 24), signal);
    const other = await ask.complete(tool?.model ?? '', request('Answer. ka', 24), signal);
    assert.notEqual(whole.text, other.text);

    // Cut in the middle of an answer and while nothing is asked: the address stays, and answers are the same.
    const long = ask.complete(plan?.model ?? '', request('Answer. ka', 400), signal);
    await sleep(300);
    line.cut();
    await long;
    line.refuse(true);
    line.cut();
    const waiting = ask.complete(plan?.model ?? '', request('Answer. ka', 24), signal);
    await sleep(500);
    line.refuse(false);
    assert.deepEqual((await waiting).text, whole.text);

    // A second client attaches to the same server.
    const attached = await serveOnBox(options({ job: trained }));
    assert.deepEqual([attached.id, attached.apiKey], [serving.id, serving.apiKey]);
    attached.close();

    const at = join(await rootOf({ files: opened.files, python: interpreter, folder: box.folder }), 'jobs', serving.id);
    assert.equal(statSync(join(at, 'key')).mode & 0o777, 0o600);
    assert.ok(!running().some((command) => command.includes(serving.apiKey)), 'the key is in a command line');
    await assert.rejects(models(serving.baseURL, 'wrong', signal), /refuses the key/);

    const of = await jobsOfBox(box, opened, { boxFolder });
    const states = async (): Promise<Record<string, string>> =>
      Object.fromEntries((await of.status()).jobs.map(({ id, kind, state }) => [id, `${kind} ${state}`]));
    assert.deepEqual(await states(), { [serving.id]: 'serve running', [trained]: 'train finished' });
    await serving.stop();
    assert.deepEqual(running(), []);
    assert.deepEqual(await states(), { [serving.id]: 'serve cancelled', [trained]: 'train finished' });
  });

  it('an adapter that is not what was trained is red, and one from elsewhere is not green', async () => {
    const out = join(folder, 'remote', 'jobs', trained, 'out');
    const wrong = join(folder, 'wrong');
    cpSync(join(out, 'plan'), wrong, { recursive: true });
    cpSync(join(out, 'tool', 'adapter_model.safetensors'), join(wrong, 'adapter_model.safetensors'));
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
      cpSync(join(out, 'tool', file), join(elsewhere, file));
    const serving = await serveOnBox(
      options({
        model: { here: join(folder, 'base') },
        adapters: [adapterHere('plan', wrong), adapterHere('mine', elsewhere)],
      }),
    );
    try {
      assert.deepEqual(
        serving.adapters.map(({ name, verdict }) => [name, verdict.ok]),
        [
          ['plan', false],
          ['mine', undefined],
        ],
      );
      assert.match(serving.adapters[0]?.verdict.message ?? '', /does not answer as trained|answers like base/);
    } finally {
      await serving.stop();
    }
    assert.deepEqual(running(), []);
  });

  it('a server that cannot begin is told with the end of its log, and leaves nothing', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'config.json'), '{"model_type": "nothing-known"}');
    await assert.rejects(
      serveOnBox(options({ model: { here: broken } })),
      (error) => JobError.is(error, 'failed') && /has ended \(exit code 66\).*base model/s.test(error.message),
    );
    await assert.rejects(
      serveOnBox(options({ job: trained, server: 'vllm' })),
      (error) => JobError.is(error, 'cannot-start') && /vLLM was not found/.test(error.message),
    );
    for (const job of ['nothing', '../remote'])
      await assert.rejects(serveOnBox(options({ job })), (error) => JobError.is(error, 'no-job'));
    assert.deepEqual(running(), []);
  });

  it('the command line lists, shows, fetches, serves and stops', async () => {
    const home = join(folder, 'home');
    mkdirSync(join(home, 'autoact'), { recursive: true });
    writeFileSync(join(home, 'autoact', 'boxes.json'), JSON.stringify({ version: 1, boxes: [box] }));
    const start = (...args: string[]) => {
      const child = spawn(
        process.execPath,
        ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', join(root, 'src', 'cli', 'main.ts'), ...args, '--json'],
        { env: { ...process.env, XDG_CONFIG_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const lines: Record<string, unknown>[] = [];
      createInterface({ input: child.stdout }).on('line', (text) => lines.push(JSON.parse(text) as never));
      const ended = new Promise<number | null>((done) => child.once('close', done));
      return { child, lines, ended };
    };
    const cli = async (...args: string[]) => {
      const { lines, ended } = start(...args);
      return { code: await ended, lines };
    };

    /** Waits until a program says that the adapters are served. */
    const ready = async ({ lines, child }: ReturnType<typeof start>): Promise<void> => {
      while (!lines.some(({ type }) => type === 'serving')) {
        assert.equal(child.exitCode, null, JSON.stringify(lines));
        await sleep(100);
      }
    };
    const serving = start('serve', '--box', 'gpu', '--job', trained);
    await ready(serving);
    const told = serving.lines.find(({ type }) => type === 'serving') as {
      baseURL: string;
      apiKey: string;
      job: string;
      adapters: { model: string; verdict: { ok: boolean } }[];
    };
    assert.deepEqual(
      told.adapters.map(({ verdict }) => verdict.ok),
      [true, true],
    );
    assert.equal(told.baseURL, address, 'another address than before');
    const listed = await models(told.baseURL, told.apiKey, AbortSignal.timeout(60_000));
    assert.deepEqual(listed, ['base', ...told.adapters.map(({ model }) => model)]);

    const jobs = await cli('jobs', 'list');
    assert.equal(jobs.code, 0);
    assert.match(JSON.stringify(jobs.lines), new RegExp(`"id":"${told.job}","kind":"serve","state":"running"`));
    const shown = await cli('jobs', 'show', `gpu/${told.job}`);
    assert.match(String(shown.lines[0]?.['log']), /Serving base, plan-/);

    serving.child.kill('SIGINT');
    assert.equal(await serving.ended, 0);
    assert.deepEqual(running(), []);

    const kept = start('serve', '--box', 'gpu', '--job', trained, '--keep');
    await ready(kept);
    kept.child.kill('SIGINT');
    assert.equal(await kept.ended, 0);
    assert.notDeepEqual(running(), []);
    const stopped = await cli('jobs', 'cancel', `gpu/${told.job}`);
    assert.equal(stopped.lines[0]?.['state'], 'cancelled');
    assert.match(JSON.stringify(stopped.lines[0]), /"gpu":{"state":"(free|unknown)"/);
    assert.deepEqual(running(), []);

    const fetched = await cli('jobs', 'fetch', `gpu/${trained}`, '--to', join(folder, 'fetched'));
    assert.equal(fetched.code, 0);
    assert.ok(existsSync(join(folder, 'fetched', 'plan', 'adapter_model.safetensors')));
    const watched = await cli('jobs', 'watch', `gpu/${trained}`);
    assert.equal(watched.code, 0);
    const { view } = JobViewEvent.parse(watched.lines.at(-1));
    assert.equal(view.state, 'finished');
    assert.deepEqual(
      view.curves.map(({ adapter, points, steps }) => [adapter, points.at(-1)?.step === steps]).toSorted(),
      [
        ['plan', true],
        ['tool', true],
      ],
    );
    const resumed = await cli('jobs', 'resume', `gpu/${trained}`);
    assert.equal(resumed.code, 2);
    assert.match(String(resumed.lines[0]?.['message']), /has finished/);
    const missing = await cli('jobs', 'cancel', 'gpu/nothing');
    assert.equal(missing.code, 3);
    assert.match(String(missing.lines[0]?.['message']), /has no job "nothing".*autoact jobs list --box gpu/);
    assert.equal((await cli('jobs', 'show', 'gpu')).code, 2);
    const followed = await cli('jobs', 'follow', `gpu/${trained}`);
    assert.equal(followed.code, 0);
    assert.deepEqual(followed.lines.at(-1)?.['type'], 'end');
  });
});
