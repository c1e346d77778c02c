import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TrainedAdapter, Trainer, TrainingProgress } from '../../core/ports/pipeline.ts';
import type { Settings } from '../../core/pipeline/settings.ts';
import type { TrainingRow } from '../../core/pipeline/trainingData.ts';
import type { EngineHost } from '../embedded/engineHost.ts';
import { convertLora } from '../embedded/lora/convert.ts';
import { probeAdapter, readProbes } from '../embedded/probe.ts';
import { jsonLines } from '../store/atomicFile.ts';
import { JobError } from './boxErrors.ts';
import type { Box } from './boxes.ts';
import { ensureBoxPython } from './boxEnvironment.ts';
import { followJob } from './followJob.ts';
import { describeEstimate, estimateJob } from './estimate.ts';
import { cancelJob, placeJob, resumeJob } from './job.ts';
import type { Job, JobSpec } from './jobFolder.ts';
import { stopped } from './jobFolder.ts';
import { localJob } from './localJob.ts';
import type { OpenBox } from './openBox.ts';
import { persistently } from './persist.ts';
import { mustBeFit, mustHavePython, preflight } from './preflight.ts';
import { ensurePython } from './pythonEnvironment.ts';
import { downloadAdapters, sshJob, uploadModel } from './remoteJob.ts';
import { hasJobOn, noteJobOn } from './sentJobs.ts';
import { describeStopped, seeItStopped } from './stopJob.ts';
import { slurmLauncher } from './slurm/slurmLauncher.ts';
import { describeState, report, trainingSpec } from './trainingJob.ts';
import type { TransferProgress } from './transfer.ts';

export interface BoxTrainerOptions {
  /** The folder with box/ and .cache/. */
  readonly root: string;
  readonly engine: EngineHost;
  /** The run's folder. */
  readonly folder: string;
  readonly run: string;
  /** The base model in Hugging Face form. */
  readonly baseFolder: string;
  readonly boxes: Boxes;
  readonly notify: (message: string) => void;
  /** How often a box that holds a job and cannot be reached is asked again. */
  readonly askAgainMs?: number;
}

/** Boxes other than this machine. */
export interface Boxes {
  /** @throws BoxError 'unknown-box' */
  find(name: string): Box;
  open(box: Box): Promise<OpenBox>;
}

/** Where a job runs: its base model there, and how the adapters come to this machine. */
interface Place {
  readonly base: string;
  /** How often the job is looked at. */
  readonly pollMs: number;
  /** Whether to ask what a job will take before it is dispatched; here, the trainer says so a moment later. */
  readonly estimates: boolean;
  /** Waits for the box while `work` cannot reach it, once it holds a job of this run. */
  reach<T>(work: () => Promise<T>): Promise<T>;
  job(id: string): Promise<Job>;
  /** The job is there from now on. */
  placed(): void;
  /** Folder on this machine with a folder for each adapter. */
  fetch(job: Job, id: string): Promise<string>;
  close(): Promise<void>;
}

/** How often in a row a job that ended early without a checkpoint is taken up again by itself. */
const resumes = 2;

/**
 * Trains on a box and serves what comes out: job folder, supervisor and trainer are the same on every box. The job's
 * folder is named by what it trains, so that a run that is resumed finds it.
 */
export class BoxTrainer implements Trainer {
  readonly #options: BoxTrainerOptions;

  constructor(options: BoxTrainerOptions) {
    this.#options = options;
  }

