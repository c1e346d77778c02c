import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { installedPython } from '../../src/node/box/pythonEnvironment.ts';

const root = join(import.meta.dirname, '..', '..');
const workspace = mkdtempSync(join(tmpdir(), 'autoact-loop-'));
const skip = (await installedPython()) === undefined && 'no Python environment for training';
after(() => {
  rmSync(workspace, { recursive: true });
});

const cli = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'dist', 'cli.js'), ...args, '--workspace', workspace], {
    cwd: root,
    maxBuffer: 64 << 20,
  });

/** The starter task, small: every stage with the starter model and the real trainer. What comes out is not judged. */
const small = {
  'selfInstruct.instances': 40,
  'synthesis.rollouts': 2,
  'training.epochs': 1,
  'evaluation.perLevel': 3,
};

test(
  'the whole loop runs on the starter model, and a resumed run asks nothing again',
  { skip, timeout: 600_000 },
  async () => {
    const settings = Object.entries(small).flatMap(([name, value]) => ['--setting', `${name}=${value}`]);
    await cli('run', '--task', join(root, 'starter', 'starter.task.json'), ...settings);
    const runs = join(workspace, '.autoact', 'runs');
    const [id] = readdirSync(runs);
    assert.ok(id !== undefined);
    const read = (name: string): unknown => JSON.parse(readFileSync(join(runs, id, name), 'utf8')) as unknown;

    const report = read('report.json') as { systems: { id: string; cells: { level: string; n: number }[] }[] };
    for (const system of ['zero-shot', 'autoact']) {
      const cells = report.systems.find((s) => s.id === system)?.cells ?? [];
      assert.equal(cells.find((cell) => cell.level === 'all')?.n, 9, system);
    }
    const adapters = read('adapters.json') as { name: string; probe: { ok: boolean } }[];
    assert.deepEqual(adapters.map((a) => a.name).sort(), ['plan', 'reflect', 'tool']);
    assert.ok(adapters.every((a) => a.probe.ok));
    assert.equal((read('tools.json') as { selected: string[] }).selected.length, 3);

    const before = statSync(join(runs, id, 'log.jsonl')).size;
    await cli('run', '--resume', id);
    const added = readFileSync(join(runs, id, 'log.jsonl'))
      .subarray(before)
      .toString('utf8')
      .trim()
      .split('\n');
    assert.ok(
      added.every((line) => (JSON.parse(line) as { item: string }).item === 'run'),
      'nothing but events of the run',
    );
  },
);
