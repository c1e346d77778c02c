import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { commandIds } from '../../src/contrib/commands.ts';
import { activationMeasure, extensionId } from '../../src/contrib/ids.ts';
import { hostTest } from './registry.ts';

const limitMs = 50;
const heavyPackages = ['ssh2', 'openai', 'node-llama-cpp', 'mathjs'];

function extension(): vscode.Extension<unknown> {
  const found = vscode.extensions.getExtension(extensionId);
  assert.ok(found, `${extensionId} is not installed in this window`);
  return found;
}

hostTest('an empty workspace does not activate the extension', () => {
  assert.equal(extension().isActive, false);
});

/** What a window waits for: reading and evaluating the code, then `activate`. VS Code's own part is told, not judged. */
hostTest(`activation takes less than ${limitMs} ms`, async () => {
  const target = extension();
  const before = performance.now();
  await target.activate();
  const all = performance.now() - before;
  const activate = performance.getEntriesByName(activationMeasure)[0]?.duration ?? Number.NaN;

  // The editor is the only one who sees the first evaluation; a second one does the same work.
  const { main } = target.packageJSON as { main: string };
  const path = require.resolve(join(target.extensionPath, main));
  const requireAgain = createRequire(path);
  assert.ok(path in require.cache, `${path} is not what VS Code loaded`);
  Reflect.deleteProperty(require.cache, path);
  const started = performance.now();
  requireAgain(path);
  const load = performance.now() - started;

  const told = `${load.toFixed(1)} ms to load, ${activate.toFixed(1)} ms to activate`;
  console.log(`activation: ${told}; ${all.toFixed(1)} ms with what VS Code does for it`);
  assert.ok(load + activate < limitMs, `activation took ${told}; limit ${limitMs} ms`);
});

hostTest('every command of the registry has a handler', async () => {
  const registered = new Set(await vscode.commands.getCommands(true));
  assert.deepEqual(
    commandIds.filter((id) => !registered.has(id)),
    [],
  );
});

hostTest('heavy packages are not loaded by activation', () => {
  const loaded = Object.keys(require.cache).filter((path) =>
    heavyPackages.some((name) => path.includes(`node_modules/${name}/`)),
  );
  assert.deepEqual(loaded, []);
});
