import { join, resolve } from 'node:path';
import { localBox } from '../core/box/boxStatus.ts';
import { findBox, listBoxes } from '../node/box/boxes.ts';
import type { JobsOfBox } from '../node/box/jobList.ts';
import { jobsOfBox } from '../node/box/jobList.ts';
import { jobsHere, localJobFolders } from '../node/box/localJobs.ts';
import { packageRoot } from '../node/packageRoot.ts';
import { openBoxHere } from './openBoxHere.ts';
import { runsFolder } from './session.ts';

/** A box, this machine among them, whose jobs can be asked after. Nothing is connected before `jobs` is called. */
export interface JobsPlace {
  readonly name: string;
  readonly host: string;
  readonly hasQueue: boolean;
  jobs(signal: AbortSignal): Promise<JobsOfBox>;
  close(): Promise<void>;
}

/** @throws BoxError 'unknown-box' */
export async function openJobs(name: string, workspaces: readonly string[]): Promise<JobsPlace> {
  const boxFolder = join(packageRoot(), 'box');
  if (name === localBox) {
    const runs = runsOf(workspaces);
    const of = jobsHere({ runs, boxFolder });
    const [jobs, close] = [() => Promise.resolve(of), () => Promise.resolve()];
    return { name, host: 'this machine', hasQueue: false, jobs, close };
  }
  const box = findBox(name);
  const opened = await openBoxHere(box);
  return {
    name,
    host: box.host,
    hasQueue: box.slurm !== undefined,
    jobs: (signal) => jobsOfBox(box, opened, { boxFolder, signal }),
    close: () => opened.close(),
  };
}

const runsOf = (workspaces: readonly string[]): readonly string[] =>
  workspaces.map((workspace) => runsFolder(resolve(workspace)));

/** Names of the boxes; this machine is one where a run of the workspaces has trained on it. */
export function namesOfBoxes(workspaces: readonly string[]): readonly string[] {
  const here = localJobFolders(runsOf(workspaces)).length > 0 ? [localBox] : [];
  return [...here, ...listBoxes().map(({ name }) => name)];
}
