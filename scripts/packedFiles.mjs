// What the .vsix holds: .vscodeignore's allow-list, expanded. The files are staged and packed from there, because vsce
// itself walks the whole tree first, and a Python environment lies in it.
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const required = [
  'package.nls.json',
  'l10n/bundle.l10n.json',
  'dist/extension.js',
  'dist/features.js',
  'dist/cli.js',
  'dist/cli/main.mjs',
  'dist/engine.js',
  'dist/sandbox.js',
  'prompts/',
  'box/',
  'media/',
  'LICENSE',
  'README.md',
];
const forbidden = /(^|\/)(node_modules|src|test|__pycache__|\.\w+)\/|\.map$/;

/** The allow-list's patterns. */
export const packedPatterns = (root) =>
  readFileSync(join(root, '.vscodeignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1).trim());

/** Paths from `root`, sorted. */
export function packedFiles(root) {
  const found = packedPatterns(root).flatMap((pattern) => globSync(pattern, { cwd: root }));
  return [...new Set(found)]
    .filter((path) => statSync(join(root, path)).isFile())
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

export const isWeights = (file) => /\.(gguf|safetensors)$/.test(file);

/** What is wrong with a list of packed files, one line each. */
export function checkPackedFiles(files) {
  return [
    ...files.filter((file) => forbidden.test(file)).map((file) => `${file} does not belong in the package`),
    ...required
      .filter((entry) => !files.some((file) => (entry.endsWith('/') ? file.startsWith(entry) : file === entry)))
      .map((entry) => `${entry} is missing`),
  ];
}
