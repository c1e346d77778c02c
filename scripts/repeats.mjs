#!/usr/bin/env node
// `npm run repeats`: sets up, builds, and repeats the starter loop over seeds and worlds (about half an hour on two cores).
import { inRoot, script } from './lib/project.mjs';
import { runTrained } from './lib/trained.mjs';

await script(() => runTrained(['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('bench', 'repeats.ts')]));
