#!/usr/bin/env node
// `npm run fuzz [-- COUNT [SEED]]`: mutated trajectories, traces and queries, a million by default.
import { inRoot, runNode, script } from './lib/project.mjs';

await script(() =>
  runNode([
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    inRoot('test', 'fuzz', 'main.ts'),
    ...process.argv.slice(2),
  ]),
);