  async train(
    sets: Readonly<Record<string, readonly TrainingRow[]>>,
    settings: Settings['training'],
    seed: number,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<readonly TrainedAdapter[]> {
    const { baseFolder } = this.#options;
    if (!existsSync(join(baseFolder, 'config.json'))) {
      throw new JobError(
        'cannot-start',
        `The base model to train is not in ${baseFolder}. Name its folder (config.json, tokenizer, safetensors) under training.base; it must be the model that the server serves.`,
      );
    }
    const data = Object.fromEntries(
      Object.entries(sets).map(([name, rows]) => [`data/${name}.jsonl`, jsonLines(rows)]),
    );
    const tell = (message: string): void => onProgress({ adapter: '', step: 0, steps: 0, message });
    const place =
      settings.box === 'local' ? await this.#here(tell, signal) : await this.#away(settings.box, tell, signal);
    try {
      const spec = trainingSpec(place.base, Object.keys(sets), settings, seed);
      const id = createHash('sha256')
        .update(JSON.stringify([spec, data]))
        .digest('hex')
        .slice(0, 12);
      const job = await place.job(id);
      tell('starting the trainer');
      await this.#runToEnd(job, place, spec, data, onProgress, signal);
      const out = await place.fetch(job, id);
      const adapters: TrainedAdapter[] = [];
      for (const name of Object.keys(sets)) {
        onProgress({ adapter: name, step: 0, steps: 0, message: `loading and probing ${name}` });
        adapters.push(await this.#serve(join(out, name), name, signal));
      }
      return adapters;
    } finally {
      await place.close();
    }
  }

  async #here(tell: (message: string) => void, signal: AbortSignal): Promise<Place> {
    const { root, folder, baseFolder } = this.#options;
    tell('preparing Python');
    const python = await ensurePython({ onProgress: tell, signal });
    return {
      base: baseFolder,
      pollMs: 500,
      estimates: false,
      reach: (work) => work(),
      placed: () => undefined,
      job: (id) =>
        Promise.resolve(localJob({ python, boxFolder: join(root, 'box'), jobFolder: join(folder, 'jobs', id) })),
      fetch: (job) => Promise.resolve(join(job.folder, 'out')),
      close: () => Promise.resolve(),
    };
  }

  async #away(name: string, tell: (message: string) => void, signal: AbortSignal): Promise<Place> {
    const { root, folder, baseFolder, boxes } = this.#options;
    const box = boxes.find(name);
    const boxFolder = join(root, 'box');
    const opened = await boxes.open(box);
    const { files } = opened;
    const reach = <T>(work: () => Promise<T>): Promise<T> => this.#reach(name, tell, signal, work);
    try {
      tell(`connecting to ${name}`);
      const found = await reach(() => persistently({ signal }, () => preflight(files, box, { boxFolder, signal })));
      mustBeFit(name, found, box.base !== undefined);
      for (const { item, state, found: what, remedy } of found.items)
        if (state !== 'ok') this.#options.notify(`${name}: ${item}: ${what}. ${remedy ?? ''}`);
      let told = '';
      const onProgress = ({ file, done, total }: TransferProgress): void => {
        const message = `copying ${file.split('/').at(-1) ?? file}: ${percent(done, total)}`;
        if (message !== told) tell((told = message));
      };
      const python =
        box.python === undefined
          ? await reach(() =>
              ensureBoxPython({ files, folder: box.folder }, found, { name, boxFolder, tell, signal, onProgress }),
            )
          : mustHavePython(name, found);
      const remote = { files, python, folder: box.folder };
      const launcher = box.slurm === undefined ? undefined : slurmLauncher({ host: files.host, settings: box.slurm });
      const base = box.base ?? (await reach(() => uploadModel(remote, baseFolder, { signal, onProgress })));
      return {
        base,
        pollMs: launcher === undefined ? 1000 : Math.min(3000, launcher.lookMs ?? 3000),
        estimates: true,
        reach,
        placed: () => {
          noteJobOn(folder, name);
        },
        job: (id) =>
          reach(() =>
            sshJob(remote, { boxFolder, id, signal, onProgress, ...(launcher === undefined ? {} : { launcher }) }),
          ),
        fetch: async (job, id) => {
          const out = join(folder, 'jobs', id, 'out');
          await reach(() => downloadAdapters({ ...job, files }, out, { signal, onProgress }));
          return out;
        },
        close: () => opened.close(),
      };
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  async #runToEnd(
    job: Job,
    place: Place,
    spec: JobSpec,
    data: Readonly<Record<string, string>>,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const tell = (message: string): void => onProgress({ adapter: '', step: 0, steps: 0, message });
    await place.reach(() => persistently({ signal }, () => placeJob(job, spec, data, signal)));
    place.placed();
    if (place.estimates) await place.reach(() => this.#estimate(job, tell, signal));
    await place.reach(() => persistently({ signal }, () => resumeJob(job, signal)));
    for (let fruitless = 0; ;) {
      let end;
      // Checkpoints since the trainer last started: that much is not lost, however it ends.
      let kept = 0;
      try {
        end = await followJob(job, {
          onEvent: (event) => {
            if (event.type === 'start') kept = 0;
            else if (event.type === 'checkpoint') kept++;
            report(event, onProgress);
          },
          onState: (state) => tell(describeState(state)),
          pollMs: place.pollMs,
          signal,
        });
      } catch (error) {
        // Cancelling a run also stops its training; the checkpoint that the trainer then writes is where resume goes on.
        if (signal.aborted) await this.#cancel(job);
        throw error;
      }
      if (end.state === 'finished' && end.exit.rc === 0) return;
      if (end.state === 'finished' && end.exit.rc !== stopped.rc) {
        const why = end.exit.oom
          ? 'it ran out of memory'
          : (end.error?.message ?? end.log.split('\n').at(-1) ?? `exit code ${end.exit.rc}`);
        throw new JobError('failed', `Training failed: ${why} The whole log is in ${join(job.folder, 'log')}.`);
      }
      const why = end.state === 'vanished' && end.how !== undefined ? ` (Slurm: ${end.how})` : '';
      fruitless = kept > 0 ? 0 : fruitless + 1;
      if (fruitless > resumes)
        throw new JobError(
          'failed',
          `The training job in ${job.folder} ended without a result ${fruitless} times in a row${why}. Look at its log, then resume the run.`,
        );
      tell(`going on from the last checkpoint${why}`);
      await place.reach(() => persistently({ signal }, () => resumeJob(job, signal)));
    }
  }

  /** That a box cannot be reached does not mean that its job failed: it is asked until it answers or the run is stopped. */
  async #reach<T>(
    box: string,
    tell: (message: string) => void,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const { folder, askAgainMs = 15_000 } = this.#options;
    for (;;)
      try {
        return await work();
      } catch (error) {
        if (!JobError.is(error, 'unreachable') || signal.aborted || !hasJobOn(folder, box)) throw error;
        tell(`the box cannot be reached and is asked again; the job goes on there: ${error.message}`);
        await sleep(askAgainMs, undefined, { signal });
      }
  }

  /** Before anything is queued or loaded. A box that cannot tell is no reason not to train. */
  async #estimate(job: Job, tell: (message: string) => void, signal: AbortSignal): Promise<void> {
    const events = job.files.join(job.folder, 'events.jsonl');
    if ((await persistently({ signal }, () => job.files.stat(events, signal))) !== undefined) return;
    try {
      tell(`estimate: ${describeEstimate(await persistently({ signal }, () => estimateJob(job, signal)))}`);
    } catch (error) {
      if (!JobError.is(error, 'bad-output')) throw error;
      this.#options.notify(error.message);
    }
  }

