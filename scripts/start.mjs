#!/usr/bin/env node
// `npm start`: set up, build, and run the whole loop on the starter task. Further arguments go to `autoact run`.
import { inRoot, runNode, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  const unavailable = await setup({ python: true });
  if (unavailable.has('python')) throw new SetupError('Training needs Python 3.10 or later with venv; the packages are named above.');
  const built = await runNode([inRoot('esbuild.mjs')]);
  if (built !== 0) return built;
  return runNode([inRoot('dist', 'cli.js'), 'run', '--task', inRoot('starter', 'starter.task.json'), ...process.argv.slice(2)]);
});
