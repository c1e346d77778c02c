#!/usr/bin/env node
// `npm run python-lock`: writes box/requirements.lock in the project's Python environment, which is made when missing.
import { inRoot, run, script } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  const { python } = await setup({ python: true });
  return python === undefined ? 1 : run(python, [inRoot('scripts', 'lib', 'pythonLock.py')]);
});
