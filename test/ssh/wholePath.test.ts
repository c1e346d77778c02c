import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { groupPlan } from '../../src/core/methods/groupPlan.ts';
import { adapterFor, systemTable } from '../../src/core/methods/systems.ts';
import { runItems } from '../../src/core/run/runner.ts';
import { Box } from '../../src/node/box/boxes.ts';
import type { OpenBox } from '../../src/node/box/openBox.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { serveOnBox } from '../../src/node/box/serving/serveOnBox.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { ModelServers } from '../../src/node/openai/modelServers.ts';
import { sha256 } from '../../src/cli/runRecords.ts';
import { MemoryLog } from '../doubles/memoryLog.ts';
import type { StarterLessons } from '../fixtures/starterLessons.ts';
import { starterLessons } from '../fixtures/starterLessons.ts';
import { Line, makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import { writeConfig } from './support.ts';
import type { TrainOrder } from './trainClient.ts';

const root = join(import.meta.dirname, '..', '..');
const names = ['plan', 'tool', 'reflect'];
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());
const skip =
  withoutSshd !== false ? withoutSshd : python === undefined && 'there is no Python environment (npm run setup)';

interface Said {
  readonly message?: string;
  readonly step?: number;
  readonly adapters?: readonly { readonly name: string; readonly model: string }[];
}

