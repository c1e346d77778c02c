#!/usr/bin/env node
// Builds dist/. Options: --watch, --no-minify, --tests (dist-test/index.js, the suite that runs inside VS Code).
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { overBudget } from './scripts/budgets.mjs';
import { layerPlugin } from './scripts/layers.mjs';

const root = fileURLToPath(new URL('.', import.meta.url)).replace(/[\\/]$/, '');
const flags = new Set(process.argv.slice(2));
const minify = !flags.has('--no-minify');

/** @type {esbuild.BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  minify,
  // Stack traces keep our names; the size this costs is inside the budget.
  keepNames: false,
  sourcemap: 'external',
  metafile: true,
  logLevel: 'warning',
  legalComments: 'none',
  plugins: [layerPlugin(root)],
};

/** @type {esbuild.BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // ssh2 falls back to JavaScript without its native parts; the engine is loaded at run time, if it is there at all.
  external: ['vscode', 'node-llama-cpp', 'cpu-features', '*.node'],
  define: {
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
    'import.meta.url': 'importMetaUrl',
  },
  banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
};

/** @type {esbuild.BuildOptions} */
const modules = {
  ...node,
  format: 'esm',
  splitting: true,
  chunkNames: '[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  define: {},
  // For libraries that were written for CommonJS.
  banner: {
    js: 'import{createRequire as bundleRequire}from"node:module";const require=bundleRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;',
  },
};

/** Bundles by what they need; panels are found by their main.tsx. */
function bundles() {
  const webviews = existsSync(join(root, 'webview'))
    ? readdirSync(join(root, 'webview')).filter((name) => existsSync(join(root, 'webview', name, 'main.tsx')))
    : [];
  const all = [
    { name: 'extension', entry: 'src/extension.ts', options: node },
    // Everything behind the registrations, loaded by extension.js when something of it is first used.
    { name: 'features', entry: 'src/host/features.ts', options: node },
    // Modules in pieces: a command loads what it needs, and help next to nothing. dist/cli.js starts them.
    { name: 'main', entry: 'src/cli/main.ts', folder: 'dist/cli', options: modules },
    { name: 'engine', entry: 'src/node/embedded/engineMain.ts', options: node },
    // Small on purpose: it runs in the process that the tools' sandbox locks down.
    { name: 'sandbox', entry: 'src/node/tools/sandbox/sandboxMain.ts', options: node },
    ...webviews.map((name) => ({
      name: `webview/${name}`,
      entry: `webview/${name}/main.tsx`,
      options: {
        ...common,
        platform: 'browser',
        format: 'iife',
        target: 'es2022',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        loader: { '.svg': 'text', '.ttf': 'file' },
      },
    })),
  ];
  const tests = {
    name: 'index',
    entry: 'test/host/index.ts',
    options: { ...node, minify: false, sourcemap: 'inline' },
  };
  return (flags.has('--tests') ? [tests] : all).filter(({ entry }) => {
    if (existsSync(join(root, entry))) return true;
    console.warn(`[build] ${entry} is not there; skipped`);
    return false;
  });
}

const configured = bundles().map(({ name, entry, folder, options }) => ({
  ...options,
  entryPoints: [{ in: entry, out: name }],
  outdir: flags.has('--tests') ? 'dist-test' : (folder ?? 'dist'),
}));

// Pieces are named by their content: those of an earlier build would stay.
if (!flags.has('--tests')) {
  rmSync(join(root, 'dist', 'cli'), { recursive: true, force: true });
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(join(root, 'dist', 'cli.js'), "#!/usr/bin/env node\nimport('./cli/main.mjs');\n", { mode: 0o755 });
}

if (flags.has('--watch')) {
  for (const options of configured) await (await esbuild.context({ ...options, logLevel: 'info' })).watch();
} else {
  const started = performance.now();
  const results = await Promise.allSettled(configured.map((options) => esbuild.build(options)));
  let failed = results.some(({ status }) => status === 'rejected');
  for (const result of results) {
    if (result.status === 'rejected') {
      // esbuild has printed its own messages; anything else is ours to show.
      if (!Array.isArray(result.reason?.errors)) console.error(result.reason);
      continue;
    }
    for (const [path, { bytes }] of Object.entries(result.value.metafile.outputs))
      if (!path.endsWith('.map')) console.log(`[build] ${path.padEnd(32)} ${(bytes / 1000).toFixed(1).padStart(8)} KB`);
    const lines = minify ? overBudget(result.value.metafile) : [];
    for (const line of lines) console.error(`[build] over budget: ${line}`);
    failed ||= lines.length > 0;
  }
  console.log(`[build] ${failed ? 'failed' : 'done'} in ${Math.round(performance.now() - started)} ms`);
  process.exitCode = failed ? 1 : 0;
}
