#!/usr/bin/env node
// `npm run repeats`: sets up, builds, and repeats the starter loop over seeds and worlds (about half an hour on two cores).
import { inRoot, runNode, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  const { unavailable } = await setup({ python: true });
  if (unavailable.has('python'))
    throw new SetupError('Training needs Python 3.10 or later with venv; the packages are named above.');
  const built = await runNode([inRoot('esbuild.mjs')], { stdio: ['inherit', 2, 'inherit'] });
  return built === 0
    ? runNode(['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('bench', 'repeats.ts')])
    : built;
});
