import { BoxStatus, JobId } from '../../core/box/boxStatus.ts';
import { JobError } from './boxErrors.ts';
import { ensureBoxPython } from './boxEnvironment.ts';
import type { Box } from './boxes.ts';
import type { BoxFiles, RemoteFiles } from './boxFiles.ts';
import type { Job } from './jobFolder.ts';
import { printable } from './jobFolder.ts';
import type { RemoteBox } from './remoteJob.ts';
import { downloadAdapters, rootOf, sshJob } from './remoteJob.ts';
import type { OpenBox } from './openBox.ts';
import { persistently } from './persist.ts';
import { mustHavePython, preflight } from './preflight.ts';
import { slurmLauncher } from './slurm/slurmLauncher.ts';

/** A box whose programs are in place, and its jobs. */
export interface JobsOfBox {
  status(signal?: AbortSignal): Promise<BoxStatus>;
  /** @throws JobError 'no-job' */
  job(id: string, signal?: AbortSignal): Promise<Job>;
  /** The job with an interpreter that can train, which is made where there is none. @throws as `ensureBoxPython` */
  trainable(id: string, tell: (message: string) => void, signal?: AbortSignal): Promise<Job>;
  /** Copies what a finished job has made to a folder of this machine, and returns the names of its adapters. */
  fetch(id: string, to: string, signal?: AbortSignal): Promise<readonly string[]>;
}

/** Puts the programs that look after jobs on the box, if they are not there yet. @throws JobError, SshError */
export async function jobsOfBox(
  box: Box,
  opened: OpenBox,
  options: { readonly boxFolder: string; readonly signal?: AbortSignal },
): Promise<JobsOfBox> {
  const { files } = opened;
  const remote: RemoteBox = { files, python: box.python ?? 'python3', folder: box.folder };
  // Whoever looks wants to hear soon that a box does not answer.
  const soon = { ...options, attempts: 2 };
  const { box: code } = await sshJob(remote, { ...soon, id: 'list' });
  const root = await rootOf(remote, soon);
  const jobOf = async (id: string, signal?: AbortSignal): Promise<Job & { readonly files: RemoteFiles }> => {
    const folder = await folderOfJob(files, root, box.name, id, signal);
    const job = { files, python: remote.python, box: code, folder };
    // A box with a queue also runs what never went through it, such as a job from before the queue was named.
    if (box.slurm === undefined || (await files.stat(files.join(folder, 'slurm'), signal)) === undefined) return job;
    return { ...job, launcher: slurmLauncher({ host: files.host, settings: box.slurm }) };
  };
  return {
    status: (signal) => {
      const remedy = 'Python 3.10 or later has to run there; name it with: autoact box add --python';
      return statusOf(files, [remote.python, files.join(code, 'jobs.py'), root], files.host, remedy, signal);
    },
    job: jobOf,
    trainable: async (id, tell, signal) => {
      const job = await jobOf(id, signal);
      const persist = signal === undefined ? {} : { signal };
      const found = await persistently(persist, () => preflight(files, box, { ...options, ...persist }));
      const python =
        box.python === undefined
          ? await ensureBoxPython(remote, found, { ...options, ...persist, name: box.name, tell })
          : mustHavePython(box.name, found);
      return { ...job, python };
    },
    fetch: async (id, to, signal) =>
      downloadAdapters(await jobOf(id, signal), to, signal === undefined ? {} : { signal }),
  };
}

/** The folder of a job that is there. @throws JobError 'no-job' */
export async function folderOfJob(
  files: RemoteFiles,
  root: string,
  box: string,
  id: string,
  signal?: AbortSignal,
): Promise<string> {
  const jobs = files.join(root, 'jobs');
  const folder = files.join(jobs, id);
  const there =
    JobId.safeParse(id).success && (await files.stat(files.join(folder, 'spec.json'), signal)) !== undefined;
  if (there) return folder;
  throw new JobError(
    'no-job',
    `Box "${box}" has no job "${id}" (looked for in ${jobs}). See which it has with: autoact jobs list --box ${box}`,
  );
}

/** What jobs.py prints. @throws JobError 'bad-output' */
export async function statusOf(
  files: BoxFiles,
  command: readonly string[],
  name: string,
  remedy: string,
  signal?: AbortSignal,
): Promise<BoxStatus> {
  const done = await files.exec(command, { timeoutMs: 120_000, ...(signal === undefined ? {} : { signal }) });
  const parsed = BoxStatus.safeParse(parseJson(done.stdout));
  if (parsed.success) return parsed.data;
  const said = printable((done.stderr || done.stdout).trim().slice(-300), 300);
  throw new JobError(
    'bad-output',
    `${name}: the list of its jobs cannot be read (exit code ${done.code ?? 'none'}): ${said}. ${remedy}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
