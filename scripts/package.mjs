#!/usr/bin/env node
// `npm run package`: builds and packs autoact-<version>.vsix, and fails when something that does not belong is in it,
// something that does is not, or it is too large.
import { readFileSync, statSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { vsixBudget } from './budgets.mjs';
import { inRoot, root, runNode, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';
import { checkPackedFiles, isWeights } from './packedFiles.mjs';

await script(async () => {
  await setup();
  const built = await runNode([inRoot('esbuild.mjs')]);
  if (built !== 0) return built;
  const { createVSIX, listFiles, PackageManager } = await import('@vscode/vsce');
  const files = await listFiles({ cwd: root, packageManager: PackageManager.None });
  const wrong = checkPackedFiles(files);
  if (wrong.length > 0) throw new SetupError(`The package's file list is wrong (.vscodeignore):\n  ${wrong.join('\n  ')}`);

  const { name, version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const packagePath = inRoot(`${name}-${version}.vsix`);
  await createVSIX({ cwd: root, packagePath, dependencies: false, allowMissingRepository: true, rewriteRelativeLinks: false });
  const total = statSync(packagePath).size;
  const weights = files.filter(isWeights).reduce((sum, file) => sum + deflateRawSync(readFileSync(inRoot(file))).length, 0);
  const kb = (bytes) => `${(bytes / 1000).toFixed(0)} KB`;
  console.log(`${packagePath}: ${files.length} files, ${kb(total)}, of which weights ${kb(weights)}; limit without them ${kb(vsixBudget)}`);
  if (total - weights <= vsixBudget) return 0;
  throw new SetupError(`The package is ${kb(total - weights - vsixBudget)} over its limit.`);
});
