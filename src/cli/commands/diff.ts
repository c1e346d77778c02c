import type { Command } from 'commander';
import { resolve } from 'node:path';
import { diffRuns, renderRunDiff } from '../../core/evaluate/runDiff.ts';
import { createRandom } from '../../core/run/random.ts';
import { writeFileAtomic } from '../../node/store/atomicFile.ts';
import { RunFolder } from '../../node/store/runFolder.ts';
import { readRunSide } from '../../node/store/runSide.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { runsFolder } from '../session.ts';

interface DiffOptions extends CommonOptions {
  readonly workspace: string;
  readonly out?: string;
}

/** Two runs beside each other: run cards, training data, results. */
export function addDiff(program: Command): void {
  program
    .command('diff')
    .argument('<first>', 'the run to compare with')
    .argument('<second>', 'the run that differs from it')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('-o, --out <file>', 'write Markdown there instead of printing it')
    .option('--json', 'print JSON')
    .action((first: string, second: string, options: DiffOptions) =>
      act(options, () => {
        const runs = runsFolder(resolve(options.workspace));
        const [one, other] = [first, second].map((id) => readRunSide(new RunFolder(runs, id)));
        if (one === undefined || other === undefined) return Promise.resolve(undefined);
        const random = createRandom(1).fork('diff');
        const diff = diffRuns(one, other, (purpose) => random.fork(purpose));
        if (options.out !== undefined) writeFileAtomic(resolve(options.out), renderRunDiff(diff));
        if (options.json === true) printJson(diff);
        else process.stdout.write(options.out === undefined ? renderRunDiff(diff) : `${resolve(options.out)}\n`);
        return Promise.resolve(undefined);
      }),
    );
}