  async #cancel(job: Job): Promise<void> {
    try {
      await persistently({ attempts: 3 }, () => cancelJob(job));
      // A run that is cancelled is over when its GPU is free, or when somebody has been told that it is not.
      const stopped = await seeItStopped(job, new AbortController().signal);
      this.#options.notify(`The training job in ${job.folder}: ${describeStopped(stopped)}`);
    } catch (error) {
      if (!JobError.is(error, 'unreachable')) throw error;
      this.#options.notify(
        `The box could not be told to stop the job in ${job.folder}: ${error.message} It goes on there.`,
      );
    }
  }

  /** Converts an adapter, loads it under a content-hashed name and proves by its probes that it is what answers. */
  async #serve(adapterDir: string, name: string, signal: AbortSignal): Promise<TrainedAdapter> {
    const { folder, baseFolder, engine } = this.#options;
    const weights = createHash('sha256')
      .update(readFileSync(join(adapterDir, 'adapter_model.safetensors')))
      .digest('hex');
    const model = `${name}-${weights.slice(0, 8)}`;
    const out = join(folder, 'adapters', `${model}.gguf`);
    await convertLora({ adapterDir, baseConfig: join(baseFolder, 'config.json'), out, dtype: 'f16' });
    await engine.loadAdapter(model, out);
    const { baseURL, apiKey } = await engine.endpoint();
    const probe = await probeAdapter({
      baseURL,
      apiKey,
      model,
      baseModel: 'base',
      probes: readProbes(join(adapterDir, 'probes.json')),
      signal,
    });
    return {
      name,
      model,
      sha256: createHash('sha256').update(readFileSync(out)).digest('hex'),
      probe: { ok: probe.ok, message: probe.message },
    };
  }
}

const percent = (done: number, total: number): string => `${total === 0 ? 100 : Math.floor((100 * done) / total)} %`;
