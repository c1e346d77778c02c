import { BoxStatus, JobId } from '../../core/box/boxStatus.ts';
import { JobError } from './boxErrors.ts';
import type { Box } from './boxes.ts';
import type { Job } from './jobFolder.ts';
import { printable } from './jobFolder.ts';
import type { RemoteBox } from './remoteJob.ts';
import { rootOf, sshJob } from './remoteJob.ts';
import type { OpenBox } from './openBox.ts';
import { persistently } from './persist.ts';
import { slurmLauncher } from './slurm/slurmLauncher.ts';

/** A box whose programs are in place, and its jobs. */
export interface JobsOfBox {
  status(signal?: AbortSignal): Promise<BoxStatus>;
  /** @throws JobError 'cannot-start' when there is no such job */
  job(id: string, signal?: AbortSignal): Promise<Job & { readonly files: OpenBox['files'] }>;
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
  const { box: code } = await persistently(soon, () => sshJob(remote, { ...soon, id: 'list' }));
  const root = await rootOf(remote, options.signal);
  return {
    status: async (signal) => {
      const done = await files.exec([remote.python, files.join(code, 'jobs.py'), root], {
        timeoutMs: 120_000,
        ...(signal === undefined ? {} : { signal }),
      });
      const parsed = BoxStatus.safeParse(parseJson(done.stdout));
      if (!parsed.success)
        throw new JobError(
          'bad-output',
          `${files.host}: the list of its jobs cannot be read (exit code ${done.code ?? 'none'}): ${printable((done.stderr || done.stdout).trim().slice(-300), 300)}. Python 3.10 or later has to run there; name it with: autoact box add --python`,
        );
      return parsed.data;
    },
    job: async (id, signal) => {
      const folder = files.join(root, 'jobs', id);
      const there =
        JobId.safeParse(id).success && (await files.stat(files.join(folder, 'spec.json'), signal)) !== undefined;
      if (!there)
        throw new JobError(
          'no-job',
          `Box "${box.name}" has no job "${id}". See which it has with: autoact jobs list --box ${box.name}`,
        );
      const job = { files, python: remote.python, box: code, folder };
      // A box with a queue also runs what never went through it, such as a job from before the queue was named.
      if (box.slurm === undefined || (await files.stat(files.join(folder, 'slurm'), signal)) === undefined) return job;
      return { ...job, launcher: slurmLauncher({ host: files.host, settings: box.slurm }) };
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
