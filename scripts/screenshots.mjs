#!/usr/bin/env node
// `npm run screenshots`: the README's pictures. Runs the starter task in a real VS Code and photographs it, into
// docs/screenshots (some ten minutes on two cores).
import { inRoot, script } from './lib/project.mjs';
import { runTrained } from './lib/trained.mjs';

await script(() =>
  runTrained(['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('test', 'harness', 'screenshots.ts')], {
    vscode: true,
  }),
);
