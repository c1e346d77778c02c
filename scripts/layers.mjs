// The import rules of ARCHITECTURE.md as data, and two enforcers of them: an esbuild plugin (what ends up in a bundle)
// and an ESLint rule (every import statement, types included, bundled or not).
import { builtinModules } from 'node:module';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';

const builtins = new Set(builtinModules);

/**
 * layers: layers whose code may be imported; packages: npm packages, or '*' for all but the editor's and the webviews';
 * node: Node's built-in modules.
 */
export const layers = {
  core: { layers: [], packages: ['zod'] },
  protocol: { layers: ['core'], packages: ['zod', '@vscode/l10n'] },
  dap: { layers: ['core', 'protocol'], packages: ['@vscode/debugadapter', '@vscode/debugprotocol', 'jsep'] },
  contrib: { layers: [], packages: [] },
  node: { layers: ['core'], packages: '*', node: true },
  cli: { layers: ['core', 'node', 'dap', 'protocol'], packages: '*', node: true },
  host: { layers: ['core', 'protocol', 'dap', 'node', 'contrib'], packages: '*', vscode: true, node: true },
  webview: { layers: ['core', 'protocol'], packages: ['preact', 'uplot', '@vscode/l10n'] },
  'webview/kit': {
    layers: ['core', 'protocol', 'webview'],
    packages: ['preact', 'uplot', '@vscode/l10n', '@vscode/webview-ui-toolkit'],
  },
};
// src/extension.ts wires services together for the host and follows its rules.
const rootFiles = 'host';
const editorOnly = ['vscode'];
const webviewOnly = ['preact', 'uplot', '@vscode/webview-ui-toolkit'];

/** Layer of a file given by its path from the repository root, or undefined where no rule applies (tests, scripts). */
export function layerOf(path) {
  const parts = path.split(sep).join('/').split('/');
  if (parts[0] === 'webview') return parts[1] === 'kit' ? 'webview/kit' : 'webview';
  if (parts[0] !== 'src') return undefined;
  if (parts.length === 2) return rootFiles;
  return parts[1] in layers ? parts[1] : undefined;
}

const packageName = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/**
 * Why this import breaks the rules, or undefined when it keeps them.
 * @param {string} root repository root, absolute
 * @param {string} importer importing file, absolute
 * @param {string} specifier as written in the import
 */
export function violation(root, importer, specifier) {
  const from = layerOf(relative(root, importer));
  if (from === undefined) return undefined;
  const rule = layers[from];
  const say = (what) =>
    `${relative(root, importer)} (layer ${from}) must not import ${what}: see the table in ARCHITECTURE.md`;

  if (specifier.startsWith('.') || isAbsolute(specifier)) {
    const target = relative(root, resolve(dirname(importer), specifier));
    const top = target.split(sep)[0];
    if (top === 'node_modules' || top === 'media') return undefined;
    const to = layerOf(target);
    if (to === from) return undefined;
    // Panels use the kit as their own; the kit alone knows what stands behind it.
    if (from === 'webview' && to === 'webview/kit') return undefined;
    if (to !== undefined && rule.layers.includes(to)) return undefined;
    return say(to === undefined ? `${target}, which belongs to no layer` : `${specifier} (layer ${to})`);
  }
  const name = packageName(specifier);
  if (specifier.startsWith('node:') || builtins.has(name))
    return rule.node ? undefined : say(`${specifier}, a Node built-in`);
  if (editorOnly.includes(name)) return rule.vscode ? undefined : say(specifier);
  if (rule.packages === '*')
    return webviewOnly.includes(name) ? say(`${specifier}, which belongs to the webviews`) : undefined;
  return rule.packages.includes(name) ? undefined : say(specifier);
}

/** esbuild plugin: an import against the table fails the build. */
export const layerPlugin = (root) => ({
  name: 'layers',
  setup(build) {
    build.onResolve({ filter: /.*/ }, (args) => {
      if (args.importer === '' || args.importer.includes(`${sep}node_modules${sep}`)) return undefined;
      const text = violation(root, args.importer, args.path);
      return text === undefined ? undefined : { errors: [{ text }] };
    });
  },
});

/** ESLint rule with the same table. */
export const layerRule = (root) => ({
  meta: { type: 'problem', schema: [], messages: { layer: '{{text}}' } },
  create(context) {
    const check = ({ source }) => {
      if (typeof source?.value !== 'string') return;
      const text = violation(root, context.filename, source.value);
      if (text !== undefined) context.report({ node: source, messageId: 'layer', data: { text } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
});
