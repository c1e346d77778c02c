import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { ensurePython } from '../src/node/box/pythonEnvironment.ts';

/**
 * Training over prefix trees against one example a row, the same optimizer steps in one process (bench/trainer.py).
 * Limits: the same loss, at most 40 % of the tokens and at most 45 % of the processor time.
 */
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '6' },
    trajectories: { type: 'string', default: '200' },
    'batch-size': { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    // The published recipe's form against ours at full size, on a GPU; with --toy at toy size, wherever.
    recipe: { type: 'boolean', default: false },
    toy: { type: 'boolean', default: false },
  },
});
const limits = { tokens: 0.4, cpu: 0.45, loss: 1e-5 };

const Mode = z.object({
  wall: z.number(),
  cpu: z.number(),
  tokens: z.number(),
  epochWall: z.number(),
  epochCpu: z.number(),
});
const Result = z.object({
  threads: z.number(),
  importSeconds: z.number(),
  lossDifference: z.number(),
  modes: z.object({ tree: Mode, single: Mode }),
});

const python = await ensurePython();
if (values.recipe) {
  // Prints its figures and keeps them in bench/results/.
  execFileSync(python, [join(import.meta.dirname, 'recipe.py'), ...(values.toy ? ['--toy'] : [])], {
    stdio: 'inherit',
  });
  process.exit();
}
const output = execFileSync(
  python,
  [join(import.meta.dirname, 'trainer.py'), values.steps, values.trajectories, values['batch-size']],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
);
const result = Result.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
const { tree, single } = result.modes;
const shares = { tokens: tree.tokens / single.tokens, cpu: tree.cpu / single.cpu, loss: result.lossDifference };
const ok = shares.tokens <= limits.tokens && shares.cpu <= limits.cpu && shares.loss <= limits.loss;

if (values.json) console.log(JSON.stringify({ ...result, shares, limits, ok }));
else {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const row = (name: string, mode: typeof tree): string =>
    `${name.padEnd(20)} ${String(mode.tokens).padStart(7)} tokens ${mode.wall.toFixed(1).padStart(7)} s ${mode.cpu.toFixed(1).padStart(7)} s of processor   an epoch of three adapters: ${mode.epochWall.toFixed(0)} s, ${mode.epochCpu.toFixed(0)} s of processor`;
  console.log(
    `${values.trajectories} trajectories, ${values['batch-size']} examples a step, ${result.threads} threads; PyTorch, transformers and peft load in ${result.importSeconds.toFixed(1)} s`,
  );
  console.log(row('prefix tree', tree));
  console.log(row('one example a row', single));
  console.log(
    `tree / single: ${percent(shares.tokens)} of the tokens (limit ${percent(limits.tokens)}), ${percent(shares.cpu)} of the processor time (limit ${percent(limits.cpu)}), losses differ by ${shares.loss.toExponential(1)} (limit ${limits.loss})`,
  );
  console.log(ok ? 'within the limits' : 'OUTSIDE THE LIMITS');
}
process.exitCode = ok ? 0 : 1;
