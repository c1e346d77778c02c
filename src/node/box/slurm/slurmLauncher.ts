import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../boxErrors.ts';
import { readSmall } from '../boxFiles.ts';
import type { Job, JobExit } from '../jobFolder.ts';
import { callSupervisor, printable, readExit, stopped } from '../jobFolder.ts';
import type { JobLife, Launcher } from '../launcher.ts';
import { lookInQueue, numbersOf } from './queue.ts';
import type { SlurmSettings } from './slurmSettings.ts';
import { sbatchCommand } from './slurmSettings.ts';

export interface SlurmLauncherOptions {
  /** The login node, as the user calls it. */
  readonly host: string;
  readonly settings: SlurmSettings;
  /** Whether a job that is preempted or out of time goes on in a later turn; it does when left out. */
  readonly requeue?: boolean;
  readonly lookMs?: number;
  readonly settleMs?: number;
}

/** How often a job that is ending is looked at before another is queued: behind it, as they have one name. */
const endingTries = 20;
const settleMs = 60_000;

/**
 * Jobs in the queue of a cluster. A job's name there is made of its folder, so that whoever knows the folder finds the
 * job, also when the answer to the submission was lost; the number is kept in the file `slurm` of the folder, for how
 * the job ended.
 */
export function slurmLauncher(options: SlurmLauncherOptions): Launcher {
  const { host, settings, requeue = true } = options;
  const lookMs = options.lookMs ?? (settings.askEvery ?? 15) * 1000;
  return {
    requeues: requeue,
    lookMs,
    settleMs: options.settleMs ?? settleMs,

    async start(job, command, signal) {
      const { files, folder } = job;
      const name = nameOf(folder);
      let found = await lookInQueue(files, host, name, undefined, signal);
      // Whether it goes back into the queue shows in a moment. One that has told its end is called running a little longer.
      const isEnding = async (): Promise<boolean> =>
        found.state === 'ending' || (found.state === 'running' && isFinal(await readExit(job, signal)));
      for (let tries = 0; tries < endingTries && (await isEnding()); tries++) {
        await sleep(Math.min(lookMs, 2000), undefined, signal === undefined ? {} : { signal });
        found = await lookInQueue(files, host, name, undefined, signal);
      }
      if (found.state === 'waiting' || found.state === 'running') return remember(job, found.id, signal);
      // Nothing of it is in the queue, so what an earlier attempt left is final.
      const before = await callSupervisor(job, 'aside', [], signal);
      if (before.exit?.startsWith('0 ') === true) return;
      const line = sbatchCommand(settings, {
        name,
        folder,
        requeue,
        script: files.join(job.box, 'foreground.sh'),
        command: [
          job.python,
          files.join(job.box, 'supervisor.py'),
          'run',
          folder,
          '--',
          ...spread(job, command, settings),
        ],
      });
      const done = await files.exec(line, { timeoutMs: 60_000, ...(signal === undefined ? {} : { signal }) });
      const number = /^\s*(\d+)(;\S+)?\s*$/m.exec(done.stdout)?.[1];
      if (done.code !== 0 || number === undefined) throw refused(host, done.stderr.trim() || done.stdout.trim());
      await remember(job, number, signal);
    },

    async cancel(job, signal) {
      // The file first: a job that begins from now on ends at once.
      await callSupervisor(job, 'cancel', [], signal);
      const { files } = job;
      const numbers = await numbersOf(files, host, nameOf(job.folder), signal);
      if (numbers.length === 0) return;
      const options = { timeoutMs: 60_000, ...(signal === undefined ? {} : { signal }) };
      await files.exec(['scancel', '--quiet', '--state=PENDING', ...numbers], options);
      // To the supervisor alone: it lets the trainer write a checkpoint, and clears up behind it.
      await files.exec(['scancel', '--quiet', '--batch', '--signal=TERM', ...numbers], options);
    },

    async look(job, signal): Promise<JobLife> {
      const { files, folder } = job;
      const number = (await readSmall(files, files.join(folder, 'slurm'), 100, signal))?.trim();
      const known = number !== undefined && /^\d+$/.test(number) ? number : undefined;
      const found = await lookInQueue(files, host, nameOf(folder), known, signal);
      return found.state === 'ending' ? { state: 'running' } : found;
    },
  };
}

/** On several nodes the command is run on all of them together. */
const spread = (job: Job, command: readonly string[], { nodes = 1 }: SlurmSettings): readonly string[] =>
  nodes === 1 ? command : [job.python, '-u', job.files.join(job.box, 'spread.py'), ...command];

/** Not to be followed by another turn of the same job. */
const isFinal = (exit: JobExit | undefined): boolean => exit !== undefined && exit.rc !== stopped.rc;

const nameOf = (folder: string): string => `autoact-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;

async function remember({ files, folder }: Job, number: string, signal: AbortSignal | undefined): Promise<void> {
  await files.write(files.join(folder, 'slurm'), `${number}\n`, signal);
}

function refused(host: string, said: string): JobError {
  const text = printable(said.replaceAll(/^sbatch: (error: )?/gm, ''), 400).replaceAll('\n', ' ');
  if (/Unable to contact slurm controller|Socket timed out|Zero Bytes were transmitted/i.test(said))
    return new JobError('unreachable', `${host} (sbatch): Slurm does not answer: ${text}`);
  return new JobError(
    'cannot-start',
    `${host} (sbatch): Slurm refused the job: ${text || 'without a reason'}. Mend the box's Slurm settings: autoact box add NAME HOST --slurm …`,
  );
}
