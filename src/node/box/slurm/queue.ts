import { unreachable } from '../boxErrors.ts';
import type { BoxFiles, ExecResult } from '../boxFiles.ts';
import { printable } from '../jobFolder.ts';

/** What Slurm says of a job. */
export type QueueLook =
  | {
      readonly state: 'waiting';
      readonly id: string;
      /** Slurm's word for why it waits: Priority, Resources, Dependency, QOSMaxJobsPerUserLimit, … */
      readonly reason: string;
      /** 1 is the next of the partition's waiting jobs, as far as other users' jobs can be seen. */
      readonly position?: number;
      /** As Slurm expects it, in the cluster's local time. */
      readonly startsAt?: string;
    }
  | {
      readonly state: 'running';
      readonly id: string;
      readonly node: string;
      /** As Slurm writes it: 9:59, 1-02:00:00. */
      readonly timeLeft: string;
    }
  /** Its processes have ended and the node is being cleared up. It may be queued again behind that. */
  | { readonly state: 'ending'; readonly id: string }
  /** Not in the queue. `how`: Slurm's word for how it ended (TIMEOUT, PREEMPTED, NODE_FAIL, …), where it still knows. */
  | { readonly state: 'gone'; readonly how?: string };

const format = '%i|%T|%S|%P|%N|%L|%r';
/** States in which a job holds or is about to hold its node. */
const alive = new Set(['RUNNING', 'CONFIGURING', 'SUSPENDED', 'STOPPED', 'SIGNALING', 'STAGE_OUT', 'RESIZING']);
const waits = new Set(['PENDING', 'REQUEUED', 'REQUEUE_HOLD', 'REQUEUE_FED', 'SPECIAL_EXIT', 'RESV_DEL_HOLD']);

/**
 * Looks a job up by its name. Fields are asked for one by one and never read from columns, which are cut.
 * @param id the number it was last known by, for how it ended
 * @throws JobError 'unreachable' when Slurm does not answer: the job may well go on
 */
export async function lookInQueue(
  files: BoxFiles,
  host: string,
  name: string,
  id: string | undefined,
  signal?: AbortSignal,
): Promise<QueueLook> {
  const listed = await ask(
    files,
    host,
    ['squeue', '--noheader', '--me', `--name=${name}`, `--format=${format}`],
    signal,
  );
  const jobs = listed.stdout
    .split('\n')
    .map((line) => line.trim().split('|'))
    .filter((fields) => fields.length >= 7);
  for (const [job = '', state = '', , , node = '', timeLeft = ''] of jobs)
    if (alive.has(state)) return { state: 'running', id: job, node: short(node), timeLeft: short(timeLeft) };
  for (const [job = '', state = '', startsAt = '', partition = '', , , ...reason] of jobs) {
    if (!waits.has(state)) continue;
    const position = await positionOf(files, host, job, partition, signal);
    return {
      state: 'waiting',
      id: job,
      reason: short(reason.join('|')),
      ...(position === undefined ? {} : { position }),
      ...(/^\d{4}-/.test(startsAt) ? { startsAt: short(startsAt) } : {}),
    };
  }
  const ending = jobs.find(([, state]) => state === 'COMPLETING');
  if (ending !== undefined) return { state: 'ending', id: ending[0] ?? '' };
  const how = id === undefined ? undefined : await howItEnded(files, id, signal);
  return { state: 'gone', ...(how === undefined ? {} : { how }) };
}

/** Numbers of the jobs of that name that have not ended. */
export async function numbersOf(
  files: BoxFiles,
  host: string,
  name: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const listed = await ask(files, host, ['squeue', '--noheader', '--me', `--name=${name}`, '--format=%A'], signal);
  return [...new Set(listed.stdout.split('\n').map((line) => line.trim()))].filter((line) => /^\d+$/.test(line));
}

async function positionOf(
  files: BoxFiles,
  host: string,
  id: string,
  partition: string,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const listed = await ask(
    files,
    host,
    ['squeue', '--noheader', '--states=PENDING', `--partition=${partition}`, '--sort=-p,i', '--format=%i'],
    signal,
  );
  const at = listed.stdout.split('\n').findIndex((line) => line.trim() === id);
  return at < 0 ? undefined : at + 1;
}

/** From the accounts, or where a cluster keeps none (or shows none) from what the controller still remembers. */
async function howItEnded(files: BoxFiles, id: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const options = { timeoutMs: 60_000, ...(signal === undefined ? {} : { signal }) };
  for (const [command, pattern] of [
    [
      ['sacct', '--allocations', '--noheader', '--parsable2', `--jobs=${id}`, '--format=State'],
      // "CANCELLED by 1000": the first word is the state.
      /^([A-Z_]+)/m,
    ],
    [['scontrol', 'show', 'job', '--oneliner', id], /\bJobState=([A-Z_]+)/],
  ] as const) {
    const done = await files.exec(command, options).catch((error: unknown) => {
      signal?.throwIfAborted();
      return { code: 1, stdout: '', stderr: String(error) } satisfies ExecResult;
    });
    const state = done.code === 0 ? pattern.exec(done.stdout)?.[1] : undefined;
    if (state !== undefined) return state;
  }
  return undefined;
}

/** @throws JobError 'unreachable' */
async function ask(
  files: BoxFiles,
  host: string,
  command: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ExecResult> {
  const done = await files.exec(command, { timeoutMs: 60_000, ...(signal === undefined ? {} : { signal }) });
  if (done.code !== 0)
    throw unreachable(
      host,
      'asking Slurm',
      `${command[0] ?? ''} gave no answer (${printable(done.stderr.trim() || `exit code ${done.code ?? 'none'}`, 300)}). The job may well go on.`,
    );
  return done;
}

const short = (text: string): string => printable(text.trim(), 100);
