#!/usr/bin/env node
// `npm test`: sets up, then runs the suites and closes with their counts. `npm test -- unit host` runs two.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sideBySide } from './lib/lanes.mjs';
import { cacheDir, childEnv, inRoot, node24, runInto, say, script, SetupError } from './lib/project.mjs';
import { setup } from './setup.mjs';

const results = inRoot('test-results');
const processors = availableParallelism();
// Some hundred programs start from the sources, most of them with the same modules: each is stripped of its types and
// compiled once.
process.env.NODE_COMPILE_CACHE ??= join(cacheDir, 'compiled');
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

const node = (print, args, options) =>
  runInto(print, node24, ['--disable-warning=ExperimentalWarning', ...args], options);

/** `atOnce`: how many files run at a time. Node's own choice is one less than there are processors. */
async function nodeTests(print, folder, atOnce = 1) {
  const files = testFiles(folder, '.test.ts');
  if (files.length === 0) return none;
  const counts = join(results, `${folder.replaceAll(/[\\/]/g, '-')}.json`);
  rmSync(counts, { force: true });
  const code = await node(
    print,
    [
      '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
      '--test',
      `--test-reporter=${inRoot('scripts', 'testReporter.mjs')}`,
      `--test-concurrency=${atOnce}`,
      ...files,
    ],
    { env: childEnv({ extra: { AUTOACT_COUNTS: counts } }) },
  );
  return readCounts(counts, code);
}

/** Of one run of this script, so that no suite has the build changed under it by the next. */
const builds = new Map();
function built(print, ...args) {
  const key = args.join(' ');
  if (!builds.has(key)) builds.set(key, node(print, ['esbuild.mjs', ...args]));
  return builds.get(key);
}

const eslint = ['node_modules/eslint/bin/eslint.js', '--cache', '--cache-location', '.cache/eslint'];
const prettier = ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn'];

/** ESLint takes as long as the others together. */
async function checks(print) {
  const check = async (name, work) => {
    const started = Date.now();
    const said = [];
    const code = await work((text) => said.push(text));
    print(`${said.join('')}  ${code === 0 ? '✔' : '✖'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
    return one(code);
  };
  const others = async () => [
    await check('typecheck', (into) => node(into, ['scripts/typecheck.mjs'])),
    await check('prettier', (into) => node(into, [...prettier, '--cache', '--cache-location', '.cache/prettier', '.'])),
    await check('build, layers and budgets', (into) => built(into)),
  ];
  const [first, rest] = await Promise.all([
    check('eslint', (into) => node(into, [...eslint, '--cache-strategy', 'content', '.'])),
    others(),
  ]);
  return rest.reduce(add, first);
}

async function pythonTests(print, { python }) {
  if (testFiles('test/python', '.py').length === 0) return none;
  const report = join(results, 'python.xml');
  rmSync(report, { force: true });
  const env = childEnv({ extra: { PYTHONDONTWRITEBYTECODE: '1' } });
  const code = await runInto(
    print,
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

async function hostTests(print) {
  if (!existsSync(inRoot('test', 'host', 'index.ts'))) return none;
  const code = (await built(print, '--tests')) || (await built(print));
  if (code !== 0) return one(code);
  const counts = join(results, 'host.json');
  rmSync(counts, { force: true });
  const runner = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', 'test/harness/runHostSuite.ts', counts];
  return readCounts(counts, await node(print, runner));
}

/** For suites that run what the build makes. */
async function builtTests(print, folder) {
  const code = await built(print);
  return code === 0 ? nodeTests(print, folder) : one(code);
}

/**
 * needs: what setup must provide. Without it the suite counts as skipped, in CI as failed unless it is optional.
 * slots: of two. A suite that computes on every processor, or measures time, takes both; the others wait a lot and run
 * beside one another, the longest first.
 */
const suites = [
  { name: 'checks', title: 'typecheck, lint, layers', slots: 2, run: checks },
  { name: 'unit', slots: 2, run: (print) => nodeTests(print, 'test/unit', processors) },
  { name: 'golden', slots: 2, run: (print) => nodeTests(print, 'test/golden', processors) },
  { name: 'engine', slots: 2, run: (print) => builtTests(print, 'test/engine') },
  { name: 'host', slots: 2, title: 'host (inside VS Code)', needs: 'vscode', run: hostTests },
  {
    name: 'e2e',
    slots: 1,
    title: 'end to end (VS Code driven by its window)',
    needs: 'vscode',
    run: (print) => builtTests(print, 'test/e2e'),
  },
  { name: 'ssh', slots: 1, needs: 'sshd', run: (print) => nodeTests(print, 'test/ssh') },
  { name: 'slurm', slots: 1, needs: 'slurm', optional: true, run: (print) => nodeTests(print, 'test/slurm') },
  { name: 'python', slots: 1, needs: 'python', run: pythonTests },
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

  const runSuite = async (suite, print) => {
    const begun = Date.now();
    let counts;
    if (!unavailable.has(suite.needs)) counts = await suite.run(print, { python });
    else {
      const failed = process.env.CI && suite.optional !== true;
      counts = failed ? { ...none, failed: 1 } : { ...none, skipped: 1 };
      say(`suite ${suite.name} ${failed ? 'failed' : 'skipped'}: see what is missing above`);
    }
    return { ...counts, seconds: (Date.now() - begun) / 1000 };
  };
  const jobs = chosen.map((suite) => ({
    title: suite.title ?? suite.name,
    slots: suite.slots,
    run: (print) => runSuite(suite, print),
  }));
  const ended = await sideBySide(jobs, Math.min(2, processors));
  const total = ended.reduce(add, none);
  const lines = ended.map(
    ({ passed, failed, skipped, seconds }, at) =>
      `  ${chosen[at].name.padEnd(8)} ${passed} passed, ${failed} failed, ${skipped} skipped  (${seconds.toFixed(1)} s)`,
  );
  console.log(`\n${lines.join('\n')}\n`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
});
