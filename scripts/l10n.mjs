#!/usr/bin/env node
// `npm run l10n`, after a change of words: writes l10n/bundle.l10n.json, which translators start from, out of the calls
// of l10n.t in the extension and its panels. A unit test compares the two.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getL10nJson } from '@vscode/l10n-dev';
import { format } from 'prettier';
import { inRoot, root } from './lib/project.mjs';

export const bundleFile = inRoot('l10n', 'bundle.l10n.json');

/** Files whose words are gathered, from the root. */
export const wordFiles = () =>
  globSync(['src/extension.ts', 'src/{host,protocol}/**/*.ts', 'webview/**/*.{ts,tsx}'], { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.endsWith('.d.ts'))
    .sort();

/** What the bundle has to hold: each text once, in order, so that two branches seldom touch the same lines. */
export async function bundleText() {
  const files = wordFiles().map((path) => ({
    extension: path.endsWith('.tsx') ? '.tsx' : '.ts',
    contents: readFileSync(inRoot(path), 'utf8'),
  }));
  const words = Object.entries(await getL10nJson(files)).sort(([a], [b]) => (a < b ? -1 : 1));
  return format(JSON.stringify(Object.fromEntries(words)), { parser: 'json', printWidth: 120 });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(inRoot('l10n'), { recursive: true });
  writeFileSync(bundleFile, await bundleText());
}
