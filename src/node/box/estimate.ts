import * as z from 'zod';
import { JobError } from './boxErrors.ts';
import type { Job } from './jobFolder.ts';
import { printable } from './jobFolder.ts';

/** What `train.py --estimate` prints. It comes from another machine. */
const Estimate = z.object({
  bytes: z.number().nonnegative(),
  /** Of the GPU with the least free memory; null without a GPU, as on the login node of a cluster. */
  freeBytes: z.number().nonnegative().nullable(),
  gpus: z.number().int().nonnegative(),
  gpu: z.string().max(200).nullable(),
  /** GPUs that hold one copy of the base. */
  baseGpus: z.number().int().min(1),
  fits: z.boolean(),
  quantization: z.enum(['none', 'nf4']),
  gradientCheckpointing: z.boolean(),
  tokens: z.number().nonnegative(),
  /** null where the device's speed is not known: the dry run tells. */
  seconds: z.number().nonnegative().nullable(),
});
export type Estimate = z.infer<typeof Estimate>;

/** Exit codes of box/trainer/failures.py for settings and data that no training can begin with. */
const mistakes = new Set([64, 65, 66]);

/**
 * Memory and time of a job whose files are in place, by the formula, with the box's own GPUs; nothing is loaded.
 * @throws JobError 'failed' when its settings or data are wrong, 'bad-output', 'unreachable'
 */
export async function estimateJob(job: Job, signal?: AbortSignal): Promise<Estimate> {
  const { files } = job;
  const command = [job.python, files.join(job.box, 'train.py'), '--estimate', job.folder];
  const done = await files.exec(command, { timeoutMs: 180_000, ...(signal === undefined ? {} : { signal }) });
  if (done.code !== null && mistakes.has(done.code))
    throw new JobError(
      'failed',
      `The job cannot be trained: ${printable(done.stderr.trim().split('\n').at(-1) ?? '', 600)}`,
    );
  let raw: unknown;
  try {
    raw = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '');
  } catch {
    raw = undefined;
  }
  const parsed = Estimate.safeParse(raw);
  if (!parsed.success)
    throw new JobError(
      'bad-output',
      `The estimate of the job in ${job.folder} makes no sense: ${printable(done.stdout, 200)}`,
    );
  return parsed.data;
}

/** One line: "about 63.4 of 139.0 GB on NVIDIA H200, 3 min, 3.3 M tokens". */
export function describeEstimate(estimate: Estimate): string {
  const { bytes, freeBytes, gpu, baseGpus, seconds, tokens, quantization, gradientCheckpointing } = estimate;
  const room = freeBytes === null ? '' : ` of ${gigabytes(freeBytes * baseGpus)}`;
  return [
    `about ${gigabytes(bytes)}${room} GB${gpu === null ? '' : ` on ${baseGpus > 1 ? `${baseGpus} × ` : ''}${gpu}`}`,
    ...(seconds === null ? [] : [duration(seconds)]),
    `${(tokens / 1e6).toFixed(1)} M tokens`,
    ...(quantization === 'nf4' ? ['base in 4 bits (QLoRA)'] : []),
    ...(gradientCheckpointing ? ['activations computed twice'] : []),
    ...(estimate.fits ? [] : ['it may not fit: choose a smaller base or a larger GPU']),
  ].join(', ');
}

export const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
