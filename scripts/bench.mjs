#!/usr/bin/env node
// `npm run bench [-- name …]`: runs bench/*.bench.ts one after another, each against the limit that it states itself.
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { inRoot, runNode, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

await script(async () => {
  const folder = inRoot('bench');
  const all = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.bench.ts'))
        .sort()
    : [];
  const names = all.map((name) => basename(name, '.bench.ts'));
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new SetupError(`No benchmark is called ${unknown.join(', ')}. There are: ${names.join(', ')}.`);
  await setup();
  let failed = 0;
  for (const name of asked.length > 0 ? asked : names) {
    console.log(`\n── ${name}`);
    if ((await runNode(['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('bench', `${name}.bench.ts`)])) !== 0)
      failed += 1;
  }
  if (failed > 0) console.log(`\n${failed} outside their limits`);
  return failed === 0 ? 0 : 1;
});
