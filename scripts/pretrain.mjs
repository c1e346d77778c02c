#!/usr/bin/env node
// `npm run pretrain`: makes the starter model again, from nothing. Arguments go to the program.
import { inRoot, run, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  const { unavailable, python } = await setup({ python: true });
  if (unavailable.has('python')) throw new SetupError('Pretraining needs Python; the packages are named above.');
  return run(python, [inRoot('starter', 'pretrain.py'), ...process.argv.slice(2)]);
});
