#!/usr/bin/env node
// `npm run code`: VS Code with this extension and a sample workspace. Uses `code` when it is on the PATH, otherwise
// code-server, whose address is printed: open it in a browser. An argument names another folder to open.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureCodeServer, startCodeServer, windowAddress } from './lib/codeServer.mjs';
import { cacheDir, inRoot, onPath, root, run, runNode, say, script, SetupError } from './lib/project.mjs';
import { ensureSystemPackages } from './lib/systemPackages.mjs';
import { setup } from './setup.mjs';

function sampleWorkspace() {
  const folder = join(cacheDir, 'sample-workspace');
  mkdirSync(folder, { recursive: true });
  const card = inRoot('starter', 'starter.task.json');
  const copy = join(folder, 'starter.task.json');
  // A card that the user has edited here is theirs.
  if (existsSync(card) && !existsSync(copy)) copyFileSync(card, copy);
  return folder;
}

await script(async () => {
  await setup();
  const built = await runNode([inRoot('esbuild.mjs')]);
  if (built !== 0) return built;
  const [asked] = process.argv.slice(2);
  const folder = asked === undefined ? sampleWorkspace() : resolve(asked);
  if (!existsSync(folder)) throw new SetupError(`There is no folder ${folder}.`);
  if (onPath('code')) return run('code', ['--new-window', `--extensionDevelopmentPath=${root}`, folder]);

  const missing = await ensureSystemPackages(['compiler']);
  if (missing.length > 0)
    throw new SetupError('VS Code from npm needs what is named above; or install VS Code and its `code` command.');
  await ensureCodeServer();
  const dataDir = join(cacheDir, 'editor');
  mkdirSync(join(dataDir, 'data', 'User'), { recursive: true });
  const settings = join(dataDir, 'data', 'User', 'settings.json');
  if (!existsSync(settings)) writeFileSync(settings, '{ "telemetry.telemetryLevel": "off" }\n');
  const { server, port } = await startCodeServer({ dataDir });
  say('VS Code runs until Ctrl+C. Open this address in a browser on this machine:');
  console.log(windowAddress(port, folder, root));
  return new Promise((done) => {
    server.once('exit', (code) => done(code ?? 0));
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.kill(-server.pid, 'SIGTERM'));
  });
});
