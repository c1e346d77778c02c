#!/usr/bin/env node
// `npm run test:electron`: the host suite in a desktop VS Code that @vscode/test-electron downloads. For people online;
// `npm test` runs the same suite in code-server.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot, root, runNode, script } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  await setup();
  const built = (await runNode([inRoot('esbuild.mjs')])) || (await runNode([inRoot('esbuild.mjs'), '--tests']));
  if (built !== 0) return built;
  const { runTests } = await import('@vscode/test-electron');
  return runTests({
    extensionDevelopmentPath: root,
    extensionTestsPath: inRoot('dist-test', 'index.js'),
    launchArgs: [mkdtempSync(join(tmpdir(), 'autoact-workspace-')), '--disable-extensions'],
  });
});
