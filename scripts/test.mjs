#!/usr/bin/env node
// `npm test`: sets up, then runs the suites in order and closes with their counts. `npm test -- unit host` runs two.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, childEnv, inRoot, node24, run, runNode, say, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

const results = inRoot('test-results');
const one = (code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
const add = (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped });
const none = { passed: 0, failed: 0, skipped: 0 };

const testFiles = (folder, suffix) =>
  existsSync(inRoot(folder))
    ? readdirSync(inRoot(folder), { recursive: true })
        .map(String)
        .filter((name) => name.endsWith(suffix))
        .map((name) => join(folder, name))
        .sort()
    : [];

/** Counts that a child wrote; a child that died before writing them is one failure, never nothing. */
function readCounts(path, code) {
  if (!existsSync(path)) return { ...none, failed: 1 };
  const counts = JSON.parse(readFileSync(path, 'utf8'));
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

async function nodeTests(folder, { serial = false, env = {} } = {}) {
  const files = testFiles(folder, '.test.ts');
  if (files.length === 0) return none;
  const counts = join(results, `${folder.replaceAll(/[\\/]/g, '-')}.json`);
  rmSync(counts, { force: true });
  const code = await run(
    node24,
    [
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
      '--test',
      `--test-reporter=${inRoot('scripts', 'testReporter.mjs')}`,
      ...(serial ? ['--test-concurrency=1'] : []),
      ...files,
    ],
    { env: childEnv({ extra: { AUTOACT_COUNTS: counts, ...env } }) },
  );
  return readCounts(counts, code);
}

async function checks() {
  let total = none;
  for (const [name, args] of [
    ['typecheck', ['scripts/typecheck.mjs']],
    [
      'eslint',
      [
        'node_modules/eslint/bin/eslint.js',
        '--cache',
        '--cache-location',
        '.cache/eslint',
        '--cache-strategy',
        'content',
        '.',
      ],
    ],
    [
      'prettier',
      [
        'node_modules/prettier/bin/prettier.cjs',
        '--check',
        '--log-level',
        'warn',
        '--cache',
        '--cache-location',
        '.cache/prettier',
        '.',
      ],
    ],
    ['build, layers and budgets', ['esbuild.mjs']],
  ]) {
    const started = Date.now();
    const code = await runNode(args);
    console.log(`  ${code === 0 ? '✔' : '✖'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    total = add(total, one(code));
  }
  return total;
}

async function pythonTests({ python }) {
  if (testFiles('test/python', '.py').length === 0) return none;
  const report = join(results, 'python.xml');
  rmSync(report, { force: true });
  const env = childEnv({ extra: { PYTHONDONTWRITEBYTECODE: '1' } });
  const code = await run(
    python,
    ['-m', 'pytest', '-q', '-rs', '-p', 'no:cacheprovider', `--junitxml=${report}`, 'test/python'],
    { env },
  );
  if (!existsSync(report)) return { ...none, failed: 1 };
  const xml = readFileSync(report, 'utf8');
  const count = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  const counts = { passed: count('tests') - failed - count('skipped'), failed, skipped: count('skipped') };
  return code !== 0 && failed === 0 ? { ...counts, failed: 1 } : counts;
}

async function hostTests() {
  if (!existsSync(inRoot('test', 'host', 'index.ts'))) return none;
  const built = (await runNode(['esbuild.mjs', '--tests'])) || (await runNode(['esbuild.mjs']));
  if (built !== 0) return one(built);
  const counts = join(results, 'host.json');
  rmSync(counts, { force: true });
  return readCounts(
    counts,
    await runNode(['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', 'test/harness/runHostSuite.ts', counts]),
  );
}

/** For suites that run what the build makes. */
async function builtTests(folder) {
  const built = await runNode(['esbuild.mjs']);
  return built === 0 ? nodeTests(folder, { serial: true }) : one(built);
}

/** needs: what setup must provide. Without it the suite counts as skipped, in CI as failed unless it is optional. */
const suites = [
  { name: 'checks', title: 'typecheck, lint, layers', run: checks },
  { name: 'unit', run: () => nodeTests('test/unit') },
  { name: 'golden', run: () => nodeTests('test/golden') },
  { name: 'python', needs: 'python', run: pythonTests },
  { name: 'engine', run: () => builtTests('test/engine') },
  { name: 'ssh', needs: 'sshd', run: () => nodeTests('test/ssh', { serial: true }) },
  { name: 'slurm', needs: 'slurm', optional: true, run: () => nodeTests('test/slurm', { serial: true }) },
  { name: 'host', title: 'host (inside VS Code)', needs: 'vscode', run: hostTests },
  {
    name: 'e2e',
    title: 'end to end (VS Code driven by its window)',
    needs: 'vscode',
    run: () => builtTests('test/e2e'),
  },
];
/** Suites besides `python` whose tests train, and so need the Python environment. */
const trains = new Set(['engine', 'ssh', 'slurm', 'e2e']);

const hasTests = ({ name }) =>
  name === 'checks' ||
  existsSync(inRoot('test', name, 'index.ts')) ||
  testFiles(`test/${name}`, name === 'python' ? '.py' : '.test.ts').length > 0;

await script(async () => {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0)
    throw new SetupError(
      `No suite is called ${unknown.join(', ')}. Suites: ${suites.map(({ name }) => name).join(', ')}.`,
    );
  const chosen = suites.filter((suite) => (asked.length === 0 || asked.includes(suite.name)) && hasTests(suite));
  const needs = new Set(chosen.map((suite) => suite.needs));
  const started = Date.now();
  const { unavailable, python } = await setup({
    python: chosen.some(({ name }) => name === 'python' || trains.has(name)),
    vscode: needs.has('vscode'),
    sshd: needs.has('sshd') || needs.has('slurm'),
    slurm: needs.has('slurm'),
  });
  mkdirSync(results, { recursive: true });
  mkdirSync(cacheDir, { recursive: true });
  console.log(`set up in ${((Date.now() - started) / 1000).toFixed(1)} s`);

  let total = none;
  const lines = [];
  for (const suite of chosen) {
    console.log(`\n── ${suite.title ?? suite.name}`);
    const begun = Date.now();
    let counts;
    if (!unavailable.has(suite.needs)) counts = await suite.run({ python });
    else {
      const failed = process.env.CI && suite.optional !== true;
      counts = failed ? { ...none, failed: 1 } : { ...none, skipped: 1 };
      say(`suite ${suite.name} ${failed ? 'failed' : 'skipped'}: see what is missing above`);
    }
    total = add(total, counts);
    lines.push(
      `${suite.name.padEnd(8)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped  (${((Date.now() - begun) / 1000).toFixed(1)} s)`,
    );
  }
  console.log(`\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
});
