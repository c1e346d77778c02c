import type { Command } from 'commander';
import { join, resolve } from 'node:path';
import { JobError, SshError } from '../../node/box/boxErrors.ts';
import { followJob } from '../../node/box/followJob.ts';
import { resumeJob } from '../../node/box/job.ts';
import { printable, readExit, tailOfLog } from '../../node/box/jobFolder.ts';
import { readSmall } from '../../node/box/boxFiles.ts';
import type { BoxStatus, JobSummary } from '../../core/box/boxStatus.ts';
import type { JobsOfBox } from '../../node/box/jobList.ts';
import { persistently } from '../../node/box/persist.ts';
import { describeStopped, stopJob } from '../../node/box/stopJob.ts';
import { watchJob } from '../../node/box/watchJob.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';
import { endWithEditor } from '../editorPrompts.ts';
import { exitCodes } from '../exitCodes.ts';
import type { JobsPlace } from '../jobsOf.ts';
import { namesOfBoxes, openJobs } from '../jobsOf.ts';

interface PlaceOptions extends CommonOptions {
  readonly workspace: readonly string[];
}

/** What is said of a box that does not answer, beside those that do. */
interface BoxLine {
  readonly box: string;
  readonly host: string;
  readonly status?: BoxStatus;
  readonly problem?: string;
}

