import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import * as esbuild from 'esbuild';
import { Linter } from 'eslint';
import ts from 'typescript';
import tseslint from 'typescript-eslint';
import { layerPlugin, layerRule, violation } from '../../../scripts/layers.mjs';
import { inRoot } from '../../../scripts/lib/project.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'autoact-layers-'));
after(() => rmSync(scratch, { recursive: true }));

/** Writes a small source tree and bundles one file of it as the build does. */
async function build(name: string, files: Record<string, string>, entry: string): Promise<string[]> {
  const root = join(scratch, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  try {
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'node',
      external: ['vscode'],
      logLevel: 'silent',
      plugins: [layerPlugin(root)],
    });
    return [];
  } catch (error) {
    return (error as esbuild.BuildFailure).errors.map(({ text }) => text);
  }
}

test('the build fails when core imports a Node built-in, and names the rule', async () => {
  const errors = await build(
    'core-fs',
    { 'src/core/run/x.ts': "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n" },
    'src/core/run/x.ts',
  );
  assert.equal(errors.length, 1);
  assert.match(errors[0]!, /src\/core\/run\/x\.ts \(layer core\) must not import node:fs.*ARCHITECTURE\.md/);
});

test('the build fails on a violation deep in what the entry imports', async () => {
  const errors = await build(
    'deep',
    {
      'src/extension.ts': "export { a } from './node/a.ts';\n",
      'src/node/a.ts': "export { b as a } from '../core/b.ts';\n",
      'src/core/b.ts': "import * as vscode from 'vscode';\nexport const b = vscode;\n",
    },
    'src/extension.ts',
  );
  assert.deepEqual(errors.length, 1);
  assert.match(errors[0]!, /src\/core\/b\.ts \(layer core\) must not import vscode/);
});

test('the build passes when the table is kept', async () => {
  const files = {
    'src/extension.ts':
      "import * as vscode from 'vscode';\nexport { a } from './node/a.ts';\nexport const w = vscode;\n",
    'src/node/a.ts':
      "import { join } from 'node:path';\nimport { b } from '../core/b.ts';\nexport const a = join(b);\n",
    'src/core/b.ts': "import { c } from './deep/c.ts';\nexport const b = c;\n",
    'src/core/deep/c.ts': "export const c = 'c';\n",
  };
  assert.deepEqual(await build('kept', files, 'src/extension.ts'), []);
});

const cases: [importer: string, specifier: string, allowed: boolean][] = [
  ['src/core/task/card.ts', 'zod', true],
  ['src/core/task/card.ts', '../run/request.ts', true],
  ['src/core/task/card.ts', '../../node/store/logFile.ts', false],
  ['src/core/task/card.ts', 'openai', false],
  ['src/core/task/card.ts', 'fs', false],
  ['src/protocol/dashboard.ts', '../core/run/status.ts', true],
  ['src/protocol/dashboard.ts', '../node/x.ts', false],
  ['src/dap/session.ts', '../core/run/stepper.ts', true],
  ['src/dap/session.ts', 'vscode', false],
  ['src/dap/session.ts', 'node:events', false],
  ['src/contrib/ids.ts', '../core/run/request.ts', false],
  ['src/node/openai/modelServer.ts', 'openai', true],
  ['src/node/openai/modelServer.ts', 'vscode', false],
  ['src/node/openai/modelServer.ts', '../../host/services.ts', false],
  ['src/node/openai/modelServer.ts', 'preact', false],
  ['src/cli/main.ts', '../node/store/runFolder.ts', true],
  ['src/cli/main.ts', '../host/services.ts', false],
  ['src/host/services.ts', '../contrib/ids.ts', true],
  ['src/host/services.ts', '../cli/main.ts', false],
  ['src/host/services.ts', '../../webview/kit/host.ts', false],
  ['src/extension.ts', './host/services.ts', true],
  ['webview/dashboard/main.tsx', 'preact/hooks', true],
  ['webview/dashboard/main.tsx', '../kit/host.ts', true],
  ['webview/dashboard/main.tsx', '../../src/protocol/dashboard.ts', true],
  ['webview/dashboard/main.tsx', '../../src/node/x.ts', false],
  ['webview/dashboard/main.tsx', '@vscode/webview-ui-toolkit', false],
  ['webview/kit/ui/register.ts', '@vscode/webview-ui-toolkit', true],
  ['webview/dashboard/main.tsx', 'node:fs', false],
  ['test/unit/x.test.ts', 'node:fs', true],
];
for (const [importer, specifier, allowed] of cases)
  test(`${importer} ${allowed ? 'may' : 'must not'} import ${specifier}`, () => {
    const found = violation(inRoot(), inRoot(importer), specifier);
    assert.equal(found === undefined, allowed, found ?? 'no violation was found');
  });

test('the lint rule sees imports of types, which no bundle holds', () => {
  const lint = (code: string) =>
    new Linter().verify(
      code,
      [
        {
          files: ['**/*.ts'],
          languageOptions: { parser: tseslint.parser },
          plugins: { autoact: { rules: { layers: layerRule(inRoot()) } } },
          rules: { 'autoact/layers': 'error' },
        },
      ],
      { filename: inRoot('src', 'core', 'task', 'card.ts') },
    );
  assert.equal(lint("import type { Uri } from 'vscode';\nexport type A = Uri;\n").length, 1);
  assert.equal(lint("export type A = import('node:fs').Stats;\n").length, 1);
  assert.equal(lint("export const load = () => import('openai');\n").length, 1);
  assert.deepEqual(lint("import type { Request } from '../run/request.ts';\nexport type A = Request;\n"), []);
});

for (const layer of ['src/core', 'src/protocol', 'src/dap', 'webview'])
  test(`${layer} is type-checked without Node's types`, () => {
    const path = inRoot(layer, 'tsconfig.json');
    const parsed = ts.getParsedCommandLineOfConfigFile(
      path,
      {},
      { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
    );
    assert.ok(parsed);
    const probe = inRoot(layer, 'probe.ts');
    const host = ts.createCompilerHost(parsed.options);
    const library = ts.createCompilerHost(parsed.options);
    host.getSourceFile = (name, ...rest) =>
      name === probe
        ? ts.createSourceFile(name, 'process.exit();\nconst text: string = 1;\n', ts.ScriptTarget.ES2023)
        : library.getSourceFile(name, ...rest);
    const ambient = parsed.fileNames.filter((name) => name.endsWith('.d.ts'));
    const program = ts.createProgram([probe, ...ambient], parsed.options, host);
    const source = program.getSourceFile(probe);
    const codes = program.getSemanticDiagnostics(source).map(({ code }) => code);
    // 2591 and 2580: "cannot find name 'process'"; 2322 shows that the file was checked at all.
    assert.deepEqual(codes.map((code) => (code === 2591 || code === 2304 ? 2580 : code)).sort(), [2322, 2580]);
  });
