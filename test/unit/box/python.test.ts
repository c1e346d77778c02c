import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PythonError } from '../../../src/node/box/boxErrors.ts';
import { withBuildLock } from '../../../src/node/store/buildLock.ts';
import { compareVersions, shortcomings } from '../../../src/node/box/pythonCheck.ts';
import { ensurePython, findPython } from '../../../src/node/box/pythonEnvironment.ts';

let folder: string;
before(() => {
  delete process.env['AUTOACT_PYTHON'];
  folder = mkdtempSync(join(tmpdir(), 'autoact-python-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** An interpreter that answers with these versions. */
const interpreter = (name: string, versions: Record<string, string | null>): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho 'a banner'\necho '${JSON.stringify(versions)}'\n`, { mode: 0o755 });
  return path;
};
const good = {
  python: '3.12.1',
  torch: '2.9.0+cu128',
  transformers: '5.1.0',
  peft: '0.18.1',
  safetensors: '0.7.0',
  tokenizers: '0.22.1',
  numpy: '2.3.0',
};

describe('versions', () => {
  it('are compared by numbers', () => {
    assert.ok(compareVersions('2.13.0+cpu', '2.6') > 0);
    assert.ok(compareVersions('2.6', '2.6.0') === 0);
    assert.ok(compareVersions('4.9', '4.56') < 0);
  });

  it('that do not fit are named', () => {
    assert.deepEqual(shortcomings(good), []);
    assert.deepEqual(shortcomings({ ...good, torch: '1.13', peft: null }), [
      'torch is 1.13, needed is 2.6 or later, below 3',
      'peft is missing',
    ]);
  });
});

describe("the user's interpreter", () => {
  it('is taken when it has the packages', async () => {
    const python = interpreter('good', good);
    assert.equal(await ensurePython({ interpreter: python }), python);
    process.env['AUTOACT_PYTHON'] = python;
    assert.equal(await findPython(), python);
    delete process.env['AUTOACT_PYTHON'];
  });

  it('is refused with what it lacks, or when it cannot be run', async () => {
    await assert.rejects(
      ensurePython({ interpreter: interpreter('old', { ...good, transformers: '4.30.0' }) }),
      (error) => PythonError.is(error, 'unsuitable') && /transformers is 4\.30\.0/.test(error.message),
    );
    await assert.rejects(ensurePython({ interpreter: join(folder, 'none') }), (error) =>
      PythonError.is(error, 'unsuitable'),
    );
  });
});

describe('an environment in the cache', () => {
  it('counts when its marker names the requirements, and only then', async () => {
    const requirementsFile = join(folder, 'requirements.txt');
    const cacheFolder = join(folder, 'cache');
    const environment = join(cacheFolder, 'python-0123abcd');
    writeFileSync(requirementsFile, 'torch==2.13.0\n');
    mkdirSync(join(environment, 'bin'), { recursive: true });
    writeFileSync(join(environment, 'bin', 'python'), '');
    const options = { cacheFolder, requirementsFile, furtherFiles: [] };
    assert.equal(await findPython(options), undefined);
    const mark = (requirements: string): void =>
      writeFileSync(join(environment, '.ok'), JSON.stringify({ requirements, further: [], python: '3.11' }));
    mark('another hash');
    assert.equal(await findPython(options), undefined);
    mark(createHash('sha256').update('torch==2.13.0\n').digest('hex'));
    assert.equal(await ensurePython(options), join(environment, 'bin', 'python'));
    assert.equal(await findPython({ ...options, furtherFiles: [requirementsFile] }), undefined);
  });
});

describe('the lock of builders', () => {
  it('lets one in at a time', async () => {
    const path = join(folder, 'one.lock');
    let inside = 0;
    let most = 0;
    const waits: number[] = [];
    await Promise.all(
      Array.from({ length: 5 }, () =>
        withBuildLock(path, { onWait: (pid) => waits.push(pid), pollMs: 5 }, async () => {
          most = Math.max(most, ++inside);
          await sleep(15);
          inside--;
        }),
      ),
    );
    assert.equal(most, 1);
    assert.deepEqual(waits, Array(4).fill(process.pid));
    assert.equal(existsSync(path), false);
  });

  it('is taken over from a process that is gone, and given back after an error', async () => {
    const path = join(folder, 'dead.lock');
    writeFileSync(path, String(spawnSync(process.execPath, ['-e', '']).pid));
    await assert.rejects(
      withBuildLock(path, { onWait: () => undefined }, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(existsSync(path), false);
  });

  it('is not waited for when the wait is cancelled', async () => {
    const path = join(folder, 'held.lock');
    writeFileSync(path, String(process.pid));
    await assert.rejects(
      withBuildLock(path, { onWait: () => undefined, pollMs: 5, signal: AbortSignal.timeout(50) }, () =>
        Promise.resolve(),
      ),
      { name: /Abort|Timeout/ },
    );
  });
});