export function addJobs(program: Command): void {
  const jobs = program.command('jobs');

  jobs
    .command('list', { isDefault: true })
    .description('List the jobs of one box or of all.')
    .option('--box <name>', 'only of this box; local is this machine')
    .option(...workspace)
    .option('--watch <seconds>', 'again and again, over one connection for each box', seconds)
    .option('--json', 'print JSON: one line for each box')
    .action((options: PlaceOptions & { readonly box?: string; readonly watch?: number }) =>
      act(options, async (signal) => {
        if (options.watch !== undefined) endWithEditor();
        const names = options.box === undefined ? namesOfBoxes(options.workspace) : [options.box];
        const boxes = await Promise.all(names.map((name) => openJobs(name, options.workspace)));
        if (boxes.length === 0 && options.json !== true)
          process.stdout.write('No box besides local, and no job of local. Add one with: autoact box add NAME HOST\n');
        const good = await Promise.all(boxes.map((box) => watchBox(box, options, signal)));
        return good.every(Boolean) ? exitCodes.ok : exitCodes.unhealthy;
      }),
    );

  jobs
    .command('show')
    .description('What is known of a job: state, adapters, the end of its log.')
    .argument('<box/job>')
    .option('--log', 'the whole log instead')
    .option(...workspace)
    .option('--json', 'print JSON')
    .action((name: string, options: PlaceOptions & { readonly log?: boolean }) =>
      onJob(name, options, async ({ of, id, signal }) => {
        const job = await of.job(id, signal);
        if (options.log === true) {
          const log = (await readSmall(job.files, job.files.join(job.folder, 'log'), 16 << 20, signal)) ?? '';
          if (options.json === true) printJson({ job: name, log });
          else process.stdout.write(printable(log, log.length));
          return exitCodes.ok;
        }
        const found = (await of.status(signal)).jobs.find((one) => one.id === id);
        const log = await tailOfLog(job, signal);
        if (options.json === true) printJson({ job: name, folder: job.folder, ...found, log });
        else process.stdout.write(`${found === undefined ? name : lineOf(found)}  folder  ${job.folder}\n${log}\n`);
        return exitCodes.ok;
      }),
    );

  jobs
    .command('follow')
    .description('Print what a training job tells, from its beginning to its end. Ctrl-C leaves it running.')
    .argument('<box/job>')
    .option(...workspace)
    .option('--json', 'print JSON: one event a line')
    .action((name: string, options: PlaceOptions) =>
      onJob(name, options, async ({ of, id, signal }) => {
        const end = await followJob(await of.job(id, signal), {
          signal,
          pollMs: 1000,
          onEvent: (event) => {
            if (options.json === true) printJson(event);
            else if (event.type === 'step' || event.type === 'eval')
              process.stdout.write(
                `${event.adapter.padEnd(10)} ${event.type === 'eval' ? 'held out' : '        '} ${event.step}/${event.steps}  loss ${event.loss.toFixed(4)}\n`,
              );
            else if ('message' in event) process.stdout.write(`${event.type}: ${event.message}\n`);
          },
          onState: (state) => {
            if (options.json === true) printJson({ type: 'state', ...state });
            else process.stderr.write(`  ${state.state}\n`);
          },
        });
        if (options.json === true) printJson({ type: 'end', ...end });
        else process.stdout.write(`${end.state}${end.state === 'finished' ? `, exit code ${end.exit.rc}` : ''}\n`);
        return end.state === 'finished' && end.exit.rc === 0 ? exitCodes.ok : exitCodes.stage;
      }),
    );

  jobs
    .command('cancel')
    .description('Stop a job and see whether its GPU is free: training writes a checkpoint first, a server ends.')
    .argument('<box/job>')
    .option(...workspace)
    .option('--json', 'print JSON')
    .action((name: string, options: PlaceOptions) =>
      onJob(name, options, async ({ of, id, signal }) => {
        const stopped = await stopJob(await of.job(id, signal), signal);
        const { end, gpu } = stopped;
        if (options.json === true)
          printJson({ cancelled: name, state: end?.state ?? 'stopping', ...(gpu === undefined ? {} : { gpu }) });
        else process.stdout.write(`${describeStopped(stopped)}\n`);
        return gpu?.state === 'held' ? exitCodes.unhealthy : exitCodes.ok;
      }),
    );

  jobs
    .command('resume')
    .description('Start a job that was stopped, failed or vanished again: training goes on from its last checkpoint.')
    .argument('<box/job>')
    .option(...workspace)
    .option('--json', 'print JSON')
    .action((name: string, options: PlaceOptions) =>
      onJob(name, options, async ({ of, id, signal }) => {
        const tell = (message: string): void => void process.stderr.write(`  ${printable(message, 500)}\n`);
        if (id.startsWith('serve-'))
          throw new UsageError(
            `"${name}" is a server. Start it again with: autoact serve --box, which also gives it a port.`,
          );
        if ((await readExit(await of.job(id, signal), signal))?.rc === 0)
          throw new UsageError(`"${name}" has finished: there is nothing left to train.`);
        const job = await of.trainable(id, tell, signal);
        await persistently({ signal }, () => resumeJob(job, signal));
        if (options.json === true) printJson({ resumed: name });
        else process.stdout.write(`It goes on. Follow it with: autoact jobs follow ${name}\n`);
        return exitCodes.ok;
      }),
    );

  jobs
    .command('watch')
    .description('Everything about a job until it ends, for a view of it: curves, log and use of the GPUs.')
    .argument('<box/job>')
    .option(...workspace)
    .requiredOption('--json', 'print JSON: a line for each view, complete each time')
    .action((name: string, options: PlaceOptions) =>
      onJob(name, options, async ({ of, id, place, signal }) => {
        endWithEditor();
        await watchJob(of, id, {
          signal,
          // On a login node, whoever asks has the queue asked.
          ...(place.hasQueue ? { statusMs: 15_000 } : {}),
          onView: (view) => printJson({ type: 'job', box: place.name, job: id, view }),
        });
        return exitCodes.ok;
      }),
    );

  jobs
    .command('fetch')
    .description('Copy the adapters of a finished training job to this machine, each compared with its hash.')
    .argument('<box/job>')
    .option('--to <folder>', 'where to (default: a folder named like the job)')
    .option(...workspace)
    .option('--json', 'print JSON')
    .action((name: string, options: PlaceOptions & { readonly to?: string }) =>
      onJob(name, options, async ({ of, id, signal }) => {
        const to = resolve(options.to ?? id);
        const adapters = await of.fetch(id, to, signal);
        if (options.json === true) printJson({ job: name, folder: to, adapters });
        else process.stdout.write(`${adapters.map((adapter) => join(to, adapter)).join('\n')}\n`);
        return exitCodes.ok;
      }),
    );
}

