import { JobError } from './boxErrors.ts';
import { readSmall } from './boxFiles.ts';
import type { Job, Spec } from './jobFolder.ts';
import { processLauncher } from './launcher.ts';

const specLimit = 1 << 20;

/**
 * Puts a job into its folder and starts it. Starting the same job again, from here or from another client, attaches to
 * it while it runs and when it has succeeded; one that failed, was cancelled or vanished goes on from its last
 * checkpoint. `data` maps the file names that the spec mentions to their content.
 * @throws JobError 'other-job' when the folder already holds a job with another spec.
 */
export async function startJob(
  job: Job,
  spec: Spec,
  data: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  await placeJob(job, spec, data, signal);
  await resumeJob(job, signal);
}

/** Puts a job's files into its folder. Nothing is started. @throws JobError 'other-job' */
export async function placeJob(
  job: Job,
  spec: Spec,
  data: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const { files, folder } = job;
  const path = files.join(folder, 'spec.json');
  const content = `${JSON.stringify(spec, null, 2)}\n`;
  const found = await readSmall(files, path, specLimit, signal);
  if (found === undefined) {
    await files.makeFolder(files.join(folder, 'data'), signal);
    for (const [name, text] of Object.entries(data))
      await files.write(files.join(folder, ...name.split('/')), text, signal);
    // Last: a folder with a spec is complete, whatever happened to an earlier attempt to fill it.
    await files.write(path, content, signal);
  } else if (found !== content) {
    throw new JobError(
      'other-job',
      `${folder} holds another job. Choose another folder, or remove it if that job is no longer needed.`,
    );
  }
}

/** As `startJob`, for a job whose files are in place. */
export function resumeJob(job: Job, signal?: AbortSignal): Promise<void> {
  return (job.launcher ?? processLauncher).start(job, commandOf(job), signal);
}

/**
 * Asks the job to stop: it writes a checkpoint, and after 20 s whatever is left of it is killed. Returns at once; a
 * follower sees it end. A job that has not begun will not begin.
 */
export function cancelJob(job: Job, signal?: AbortSignal): Promise<void> {
  return (job.launcher ?? processLauncher).cancel(job, signal);
}

function commandOf(job: Job): string[] {
  return [job.python, '-u', job.files.join(job.box, job.program ?? 'train.py'), job.folder];
}
