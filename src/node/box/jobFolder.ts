import * as z from 'zod';
import type { GpuAfter } from '../../core/box/boxStatus.ts';
import { readGpuAfter } from '../../core/box/boxStatus.ts';
import type { BoxFiles } from './boxFiles.ts';
import { readSmall } from './boxFiles.ts';
import { JobError } from './boxErrors.ts';
import type { Launcher } from './launcher.ts';

/** A job on a box: where its folder is and what runs it. */
export interface Job {
  readonly files: BoxFiles;
  /** Interpreter on the box. */
  readonly python: string;
  /** Folder on the box with supervisor.py and train.py. */
  readonly box: string;
  /** The job's folder on the box. */
  readonly folder: string;
  /** The program in `box` that does the work; the trainer when left out. */
  readonly program?: string;
  /** A process of the machine when left out. */
  readonly launcher?: Launcher;
}

/** What spec.json holds: what the program asks for. */
export type Spec = Readonly<Record<string, unknown>>;

/** Fields of the trainer's settings that the client sets; box/trainer/spec.py has all with their defaults. */
export interface JobSpec extends Spec {
  readonly base: string;
  readonly adapters: Readonly<Record<string, { readonly data: string } & Readonly<Record<string, unknown>>>>;
}

/** How a job ended. `rc` below zero is minus the signal. */
export interface JobExit {
  readonly rc: number;
  readonly signal: number;
  readonly oom: boolean;
}

/** What a trainer ends with that was told to stop: the end of its time, a machine that shuts down, a cancel. */
export const stopped: JobExit = { rc: 75, signal: 0, oom: false };

const Status = z.object({
  running: z.boolean(),
  claimed: z.boolean(),
  started: z.boolean().optional(),
  exit: z.string().max(200).nullable(),
  heartbeat: z.string().max(200).nullable(),
  /** The box's clock, in seconds. */
  now: z.number(),
});
export type SupervisorStatus = z.infer<typeof Status>;

/** Runs a verb of supervisor.py. @throws JobError when it cannot be run or its answer makes no sense. */
export async function callSupervisor(
  job: Job,
  verb: 'start' | 'again' | 'aside' | 'status' | 'cancel',
  command: readonly string[] = [],
  signal?: AbortSignal,
): Promise<SupervisorStatus> {
  const { files } = job;
  const line = [
    job.python,
    files.join(job.box, 'supervisor.py'),
    verb,
    job.folder,
    ...(command.length === 0 ? [] : ['--', ...command]),
  ];
  const done = await files.exec(line, { timeoutMs: 60_000, ...(signal === undefined ? {} : { signal }) });
  if (done.code !== 0) {
    throw new JobError(
      'cannot-start',
      `The supervisor of the job in ${job.folder} failed (exit code ${done.code ?? 'none'}): ${lastLine(done.stderr)}`,
    );
  }
  const parsed = Status.safeParse(parseJson(done.stdout));
  if (!parsed.success)
    throw new JobError(
      'bad-output',
      `The supervisor of the job in ${job.folder} answered something else than a status: ${printable(done.stdout, 200)}`,
    );
  return parsed.data;
}

/** undefined while the job has not ended. @throws JobError('bad-output') */
export async function readExit(job: Job, signal?: AbortSignal): Promise<JobExit | undefined> {
  const text = await readSmall(job.files, job.files.join(job.folder, 'exit'), 200, signal);
  return text === undefined ? undefined : parseExit(text);
}

export function parseExit(text: string): JobExit {
  const match = /^(-?\d{1,4}) (\d{1,3}) ([01])\s*$/.exec(text);
  if (match === null)
    throw new JobError(
      'bad-output',
      `The job's exit file holds "${printable(text, 60)}" instead of a code, a signal and 0 or 1.`,
    );
  return { rc: Number(match[1]), signal: Number(match[2]), oom: match[3] === '1' };
}

/** What the supervisor of a stopped job says of its GPU. */
export async function readGpu(job: Job, signal?: AbortSignal): Promise<GpuAfter> {
  return readGpuAfter(
    printable((await readSmall(job.files, job.files.join(job.folder, 'gpu'), 500, signal)) ?? '', 500),
  );
}

export async function wasCancelled(job: Job, signal?: AbortSignal): Promise<boolean> {
  return (await job.files.stat(job.files.join(job.folder, 'cancel'), signal)) !== undefined;
}

/** The end of the job's log, for a message. */
export async function tailOfLog(job: Job, signal?: AbortSignal): Promise<string> {
  const path = job.files.join(job.folder, 'log');
  const found = await job.files.stat(path, signal);
  if (found === undefined) return '';
  const offset = Math.max(0, found.size - 2000);
  return printable(new TextDecoder().decode(await job.files.read(path, offset, 2000, signal)), 2000).trim();
}

/** Text of a box without control characters that would drive a terminal. */
export function printable(text: string, limit: number): string {
  return text.slice(0, limit).replace(/\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

function lastLine(text: string): string {
  return printable(text.trim().split('\n').at(-1) ?? '', 500);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
