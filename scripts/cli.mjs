#!/usr/bin/env node
// Sets up, builds and runs the command line with the given arguments: what `npm start` and `npm run ablations` are.
import { inRoot, script } from './lib/project.mjs';
import { runTrained } from './lib/trained.mjs';

await script(() => runTrained([inRoot('dist', 'cli.js'), ...process.argv.slice(2)]));
