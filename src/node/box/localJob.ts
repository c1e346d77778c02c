import { startJob } from './job.ts';
import type { Job, JobSpec } from './jobFolder.ts';
import { localFiles } from './localFiles.ts';

export interface LocalJobOptions {
  /** Interpreter that has the trainer's packages. */
  readonly python: string;
  /** The folder box/ of this product. */
  readonly boxFolder: string;
  readonly jobFolder: string;
}

export function localJob(options: LocalJobOptions): Job {
  return { files: localFiles, python: options.python, box: options.boxFolder, folder: options.jobFolder };
}

/** Starts a job on this machine, or attaches to it; it goes on when this process ends. */
export function startLocalJob(
  options: LocalJobOptions & { readonly spec: JobSpec; readonly data: Readonly<Record<string, string>> },
  signal?: AbortSignal,
): Promise<void> {
  return startJob(localJob(options), options.spec, options.data, signal);
}
