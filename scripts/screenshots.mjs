#!/usr/bin/env node
// `npm run screenshots`: the README's pictures, into docs/screenshots: the labelling panel with an invented study, then
// the starter task, run in a real VS Code and photographed (some ten minutes on two cores). An argument names a
// workspace with a finished run to photograph, or is `labels` for the labelling panel alone.
import { inRoot, runNode, script } from './lib/project.mjs';
import { runTrained } from './lib/trained.mjs';

const [what] = process.argv.slice(2);
const program = (name) => ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('test', 'harness', name)];

await script(async () => {
  const code = await runTrained(program('labelScreenshots.ts'), { vscode: true });
  if (code !== 0 || what === 'labels') return code;
  return runNode([...program('screenshots.ts'), ...process.argv.slice(2)]);
});
