import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ENGINE_VERSION, locateEngine } from '../../../src/node/embedded/engineLocation.ts';

const root = mkdtempSync(join(tmpdir(), 'autoact-locate-'));
after(() => rmSync(root, { recursive: true, force: true }));

describe('engine location', () => {
  it('finds the package above a root, in the order of the roots', () => {
    const folder = join(root, 'second', 'node_modules', 'node-llama-cpp');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '9.9.9', main: './dist/index.js' }));
    mkdirSync(join(root, 'second', 'deep', 'er'), { recursive: true });
    const found = locateEngine([join(root, 'first'), join(root, 'second', 'deep', 'er')]);
    assert.equal(found.version, '9.9.9');
    assert.equal(fileURLToPath(found.module), join(folder, 'dist', 'index.js'));
  });
  it('installs the version that the package depends on', () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    assert.equal(
      manifest.optionalDependencies?.['node-llama-cpp'] ?? manifest.dependencies['node-llama-cpp'],
      ENGINE_VERSION,
    );
  });
  it('says how to install it when it is missing', () => {
    assert.throws(
      () => locateEngine([root]),
      (error: unknown) =>
        (error as { reason: string; message: string }).reason === 'not-installed' &&
        /"autoact serve" installs it/.test((error as Error).message),
    );
  });
});
