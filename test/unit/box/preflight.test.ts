import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { ExecResult, RemoteFiles } from '../../../src/node/box/boxFiles.ts';
import { localFiles } from '../../../src/node/box/localFiles.ts';
import { BoxError, JobError } from '../../../src/node/box/boxErrors.ts';
import type { Preflight, PreflightItem } from '../../../src/node/box/preflight.ts';
import { mustBeFit, mustHavePython, preflight } from '../../../src/node/box/preflight.ts';
import { SlurmSettings } from '../../../src/node/box/slurm/slurmSettings.ts';

const boxFolder = join(import.meta.dirname, '..', '..', '..', 'box');
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoact-preflight-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A box of which only programs are wanted. */
const boxThat = (exec: (command: readonly string[]) => Promise<ExecResult>): RemoteFiles =>
  ({ ...localFiles, host: 'gpu', exec }) as unknown as RemoteFiles;

/** This machine, with programs of the given names and outputs in front of its own. */
function here(programs: Readonly<Record<string, string>>): RemoteFiles {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return boxThat(([program = '', ...args]) => {
    const done = spawnSync(program, args, {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    return Promise.resolve({ code: done.status, stdout: done.stdout, stderr: done.stderr });
  });
}

const good = {
  now: Date.now() / 1000,
  system: { platform: 'linux', machine: 'x86_64', host: 'gpu', cores: 8, memory: 64e9 },
  pythons: [
    {
      path: '/opt/python',
      versions: {
        python: '3.12.1',
        torch: '2.9.0+cu128',
        transformers: '5.1.0',
        peft: '0.18.1',
        safetensors: '0.7.0',
        tokenizers: '0.22.1',
        numpy: '2.3.0',
      } as Record<string, string>,
    },
  ],
  gpu: {
    tool: true,
    driver: '570.1',
    cuda: '12.8',
    gpus: [{ index: 0, name: 'H200', memoryTotal: 143000, memoryFree: 140000, processes: 0 }],
  },
  folder: { path: '/home/me/.autoact', exists: true, free: 5e11, freeFiles: 1e6, writable: true, runs: true },
  temporary: { path: '/tmp', exists: true, free: 5e10, freeFiles: 1e6, writable: true, runs: true },
  base: null,
  quota: null,
  session: { systemd: true, linger: false, killUserProcesses: false },
  egress: [],
  slurm: null,
};
const judge = (change: object, box: object = {}): Promise<Preflight> =>
  preflight(
    boxThat(() =>
      Promise.resolve({ code: 0, stdout: JSON.stringify({ ...good, now: Date.now() / 1000, ...change }), stderr: '' }),
    ),
    { folder: '~/.autoact', ...box },
    { boxFolder },
  );
const item = ({ items }: Preflight, name: string): PreflightItem | undefined => items.find((one) => one.item === name);

it('a box in order has nothing to mend', async () => {
  const found = await judge({});
  assert.deepEqual(
    found.items.filter(({ state }) => state !== 'ok'),
    [],
  );
  assert.equal(found.python, '/opt/python');
});

it('every shortcoming is told with a remedy', async () => {
  const cases: [string, 'warn' | 'fail', object, object?][] = [
    ['Python', 'fail', { pythons: [] }],
    ['Python', 'fail', { pythons: [{ path: '/usr/bin/python3', versions: { python: '3.9.2', torch: null } }] }],
    ['Python', 'fail', {}, { python: '/other/python' }],
    ['GPU', 'warn', { gpu: { tool: false, driver: null, cuda: null, gpus: [] } }],
    ['GPU', 'warn', { gpu: { ...good.gpu, gpus: [{ ...good.gpu.gpus[0], memoryFree: 100, processes: 2 }] } }],
    ['Driver', 'fail', { gpu: { ...good.gpu, cuda: '11.8' } }],
    ['Disk', 'warn', { folder: { ...good.folder, free: 5e9 } }],
    ['Disk', 'fail', { folder: { ...good.folder, free: 1e8 } }],
    ['Disk', 'fail', { folder: { ...good.folder, writable: false, runs: null } }],
    ['Disk', 'warn', { folder: { error: 'OSError' } }],
    ['Programs', 'warn', { folder: { ...good.folder, runs: false } }],
    ['Quota', 'fail', { quota: { filesystem: '/home', used: 1000, limit: 1001 } }],
    ['Temporary files', 'warn', { temporary: { ...good.temporary, runs: false } }],
    ['After logout', 'fail', { session: { systemd: true, linger: false, killUserProcesses: true } }],
    ['After logout', 'warn', { session: { systemd: true, linger: null, killUserProcesses: true } }, { slurm: {} }],
    ['Network', 'warn', { egress: [{ url: 'https://index.example', ms: 5, error: 'timed out' }] }],
    ['Clock', 'warn', { now: Date.now() / 1000 - 3600 }],
    ['Slurm', 'fail', {}, { slurm: { partition: 'gpu' } }],
    ['Slurm', 'warn', { slurm: 'slurm 22.05.8' }],
  ];
  for (const [name, state, change, box] of cases) {
    const found = item(await judge(change, box), name);
    assert.equal(found?.state, state, `${name} ${JSON.stringify(change)}`);
    assert.ok((found.remedy ?? '').length > 5);
  }
  assert.equal(
    item(await judge({ session: { systemd: true, linger: true, killUserProcesses: true } }), 'After logout')?.state,
    'ok',
  );
});

it('the script is found right about programs that it asks', async () => {
  const table =
    '0, GPU-a, NVIDIA H200, 143771, 1000, 570.10, 9.0\\n1, GPU-b, NVIDIA H200, 143771, 143000, 570.10, 9.0\\n';
  const files = here({
    'nvidia-smi': `case "$*" in *query-gpu*) printf '${table}';; *compute-apps*) printf 'GPU-b\\nGPU-b\\n';; *) echo '| Driver Version: 570.10   CUDA Version: 12.8 |';; esac`,
    quota: `printf 'Disk quotas for user me (uid 1):\\n Filesystem blocks quota limit grace files\\n /dev/a 900* 1000 1024 10\\n /dev/b 5 0 0 1\\n'`,
    sbatch: 'echo slurm 22.05.8',
  });
  const asked = join(folder, 'box', 'deep');
  mkdirSync(join(folder, 'box'));
  const { report, items } = await preflight(files, { folder: asked }, { boxFolder, urls: ['http://127.0.0.1:1/'] });
  assert.deepEqual(report.gpu, {
    tool: true,
    driver: '570.10',
    cuda: '12.8',
    gpus: [
      { index: 0, name: 'NVIDIA H200', memoryTotal: 143771, memoryFree: 142771, processes: 0 },
      { index: 1, name: 'NVIDIA H200', memoryTotal: 143771, memoryFree: 771, processes: 2 },
    ],
  });
  assert.deepEqual(report.quota, { filesystem: '/dev/a', used: 900, limit: 1024 });
  assert.equal(report.slurm, 'slurm 22.05.8');
  assert.deepEqual(
    [report.folder?.path, report.folder?.exists, report.folder?.writable, report.folder?.runs],
    [asked, false, true, true],
  );
  assert.ok((report.folder?.free ?? 0) > 0);
  assert.match(report.egress?.[0]?.error ?? '', /./);
  assert.match(report.pythons?.[0]?.versions?.['python'] ?? '', /^3\./);
  assert.equal(items.find((one) => one.item === 'Clock')?.state, 'ok');
  assert.deepEqual(readdirSync(join(folder, 'box')), []);
});

it('the script runs on Python 3.8', () => {
  const parse = 'import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 8))';
  const done = spawnSync('python3', ['-c', parse, join(boxFolder, 'preflight.py')], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
});

it('what is no report is told with what was said', async () => {
  const said = (stdout: string, stderr: string): Promise<Preflight> =>
    preflight(
      boxThat(() => Promise.resolve({ code: 1, stdout, stderr })),
      { folder: '/x' },
      { boxFolder },
    );
  await assert.rejects(
    said('', 'SyntaxError: invalid syntax'),
    (error) => JobError.is(error, 'bad-output') && error.message.includes('SyntaxError'),
  );
  await assert.rejects(said('<html>', ''), (error) => JobError.is(error, 'bad-output'));
  // What is no Python at all may repeat the script that it was given.
  await assert.rejects(said('', `ls: ${'import json\n'.repeat(200)}\nls: no such file`), (error) => {
    assert.ok(JobError.is(error, 'bad-output'));
    assert.match(
      error.message,
      /^gpu \(preflight check\): python3 gave no report .*: ls: no such file\. .*--python PATH$/,
    );
    return true;
  });
});

it('a box without a Python that can train is refused with what is missing', async () => {
  const found = await judge({ pythons: [{ path: '/usr/bin/python3', versions: { python: '3.9.2', torch: null } }] });
  assert.throws(
    () => mustHavePython('gpu', found),
    (error) => BoxError.is(error, 'no-python') && error.message.includes('/usr/bin/python3 cannot train'),
  );
  assert.equal(mustHavePython('gpu', await judge({})), '/opt/python');
});

it('nothing is begun on a box on which no job could start, and little does not hinder', async () => {
  const closed = { ...good.folder, path: '/srv/x', writable: false };
  for (const [change, box, said] of [
    [{ folder: closed }, {}, /^Box "gpu" \(preflight check\): Disk: \/srv\/x cannot be written\. .*--folder PATH/],
    [{}, { slurm: {} }, /Slurm: sbatch is not there\. Choose the cluster/],
    [{ session: { systemd: true, linger: false, killUserProcesses: true } }, {}, /After logout: .*enable-linger/],
  ] as const) {
    const found = await judge(change, box);
    assert.throws(
      () => mustBeFit('gpu', found),
      (error) => JobError.is(error, 'cannot-start') && said.test(error.message),
    );
  }
  mustBeFit('gpu', await judge({ gpu: null, pythons: [], folder: { ...good.folder, free: 5e9 } }));
});

it('a file where the folder should be is told, whoever asks', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    const found = await preflight(here({}), { folder: path }, { boxFolder });
    assert.deepEqual([item(found, 'Disk')?.state, item(found, 'Disk')?.found], ['fail', `${path} cannot be written`]);
  }
  const found = await preflight(here({}), { folder: join(folder, 'new', 'one') }, { boxFolder });
  assert.match(item(found, 'Disk')?.found ?? '', /GB free/);
});

it('a base model on the box is whole and readable, or it is said what it lacks before a job is sent', async () => {
  const base = join(folder, 'base model');
  mkdirSync(base);
  const look = () => preflight(here({}), { folder, base }, { boxFolder });
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const index = { weight_map: { a: shards[0], b: shards[1] } };
  writeFileSync(join(base, 'model.safetensors.index.json'), JSON.stringify(index));
  writeFileSync(join(base, shards[0] ?? ''), Buffer.alloc(100));
  const bad = await look();
  assert.equal(item(bad, 'Base model')?.state, 'fail');
  assert.match(item(bad, 'Base model')?.found ?? '', /lacks.*: config\.json, model-00002.*, tokenizer\.json$/);
  assert.match(item(bad, 'Base model')?.remedy ?? '', /--base PATH/);
  assert.throws(() => mustBeFit('gpu', bad, true), /Base model: .*config\.json/);
  // What a cluster's compute nodes see, its login node need not.
  const cluster = await preflight(here({}), { folder, base, slurm: SlurmSettings.parse({}) }, { boxFolder });
  assert.equal(item(cluster, 'Base model')?.state, 'warn');
  // A server may be told of another model.
  mustBeFit('gpu', { ...bad, items: bad.items.filter(({ item: name }) => name === 'Base model') });

  writeFileSync(join(base, shards[1] ?? ''), Buffer.alloc(50_000_000));
  for (const name of ['config.json', 'tokenizer.json']) writeFileSync(join(base, name), '{}');
  const whole = item(await look(), 'Base model');
  assert.equal(whole?.state, 'ok');
  assert.match(whole.found, /^0\.1 GB at .*base model$/);

  // An index that somebody else has written names files beside it alone, and none that is no index.
  writeFileSync(join(base, 'model.safetensors.index.json'), '{"weight_map": 3}');
  assert.equal(item(await look(), 'Base model')?.state, 'fail');
  assert.equal(item(await judge({}), 'Base model')?.found, 'sent from this machine, once, when a job needs it');
});
