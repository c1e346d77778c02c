import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { EngineError } from '../../../src/node/embedded/engineErrors.ts';
import { ensureEngine } from '../../../src/node/embedded/engineInstall.ts';
import { ENGINE_VERSION } from '../../../src/node/embedded/engineLocation.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-engine-'));
const root = join(folder, 'extension');
const bin = join(folder, 'bin');
const path = process.env['PATH'] ?? '';

before(() => {
  mkdirSync(root);
  mkdirSync(bin);
  writeFileSync(join(root, 'package.json'), JSON.stringify({ overrides: { heavy: 'npm:light@1.0.0' } }));
  process.env['PATH'] = `${bin}${delimiter}${path}`;
});
after(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

/** A npm that counts its calls and does what `script` says. */
function npm(script: string): void {
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$@" >> '${join(folder, 'calls')}'\n${script}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
}
const calls = (): number =>
  existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').length : 0;
const installs = `cp package.json asked.json; mkdir -p node_modules/node-llama-cpp
echo '{"version": "${ENGINE_VERSION}", "main": "index.js"}' > node_modules/node-llama-cpp/package.json`;

test('a failing npm is named with what it said, and leaves nothing that counts as an engine', async () => {
  npm('echo "npm error network ENOTFOUND" >&2; exit 7');
  const cacheFolder = join(folder, 'failing');
  await assert.rejects(
    ensureEngine({ root, cacheFolder, onProgress: () => undefined }),
    (error) =>
      EngineError.is(error, 'not-installed') && /code 7: npm error network ENOTFOUND .*try again/.test(error.message),
  );
  npm('exit 0');
  await assert.rejects(ensureEngine({ root, cacheFolder, onProgress: () => undefined }), /not installed/);
});

test('it is installed once, however many ask, and found from then on', async () => {
  rmSync(join(folder, 'calls'));
  npm(installs);
  const cacheFolder = join(folder, 'cache');
  const said: string[] = [];
  const ask = () => ensureEngine({ root, cacheFolder, onProgress: (text) => said.push(text) });
  const found = await Promise.all([ask(), ask(), ask()]);
  found.push(await ask());
  assert.equal(calls(), 1);
  assert.equal(new Set(found.map((engine) => engine.module)).size, 1);
  assert.equal(found[0].version, ENGINE_VERSION);
  assert.match(said[0] ?? '', /Installing the embedded engine .* 70 MB/);
  const asked = JSON.parse(readFileSync(join(cacheFolder, `engine-${ENGINE_VERSION}`, 'asked.json'), 'utf8')) as object;
  assert.deepEqual(asked, {
    private: true,
    dependencies: { 'node-llama-cpp': ENGINE_VERSION },
    overrides: { heavy: 'npm:light@1.0.0' },
  });
});

test('cancelling ends npm', async () => {
  npm('exec sleep 30');
  const stop = new AbortController();
  const waiting = ensureEngine({
    root,
    cacheFolder: join(folder, 'cancelled'),
    onProgress: () => undefined,
    signal: stop.signal,
  });
  setTimeout(() => {
    stop.abort(new Error('cancelled by the user'));
  }, 300);
  await assert.rejects(waiting, /cancelled by the user/);
});
