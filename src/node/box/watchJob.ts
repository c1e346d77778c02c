import { setTimeout as sleep } from 'node:timers/promises';
import type { JobView } from '../../core/box/jobView.ts';
import { JobViewBuilder } from '../../core/box/jobView.ts';
import { JobError } from './boxErrors.ts';
import { isMissing } from './boxFiles.ts';
import { followJob } from './followJob.ts';
import type { Job } from './jobFolder.ts';
import { printable } from './jobFolder.ts';
import type { JobsOfBox } from './jobList.ts';

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** A view that differs from the last one; the last is that of the end. */
  readonly onView: (view: JobView) => void;
  readonly pollMs?: number;
  /** How often the machine is asked after its GPUs and its queue. */
  readonly statusMs?: number;
}

const firstLog = 64_000;
const chunk = 1 << 20;

/** Watches one job to its end: events, log and the use of the GPUs, over the connection that is there. @throws JobError */
export async function watchJob(of: JobsOfBox, id: string, options: WatchOptions): Promise<void> {
  const { signal, onView, pollMs = 1000, statusMs = 5000 } = options;
  const job = await of.job(id, signal);
  const builder = new JobViewBuilder();
  const log = new LogTail(job, builder);
  const status = async (inner: AbortSignal): Promise<void> => builder.status(await of.status(inner), id);
  let told = '';
  const tell = (): Promise<void> => {
    const view = builder.view();
    const text = JSON.stringify(view);
    if (text !== told) onView(view);
    told = text;
    return Promise.resolve();
  };
  const over = new AbortController();
  const inner = AbortSignal.any([signal, over.signal]);
  const besides = [
    repeat(pollMs, inner, () => log.read(inner)),
    repeat(statusMs, inner, () => status(inner)),
    repeat(pollMs, inner, tell),
  ];
  // One that fails for good must not be waited for until the job ends.
  const failed = Promise.all(besides).then(() => new Promise<never>(() => undefined));
  try {
    const end = await Promise.race([
      followJob(job, {
        onEvent: (event) => builder.event(event),
        onState: (state) => builder.state(state),
        pollMs,
        signal: inner,
      }),
      failed,
    ]);
    over.abort();
    // A read that is still under way would take the same bytes as the last one.
    await Promise.allSettled(besides);
    builder.state(end);
    await log.read(signal);
    await status(signal);
    await tell();
  } finally {
    over.abort();
    await Promise.allSettled(besides);
  }
}

/** Until `signal`. A box that does not answer is tried again: the follower says that it does not. */
async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    for (;;) {
      try {
        await work();
      } catch (error) {
        if (!JobError.is(error, 'unreachable')) throw error;
      }
      await sleep(everyMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The end of a job's log and what is added to it, by byte offsets. */
class LogTail {
  readonly #job: Job;
  readonly #builder: JobViewBuilder;
  #decoder = new TextDecoder();
  #offset = 0;
  #file: string | undefined;

  constructor(job: Job, builder: JobViewBuilder) {
    this.#job = job;
    this.#builder = builder;
  }

  async read(signal: AbortSignal): Promise<void> {
    const { files, folder } = this.#job;
    const path = files.join(folder, 'log');
    for (;;) {
      const found = await files.stat(path, signal);
      if (found === undefined) return;
      const anew = found.id !== this.#file || found.size < this.#offset;
      if (anew) {
        this.#file = found.id;
        this.#decoder = new TextDecoder();
        this.#offset = Math.max(0, found.size - firstLog);
        this.#builder.log('', true);
        if (this.#offset > 0) this.#builder.logBeginsLater();
      }
      if (found.size <= this.#offset) return;
      let bytes: Uint8Array;
      try {
        bytes = await files.read(path, this.#offset, Math.min(chunk, found.size - this.#offset), signal);
      } catch (error) {
        if (isMissing(error)) return;
        throw error;
      }
      if (bytes.length === 0) return;
      this.#offset += bytes.length;
      const text = this.#decoder.decode(bytes, { stream: true });
      this.#builder.log(printable(text, text.length), false);
    }
  }
}
