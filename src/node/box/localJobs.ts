import { existsSync, readdirSync, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { JobId, localBox } from '../../core/box/boxStatus.ts';
import { JobError } from './boxErrors.ts';
import type { Job } from './jobFolder.ts';
import type { JobsOfBox } from './jobList.ts';
import { statusOf } from './jobList.ts';
import { localFiles } from './localFiles.ts';
import { localJob } from './localJob.ts';
import { ensurePython, findPython } from './pythonEnvironment.ts';

export interface LocalJobsOptions {
  /** Folders with a folder for each run: one of each workspace. */
  readonly runs: readonly string[];
  /** The folder box/ of this product. */
  readonly boxFolder: string;
}

/** Folders of the jobs that runs of this machine have started. */
export function localJobFolders(runs: readonly string[]): readonly string[] {
  return runs
    .flatMap(entries)
    .flatMap((run) => entries(join(run, 'jobs')))
    .filter((job) => existsSync(join(job, 'spec.json')));
}

/** The jobs of this machine: those of the runs in the workspaces. */
export function jobsHere({ runs, boxFolder }: LocalJobsOptions): JobsOfBox {
  let interpreter: Promise<string> | undefined;
  // What lists and stops needs no more than Python itself.
  const python = (): Promise<string> => (interpreter ??= findPython().then((found) => found ?? 'python3'));
  const folderOf = (id: string): string => {
    const found = JobId.safeParse(id).success ? localJobFolders(runs).filter((folder) => basename(folder) === id) : [];
    // Two runs with the same data and settings have jobs of the same name: one that runs, else the newest.
    const [folder] = found.toSorted((a, b) => made(b) - made(a)).toSorted((a, b) => ended(a) - ended(b));
    if (folder !== undefined) return folder;
    throw new JobError(
      'no-job',
      `This machine has no job "${id}" (looked for in the runs of ${runs.join(', ')}). See which it has with: autoact jobs list --box local --workspace FOLDER`,
    );
  };
  const job = async (id: string): Promise<Job> =>
    localJob({ python: await python(), boxFolder, jobFolder: folderOf(id) });
  return {
    status: async (signal) => {
      const remedy = 'Python 3.10 or later has to be there; name one in AUTOACT_PYTHON.';
      return statusOf(
        localFiles,
        [await python(), join(boxFolder, 'jobs.py'), '--runs', ...runs],
        'this machine',
        remedy,
        signal,
      );
    },
    job,
    trainable: async (id, tell, signal) => {
      const found = await job(id);
      return {
        ...found,
        python: await ensurePython({ onProgress: tell, ...(signal === undefined ? {} : { signal }) }),
      };
    },
    fetch: async (id, to) => {
      const out = join(folderOf(id), 'out');
      if (!existsSync(join(out, 'manifest.json')))
        throw new JobError('bad-output', `The job ${localBox}/${id} has made no adapters yet. Look at its log.`);
      await cp(out, to, { recursive: true });
      return entries(out).flatMap((path) => (isAdapter(path) ? [basename(path)] : []));
    },
  };
}

const isAdapter = (folder: string): boolean => existsSync(join(folder, 'adapter_config.json'));
const made = (job: string): number => statSync(join(job, 'spec.json')).mtimeMs;
const ended = (job: string): number => Number(existsSync(join(job, 'exit')));

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
