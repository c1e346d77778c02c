#!/usr/bin/env node
// Sets up, builds and runs the command line with the given arguments: what `npm start` and `npm run ablations` are.
import { inRoot, runNode, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  const { unavailable } = await setup({ python: true });
  if (unavailable.has('python'))
    throw new SetupError('Training needs Python 3.10 or later with venv; the packages are named above.');
  const built = await runNode([inRoot('esbuild.mjs')], { stdio: ['inherit', 2, 'inherit'] });
  return built === 0 ? runNode([inRoot('dist', 'cli.js'), ...process.argv.slice(2)]) : built;
});