describe('from lessons to a planned question, on a box', { skip }, () => {
  const interpreter = python ?? '';
  let folder: string;
  let server: Sshd;
  let line: Line;
  let config: string;
  let lessons: StarterLessons;

  before(async () => {
    folder = sshFolder();
    lessons = await starterLessons({ box: 'gpu', epochs: 10, precision: 'float32' });
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({
      ...{ folder: join(folder, 'server'), keys: [key] },
      // Rounding depends on the number of threads, which the trainer else measures anew for each job.
      config: ['SetEnv AUTOACT_WORKERS=1024'],
    });
    line = await Line.to(server.port);
    writeFileSync(join(folder, 'known_hosts'), server.knownHost('box'));
    config = writeConfig(folder, [
      { alias: 'box', port: line.port, lines: [`IdentityFile ${key}`, 'HostKeyAlias box'] },
    ]);
  });
  after(async () => {
    for (const [pid] of ours()) process.kill(pid, 'SIGKILL');
    line.close();
    await server.stop();
    removeFolder(folder);
  });

  /** Programs of this test's boxes, and clients of it. */
  const ours = (): (readonly [number, string])[] =>
    [...processes()].flatMap(([pid, { command }]) =>
      /\/(disturbed|undisturbed)\b/.test(command) && command.includes(folder) ? [[pid, command] as const] : [],
    );
  const boxAt = (name: string) => ({ name: 'gpu', host: 'box', sshConfig: config, folder: join(folder, name) });
  const client = (name: string) => {
    const order = join(folder, `order-${name}.json`);
    if (!existsSync(order))
      writeFileSync(
        order,
        JSON.stringify({
          box: { ...boxAt(name), python: interpreter },
          ...{ run: join(folder, `run-${name}`), configFolder: join(folder, 'settings') },
          ...{
            baseFolder: join(root, 'starter', 'weights'),
            sets: { ...lessons.sets },
            settings: lessons.settings.training,
          },
        } satisfies TrainOrder),
      );
    const child = spawn(
      process.execPath,
      ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', join(import.meta.dirname, 'trainClient.ts'), order],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const said: Said[] = [];
    let wrong = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (wrong += text));
    let heard: () => void = () => undefined;
    createInterface({ input: child.stdout }).on('line', (text) => {
      said.push(JSON.parse(text) as Said);
      heard();
    });
    const ended = new Promise<number | null>((done) => child.once('close', done));
    return {
      said,
      ended,
      wrong: () => wrong,
      /** Kills the client once it has said so many things that `when` is about. */
      killAfter: (count: number, when: (said: Said) => boolean): void => {
        heard = () => {
          if (said.filter(when).length >= count) child.kill('SIGKILL');
        };
      },
    };
  };
  const madeBy = (run: string): { names: string[]; bytes: Buffer[] } => {
    const [job = ''] = readdirSync(join(folder, run, 'jobs'));
    const out = join(folder, run, 'jobs', job, 'out');
    return {
      names: readdirSync(out).filter((name) => existsSync(join(out, name, 'adapter_config.json'))),
      bytes: names.flatMap((name) =>
        ['adapter_model.safetensors', 'probes.json'].map((file) => readFileSync(join(out, name, file))),
      ),
    };
  };

  it('clients that are killed and a line that is cut change no bit of the adapters', async () => {
    const undisturbed = client('undisturbed');
    assert.equal(await undisturbed.ended, 0, undisturbed.wrong());

    // A cut follows a random number of bytes, so that however slow the machine is, each connection gets somewhere.
    let cuts = 12;
    let until = 20_000 + Math.random() * 200_000;
    line.onData = (bytes) => {
      until -= bytes;
      if (until > 0 || cuts === 0) return;
      cuts--;
      until = 5_000 + Math.random() * 60_000;
      setImmediate(() => line.cut());
    };
    // Killed while it copies, and twice while it follows.
    const steps = ({ step }: Said): boolean => step !== undefined && step > 0;
    const moments: [number, (said: Said) => boolean][] = [
      [1 + Math.floor(Math.random() * 8), () => true],
      [1 + Math.floor(Math.random() * 10), steps],
      [15 + Math.floor(Math.random() * 10), steps],
    ];
    for (const [count, when] of moments) {
      const one = client('disturbed');
      one.killAfter(count, when);
      assert.equal(await one.ended, null, `it ended before ${count} of it: ${one.wrong()}`);
    }
    const last = client('disturbed');
    assert.equal(await last.ended, 0, last.wrong());
    line.onData = () => undefined;
    assert.ok(cuts < 12, 'the line was never cut');

    const [wanted, got] = [madeBy('run-undisturbed'), madeBy('run-disturbed')];
    assert.deepEqual(got.names.toSorted(), names.toSorted());
    assert.deepEqual(got.bytes, wanted.bytes);
    // One job, which was started once: nothing was trained twice.
    const [job = '', ...more] = readdirSync(join(folder, 'disturbed', 'jobs'));
    assert.deepEqual(more, []);
    assert.equal(existsSync(join(folder, 'disturbed', 'jobs', job, 'attempts')), false);
    assert.deepEqual(ours(), []);
  });

  it('the group answers from the box, each agent by its own adapter', async () => {
    const ports = {
      askSecret: () => Promise.resolve(undefined),
      acceptHostKey: () => Promise.resolve(false),
      secrets: memorySecrets(),
    };
    const box = Box.parse({ ...boxAt('disturbed'), python: interpreter });
    const opened: OpenBox = openBox(box, { ports, configFolder: join(folder, 'settings') });
    const [job = ''] = readdirSync(join(folder, 'disturbed', 'jobs'));
    const signal = AbortSignal.timeout(240_000);
    let stop = (): Promise<void> => Promise.resolve();
    try {
      const serving = await serveOnBox({
        ...{ box, opened, boxFolder: join(root, 'box'), adapters: [], job, server: 'transformers' },
        ...{ contextLength: 1024, leaseSeconds: 600, seed: 1, onProgress: () => undefined, signal },
      });
      stop = () => serving.stop();
      assert.deepEqual(
        serving.adapters.map(({ name, verdict }) => [name, verdict.ok]),
        names.map((name) => [name, true]),
        JSON.stringify(serving.adapters),
      );
      const models = new ModelServers({
        servers: {
          box: {
            ...{
              kind: 'openai',
              baseURL: serving.baseURL,
              api: 'completions',
              concurrency: 8,
              timeoutSeconds: 120,
              topK: true,
            },
            ...{ outageMinutes: 1, prices: {} },
            apiKeyVariable: 'KEY',
          },
        },
        embedded: () => Promise.reject(new Error('nothing is asked of the embedded engine')),
        embeddedConcurrency: 1,
        secret: () => serving.apiKey,
      });
      const keyOf = (id: string): string => `evaluation/autoact/${id}/0`;
      const served = new Map(serving.adapters.map(({ name, model }) => [name, model]));
      const asked = new Map<string, Set<string>>();
      let completions = 0;
      const outcomes = await runItems({
        items: lessons.fresh.map(({ id, question }) => ({
          key: keyOf(id),
          start: () => groupPlan({ key: id, question, context: lessons.context, options: lessons.options }),
        })),
        drivers: {
          complete: async (request, inner) => {
            // While questions are answered, too.
            if (++completions === 5) line.cut();
            const model = served.get(adapterFor(systemTable.autoact, request.role) ?? '') ?? 'base';
            asked.set(request.role, (asked.get(request.role) ?? new Set<string>()).add(model));
            return models.complete({ server: 'box', model }, request, inner);
          },
          call: (request, inner) => lessons.toolbox.call(request, inner),
        },
        log: new MemoryLog(),
        ...{ concurrency: 2, signal, now: Date.now, hash: sha256 },
      });
      assert.deepEqual(
        new Map([...asked].map(([role, by]) => [role, [...by]])),
        new Map(names.map((name) => [name, [served.get(name)]])),
      );
      // Outcomes come in the order in which the questions were done with.
      const answers = lessons.fresh.map(({ id }) => {
        const outcome = outcomes.get(keyOf(id));
        return outcome?.state === 'done' ? outcome.result : assert.fail(outcome?.message ?? `${id} was not asked`);
      });
      // A small model, a dozen lessons: what is asked is that they plan, not that they are always right.
      const right = answers.filter(({ answer }, i) => answer === lessons.fresh[i]?.answer);
      assert.ok(right.length >= lessons.fresh.length / 3, JSON.stringify(answers, null, 1));
      assert.ok(answers.filter(({ finished }) => finished).length >= right.length);
      assert.ok(
        right.some(({ steps }) => steps.map(({ tool }) => tool).join(' ') === 'Retrieve Finish Reflect'),
        JSON.stringify(right, null, 1),
      );
      await stop();
      assert.deepEqual(ours(), []);
    } finally {
      await stop().finally(() => opened.close());
    }
  });
});
