#!/usr/bin/env node
// `npm run package`: builds and packs autoact-<version>.vsix, and fails when its file list is wrong or it is too large.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { vsixBudget } from './budgets.mjs';
import { inRoot, mustRun, node24, root, runNode, script, SetupError } from './lib/project.mjs';
import { checkPackedFiles, isWeights, packedFiles } from './packedFiles.mjs';
import { setup } from './setup.mjs';

/**
 * Copies what is packed into a folder outside the repository, where nothing resolves to our node_modules; the manifest
 * loses what only developers need.
 */
function stage(files) {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-package-'));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(inRoot(file), join(folder, file));
  }
  const {
    scripts: _scripts,
    devDependencies: _dev,
    dependencies: _bundled,
    ...manifest
  } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  return { folder, manifest };
}

await script(async () => {
  await setup();
  const built = await runNode([inRoot('esbuild.mjs')]);
  if (built !== 0) return built;
  const files = packedFiles(root);
  const wrong = checkPackedFiles(files);
  if (wrong.length > 0)
    throw new SetupError(`The package's file list is wrong (.vscodeignore):\n  ${wrong.join('\n  ')}`);

  const { folder, manifest } = stage(files);
  const { createVSIX, listFiles, PackageManager } = await import('@vscode/vsce');
  const packed = await listFiles({ cwd: folder, packageManager: PackageManager.None });
  await mustRun(node24, [join(folder, 'dist', 'cli.js'), 'run', '--help'], {
    cwd: folder,
    advice: 'The packed command line does not start by itself.',
  });
  const lost = files.filter((file) => !packed.includes(file));
  if (lost.length > 0) throw new SetupError(`vsce leaves out: ${lost.join(', ')}`);
  const packagePath = inRoot(`${manifest.name}-${manifest.version}.vsix`);
  await createVSIX({
    cwd: folder,
    packagePath,
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
    skipLicense: false,
  });

  rmSync(folder, { recursive: true });

  const total = statSync(packagePath).size;
  const weights = files
    .filter(isWeights)
    .reduce((sum, file) => sum + deflateRawSync(readFileSync(inRoot(file))).length, 0);
  const kb = (bytes) => `${(bytes / 1000).toFixed(0)} KB`;
  console.log(
    `${packagePath}: ${packed.length} files, ${kb(total)}, of which weights ${kb(weights)}; limit without them ${kb(vsixBudget)}`,
  );
  if (total - weights <= vsixBudget) return 0;
  throw new SetupError(`The package is ${kb(total - weights - vsixBudget)} over its limit.`);
});
