import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';

const home = mkdtempSync(join(tmpdir(), 'autoact-box-'));
after(() => rmSync(home, { recursive: true, force: true }));

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
const cli = (...args: string[]) => run('box', ...args);
const run = (...args: string[]): { code: number | null; out: string; err: string } => {
  const done = spawnSync(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, XDG_CONFIG_HOME: home, APPDATA: home },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
};

it('boxes are added, listed and removed, and a wrong one is refused with exit code 3', () => {
  const added = cli('add', 'gpu', 'gpu.example.org', '--folder', '/data/autoact', '--json');
  const box = { name: 'gpu', host: 'gpu.example.org', transport: 'ssh', folder: '/data/autoact' };
  assert.deepEqual([added.code, JSON.parse(added.out)], [0, box], added.err);
  assert.deepEqual(JSON.parse(cli('list', '--json').out), [box]);
  assert.match(cli('list').out, /^gpu +gpu\.example\.org +ssh +\/data\/autoact\n$/);
  const wrong = cli('add', 'local', 'x', '--json');
  assert.deepEqual([wrong.code, (JSON.parse(wrong.out) as { reason: string }).reason], [3, 'bad-box']);
  assert.deepEqual(JSON.parse(cli('remove', 'gpu', '--json').out), { removed: 'gpu' });
  const gone = cli('check', 'gpu');
  assert.equal(gone.code, 3);
  assert.match(gone.err, /There is no box "gpu"/);
});

it('a folder without a model is refused before the box is asked for anything', () => {
  cli('add', 'gpu', 'gpu.example.org');
  const { code, err } = run('serve', '--box', 'gpu', '--model', join(home, 'none'));
  assert.equal(code, 2);
  assert.match(err, /There is no model in Hugging Face form at .*none \(no config\.json\)\. .*box:\/PATH/);
});
