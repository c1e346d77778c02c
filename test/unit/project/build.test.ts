import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import type { Metafile } from 'esbuild';
import { budgets, overBudget } from '../../../scripts/budgets.mjs';
import { inRoot, root } from '../../../scripts/lib/project.mjs';
import { checkPackedFiles, packedFiles } from '../../../scripts/packedFiles.mjs';
import { commandFiles } from '../../../src/cli/commandFiles.ts';

const output = (bytes: number) => ({
  bytes,
  inputs: { 'src/heavy.ts': { bytesInOutput: bytes } },
  imports: [],
  exports: [],
});
const metafile = (outputs: Record<string, number>): Metafile => ({
  inputs: {},
  outputs: Object.fromEntries(Object.entries(outputs).map(([path, bytes]) => [path, output(bytes)])),
});

test('the limits are the ones that users were promised', () => {
  assert.equal(budgets['dist/extension.js'], 120_000);
  assert.equal(budgets['dist/webview/*.js'], 400_000);
});

test('a bundle at its limit passes, one byte more is reported with what weighs most', () => {
  assert.deepEqual(overBudget(metafile({ 'dist/extension.js': 120_000, 'dist/webview/dashboard.js': 400_000 })), []);
  const lines = overBudget(
    metafile({ 'dist/extension.js': 120_001, 'dist/webview/dashboard.js': 400_001, 'dist/cli.js': 9e6 }),
  );
  assert.equal(lines.length, 2);
  assert.match(lines[0]!, /^dist\/extension\.js is 120001 bytes, limit 120000; heaviest: src\/heavy\.ts 120001$/);
});

test('nothing is packed that does not belong, whatever lies in the working tree', () => {
  const files = packedFiles(root);
  assert.deepEqual(
    checkPackedFiles(files).filter((line) => line.endsWith('does not belong in the package')),
    [],
  );
  for (const needed of ['package.json', 'LICENSE', 'prompts/agent.md']) assert.ok(files.includes(needed), needed);
});

test('.vscodeignore leaves out everything that it does not name', () => {
  const lines = readFileSync(inRoot('.vscodeignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(lines[0], '**');
  assert.ok(lines.slice(1).every((line) => line.startsWith('!')));
});

test('the check of the packed files sees strangers and gaps', () => {
  const lines = checkPackedFiles(['dist/extension.js', 'dist/extension.js.map', 'src/extension.ts', 'box/train.py']);
  assert.ok(lines.includes('dist/extension.js.map does not belong in the package'));
  assert.ok(lines.includes('src/extension.ts does not belong in the package'));
  assert.ok(lines.includes('dist/cli.js is missing'));
  assert.ok(!lines.some((line) => line.startsWith('box/')));
});

test('every host test file is imported by the suite that VS Code runs', () => {
  const index = readFileSync(inRoot('test', 'host', 'index.ts'), 'utf8');
  const files = globSync('*.test.ts', { cwd: inRoot('test', 'host') });
  assert.ok(files.length > 0);
  for (const name of files)
    assert.ok(index.includes(`import './${name}';`), `${name} is not imported by test/host/index.ts`);
});

const pieces = inRoot('dist', 'cli');
const unbuilt = existsSync(pieces) ? false : 'dist/ is not built';

test('every piece of the command line loads by itself, and help loads little', { skip: unbuilt }, () => {
  const files = globSync('*.mjs', { cwd: pieces }).filter((name) => name !== 'main.mjs');
  assert.ok(files.length > 10);
  const script = `for (const file of ${JSON.stringify(files)}) await import(${JSON.stringify(`${pathToFileURL(pieces).href}/`)} + file);`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' });
  const help = execFileSync(process.execPath, [inRoot('dist', 'cli.js'), '--help'], { encoding: 'utf8' });
  for (const { commands } of commandFiles)
    for (const name of Object.keys(commands)) assert.match(help, new RegExp(`^ {2}${name}\\b`, 'm'));
});

test('what the help says a command is for belongs to a command that there is', async () => {
  for (const { commands, load } of commandFiles) {
    const program = new Command();
    (await load())(program);
    assert.deepEqual(program.commands.map((command) => command.name()).sort(), Object.keys(commands).sort());
  }
});
