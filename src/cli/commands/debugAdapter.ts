import type { Command } from 'commander';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { PlanDebugSession } from '../../dap/session.ts';
import { openTargets } from '../../node/debug/openTargets.ts';
import { describeStandardTools } from '../../node/debug/describeTools.ts';
import { sha256 } from '../../node/debug/runTargets.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { openLiveRun } from '../debug/liveRun.ts';

export function addDebugAdapter(program: Command): void {
  program
    .command('debug-adapter')
    .option('--fork-scheme <scheme>', 'scheme of the URIs under which the editor shows forks')
    .addHelpText(
      'after',
      `
A launch request names a run and a trajectory of it, or a file of published trajectories:
  {"workspace": DIR, "run": RUN, "trajectory": "evaluation/autoact/QUESTION/0", "mode": "replay"}
  {"file": "hotpotqa.jsonl", "line": 3}
"mode" is replay (nobody is asked), cached (answers of the whole run) or live (its models and tools are asked).`,
    )
    .action(async ({ forkScheme }: { readonly forkScheme?: string }) => {
      const session = new PlanDebugSession({
        open: (launch, signal) =>
          openTargets(
            launch,
            {
              promptsFolder: join(packageRoot(), 'prompts'),
              describe: describeStandardTools,
              ...(forkScheme === undefined ? {} : { forkScheme }),
              // Standard output is the protocol's; what an engine tells goes to standard error.
              live: (inner) => openLiveRun((message) => void process.stderr.write(`${message}\n`), inner),
            },
            signal,
          ),
        hash: sha256,
        now: () => Date.now(),
        breathe: () => setImmediate(),
      });
      const closed = new Promise<void>((resolve) => {
        process.stdin.once('end', resolve).once('close', resolve);
        process.once('SIGTERM', resolve).once('SIGINT', resolve);
      });
      session.setRunAsServer(true);
      session.start(process.stdin, process.stdout);
      await closed;
      await session.dispose();
      process.exit(0);
    });
}
