import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { partlyDone } from '../../core/run/partlyDone.ts';
import { RunStatus, stageTitles } from '../../core/run/status.ts';
import { isAlive, listRuns, RunFolder } from '../../node/store/runFolder.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { runsFolder } from '../session.ts';

export function addRuns(program: Command): void {
  program
    .command('runs')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--json', 'print JSON')
    .action((options: CommonOptions & { workspace: string }) =>
      act(options, () => {
        const folder = runsFolder(resolve(options.workspace));
        const rows = listRuns(folder).map((id) => describe(new RunFolder(folder, id)));
        if (options.json === true) printJson(rows);
        else if (rows.length === 0) process.stdout.write('No run here. Start one with: autoact run --task FILE\n');
        else
          for (const row of rows)
            process.stdout.write(`${row.run}  ${row.state.padEnd(11)}  ${row.stage.padEnd(29)}  ${row.task}\n`);
        return Promise.resolve(undefined);
      }),
    );
}

function describe(folder: RunFolder): { run: string; state: string; stage: string; task: string } {
  const status = RunStatus.safeParse(readJson(folder.file('status.json')));
  if (!status.success) return { run: folder.id, state: 'unreadable', stage: '', task: '' };
  const { state, pid, stages, task } = status.data;
  const at = stages.find((s) => s.state !== 'done' && s.state !== 'skipped');
  const dead = state === 'running' && (pid === undefined || !isAlive(pid));
  const waits = partlyDone(status.data) !== undefined;
  return {
    run: folder.id,
    state: dead ? 'interrupted' : waits ? 'partly done' : state,
    stage: at === undefined ? '' : `${stageTitles[at.id]}${waits ? ' waiting' : ''}`,
    task,
  };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
