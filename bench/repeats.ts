/**
 * The claim of the README, repeated: the whole loop with three seeds, and the first group on three worlds that nothing
 * has seen. Runs lie in .cache/repeats, so an interrupted repetition goes on; figures go to bench/results/repeats.*.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { renderRepeats, summariseRepeats } from '../src/core/evaluate/repeats.ts';
import type { Report } from '../src/core/evaluate/report.ts';
import { RunFolder } from '../src/node/store/runFolder.ts';

const seeds = [1, 2, 3];
const worlds = [22, 23, 24];
const margin = 0.2;

const root = join(import.meta.dirname, '..');
const task = join(root, 'starter', 'starter.task.json');
/** Of this card and these weights: runs of earlier ones are not taken for theirs. */
const version = createHash('sha256')
  .update(readFileSync(task))
  .update(readFileSync(join(root, 'starter', 'weights', 'starter.gguf')))
  .digest('hex')
  .slice(0, 12);
const workspace = join(root, '.cache', 'repeats', version);
const runs = join(workspace, '.autoact', 'runs');

interface Done {
  readonly label: string;
  readonly run: string;
  readonly minutes: number;
  readonly report: Report;
}

function find(test: (record: ReturnType<RunFolder['record']>) => boolean): RunFolder | undefined {
  if (!existsSync(runs)) return undefined;
  return readdirSync(runs)
    .map((id) => new RunFolder(runs, id))
    .find((folder) => existsSync(folder.file('run.json')) && test(folder.record()));
}

const isFinished = (folder: RunFolder): boolean => existsSync(folder.file('report.json'));

/** Runs the command line as a user would; what it says goes to the terminal. */
async function command(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), ...args, '--workspace', workspace], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`autoact ${args.join(' ')} ended with ${String(code)}`);
}

async function once(label: string, of: () => RunFolder | undefined, args: readonly string[]): Promise<Done> {
  console.log(`\n── ${label}`);
  const before = of();
  const began = performance.now();
  if (before === undefined) await command(args);
  else if (!isFinished(before))
    await command([args[0] ?? '', ...(args[0] === 'eval' ? args.slice(1, 3) : []), '--resume', before.id]);
  const folder = of();
  if (folder === undefined) throw new Error(`${label}: the run was not found in ${runs}`);
  const timing = folder.file('minutes');
  if (before === undefined) writeFileSync(timing, ((performance.now() - began) / 60_000).toFixed(2));
  return {
    label,
    run: folder.id,
    minutes: existsSync(timing) ? Number(readFileSync(timing, 'utf8')) : Number.NaN,
    report: JSON.parse(readFileSync(folder.file('report.json'), 'utf8')) as Report,
  };
}

mkdirSync(workspace, { recursive: true });
const repeats: Done[] = [];
for (const seed of seeds) {
  const of = (): RunFolder | undefined =>
    find((record) => record.parent === undefined && (record.settings as { seed?: number }).seed === seed);
  repeats.push(await once(`seed ${seed}`, of, ['run', '--task', task, '--seed', String(seed)]));
}
const trained = repeats[0]?.run ?? '';
for (const world of worlds) {
  const of = (): RunFolder | undefined =>
    find((record) => record.parent === trained && record.id.includes(`-eval-world-${world}-`));
  repeats.push(await once(`world ${world}`, of, ['eval', '--run', trained, '--world', String(world)]));
}

const summary = summariseRepeats(repeats, 'autoact', margin);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
const text = [
  '# The loop on the starter task, repeated',
  '',
  `${new Date().toISOString().slice(0, 10)}, ${machine}. Made by \`npm run repeats\`: the system is AutoAct, the reference the base model in all three roles (zero-shot); the same 300 questions for both, greedy decoding, F1 with the gold answer; 95 % intervals by bootstrap over questions. Seeds repeat the whole loop on the world of the task card; worlds are fresh encyclopedias with questions of their own, answered by the group that seed 1 trained.`,
  '',
  renderRepeats(summary),
  '| Repetition | Minutes |',
  '|---|---:|',
  ...repeats.map(({ label, minutes }) => `| ${label} | ${minutes.toFixed(1)} |`),
  '',
].join('\n');
console.log(`\n${text}`);
const results = join(root, 'bench', 'results');
mkdirSync(results, { recursive: true });
writeFileSync(join(results, 'repeats.md'), text);
writeFileSync(
  join(results, 'repeats.json'),
  `${JSON.stringify({ machine, ...summary, runs: repeats.map(({ label, run, minutes }) => ({ label, run, minutes })) }, null, 2)}\n`,
);
process.exitCode = summary.holding === repeats.length ? 0 : 1;
