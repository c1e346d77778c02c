import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunStatus } from '../../src/core/run/status.ts';

export interface ReadRun {
  readonly id: string;
  readonly folder: string;
  readonly status: RunStatus;
}

/**
 * The runs of a workspace, the oldest first, with what each of them said last. The folder of a run is there a moment
 * before its status; until then it is left out.
 */
export function runsOf(workspace: string): ReadRun[] {
  const runs = join(workspace, '.autoact', 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .sort()
    .map((id) => ({ id, folder: join(runs, id), file: join(runs, id, 'status.json') }))
    .filter(({ file }) => existsSync(file))
    .map(({ id, folder, file }) => ({ id, folder, status: RunStatus.parse(JSON.parse(readFileSync(file, 'utf8'))) }));
}