const workspace: [flags: string, description: string, value: string[]] = [
  '-w, --workspace <folders...>',
  'folders that hold .autoact/, for jobs of local',
  ['.'],
];

interface OnJob {
  readonly of: JobsOfBox;
  readonly id: string;
  readonly place: JobsPlace;
  readonly signal: AbortSignal;
}

function onJob(name: string, options: PlaceOptions, work: (on: OnJob) => Promise<number>): Promise<void> {
  return act(options, async (signal) => {
    const [box, id, ...more] = name.split('/');
    if (box === undefined || id === undefined || id === '' || more.length > 0)
      throw new UsageError(`"${name}" names no job. Write it as BOX/JOB, as "autoact jobs list" prints it.`);
    const place = await openJobs(box, options.workspace);
    try {
      return await work({ of: await place.jobs(signal), id, place, signal });
    } finally {
      await place.close();
    }
  });
}

/** Prints the state of a box, once or until `signal`. Returns whether it answered last. */
async function watchBox(
  box: JobsPlace,
  options: CommonOptions & { readonly watch?: number },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    let of: JobsOfBox | undefined;
    for (;;) {
      let line: BoxLine;
      try {
        of ??= await box.jobs(signal);
        line = { box: box.name, host: box.host, status: await of.status(signal) };
      } catch (error) {
        if (signal.aborted || !(error instanceof JobError || error instanceof SshError)) throw error;
        line = { box: box.name, host: box.host, problem: error.message };
        // What a person has to mend is not asked for again and again.
        if (!JobError.is(error, 'unreachable') && options.watch !== undefined) {
          show(line, options);
          return false;
        }
      }
      show(line, options);
      if (options.watch === undefined) return line.problem === undefined;
      await pause(options.watch * 1000, signal);
    }
  } finally {
    await box.close();
  }
}

function show(line: BoxLine, options: CommonOptions): void {
  if (options.json === true) {
    printJson({ type: 'box', ...line });
    return;
  }
  const { box, status, problem } = line;
  if (status === undefined) {
    process.stdout.write(`✗ ${box}: ${problem ?? ''}\n`);
    return;
  }
  const gpus = status.gpus.map(
    ({ name, memoryTotal, memoryUsed, busy }) =>
      `${printable(name, 100)}, ${(memoryTotal ?? 0) - (memoryUsed ?? 0)} MiB free, ${busy ?? '?'} % busy`,
  );
  process.stdout.write(
    `✓ ${box}: ${gpus.length === 0 ? 'no GPU' : gpus.join('; ')}; ${(status.disk.free / 1e9).toFixed(0)} GB of disk free\n`,
  );
  if (status.jobs.length === 0) process.stdout.write('  no jobs\n');
  for (const job of status.jobs) process.stdout.write(`  ${lineOf(job, `${box}/`)}`);
}

function lineOf(job: JobSummary, prefix = ''): string {
  const place = job.queue?.place;
  const state = place === undefined || place === null ? job.state : `waiting, number ${place}`;
  const adapters = Object.entries(job.adapters).map(([name, { step, steps, loss }]) =>
    steps === undefined || steps === null
      ? name
      : `${name} ${step ?? 0}/${steps}${typeof loss === 'number' ? ` loss ${loss.toFixed(3)}` : ''}`,
  );
  const what = job.kind === 'serve' ? `serve (${job.server ?? '?'})` : 'train';
  const run = typeof job.run === 'string' ? `\n    of run ${job.run}` : '';
  const error = typeof job.error === 'string' ? `\n    ${job.error}` : '';
  const line = `${(prefix + job.id).padEnd(28)} ${what.padEnd(20)} ${state.padEnd(18)} ${adapters.join(', ')}${run}${error}\n`;
  return printable(line, 10_000);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        fail(signal.reason as Error);
      },
      { once: true },
    );
  });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 1)) throw new UsageError('--watch takes a number of seconds, 1 or more.');
  return value;
}
