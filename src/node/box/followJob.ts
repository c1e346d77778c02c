import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from './boxErrors.ts';
import type { BoxStat } from './boxFiles.ts';
import { isMissing, readSmall } from './boxFiles.ts';
import type { JobEvent } from './jobEvents.ts';
import { LineReader, parseEvent } from './jobEvents.ts';
import type { Job, JobExit } from './jobFolder.ts';
import { callSupervisor, readExit, tailOfLog, wasCancelled } from './jobFolder.ts';

export type JobState =
  | { readonly state: 'running' }
  /** The box does not answer; the job may well go on. */
  | { readonly state: 'lost-contact'; readonly since: number };

export type JobEnd =
  | {
      readonly state: 'finished';
      readonly exit: JobExit;
      readonly error?: JobEvent & { type: 'error' };
      readonly log: string;
    }
  | { readonly state: 'cancelled'; readonly exit: JobExit }
  /** No exit file, and no supervisor: killed, or the machine was restarted. `resumeJob` goes on. */
  | { readonly state: 'vanished'; readonly log: string };

export interface FollowOptions {
  readonly onEvent?: (event: JobEvent) => void;
  readonly onState?: (state: JobState) => void;
  /** Aborting ends the following, not the job. */
  readonly signal?: AbortSignal;
  readonly pollMs?: number;
  /** How long a heartbeat may stay the same before the box is asked whether the job lives. It beats every 5 s. */
  readonly heartbeatMs?: number;
}

const chunk = 1 << 20;
/** A supervisor that was just started may not have written its pid. */
const startMs = 10_000;

/** Follows a job to its end, from its first event. Needs nothing but the folder, so any client can at any time. */
export async function followJob(job: Job, options: FollowOptions = {}): Promise<JobEnd> {
  const follower = new Follower(job, options);
  const pollMs = options.pollMs ?? 500;
  for (let wait = pollMs; ;) {
    options.signal?.throwIfAborted();
    try {
      const end = await follower.poll();
      if (end !== undefined) return end;
      follower.contact();
      wait = pollMs;
    } catch (error) {
      if (!JobError.is(error, 'unreachable')) throw error;
      follower.lost();
      wait = Math.min(wait * 2, 60_000);
    }
    await sleep(wait, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

class Follower {
  readonly #job: Job;
  readonly #options: FollowOptions;
  #lines = new LineReader();
  #offset = 0;
  #file: string | undefined;
  #error: (JobEvent & { type: 'error' }) | undefined;
  #heartbeat: string | undefined;
  /** When the heartbeat last changed, or the box said that the job lives. */
  #alive = -Infinity;
  #begun = performance.now();
  #lostSince: number | undefined;
  #told = false;

  constructor(job: Job, options: FollowOptions) {
    this.#job = job;
    this.#options = options;
  }

  async poll(): Promise<JobEnd | undefined> {
    const { signal } = this.#options;
    // Looked at before the events are read: what is read afterwards includes the job's last words.
    const exit = await readExit(this.#job, signal);
    await this.#readEvents();
    if (exit !== undefined) {
      if (exit.rc !== 0 && (await wasCancelled(this.#job, signal))) return { state: 'cancelled', exit };
      return {
        state: 'finished',
        exit,
        log: exit.rc === 0 ? '' : await tailOfLog(this.#job, signal),
        ...(exit.rc === 0 || this.#error === undefined ? {} : { error: this.#error }),
      };
    }
    return (await this.#lives()) ? undefined : { state: 'vanished', log: await tailOfLog(this.#job, signal) };
  }

  contact(): void {
    if (this.#told && this.#lostSince === undefined) return;
    this.#told = true;
    this.#lostSince = undefined;
    this.#options.onState?.({ state: 'running' });
  }

  lost(): void {
    if (this.#lostSince !== undefined) return;
    this.#lostSince = Date.now();
    this.#options.onState?.({ state: 'lost-contact', since: this.#lostSince });
  }

  async #readEvents(): Promise<void> {
    const { files, folder } = this.#job;
    const path = files.join(folder, 'events.jsonl');
    for (;;) {
      const found = await files.stat(path, this.#options.signal);
      if (found === undefined) return;
      this.#noticeReplacement(found);
      if (found.size <= this.#offset) return;
      let bytes: Uint8Array;
      try {
        bytes = await files.read(path, this.#offset, Math.min(chunk, found.size - this.#offset), this.#options.signal);
      } catch (error) {
        if (isMissing(error)) return;
        throw error;
      }
      if (bytes.length === 0) return;
      this.#offset += bytes.length;
      for (const line of this.#lines.push(bytes)) {
        const event = parseEvent(line);
        if (event === undefined) continue;
        if (event.type === 'error') this.#error = event;
        else if (event.type === 'start') this.#error = undefined;
        this.#options.onEvent?.(event);
      }
    }
  }

  #noticeReplacement(found: BoxStat): void {
    if ((this.#file !== undefined && this.#file !== found.id) || found.size < this.#offset) {
      this.#offset = 0;
      this.#lines = new LineReader();
    }
    this.#file = found.id;
  }

  async #lives(): Promise<boolean> {
    const { files, folder } = this.#job;
    const now = performance.now();
    const beat = await readSmall(files, files.join(folder, 'heartbeat'), 200, this.#options.signal);
    const changed = beat !== this.#heartbeat && this.#heartbeat !== undefined;
    this.#heartbeat = beat;
    if (changed || now - this.#alive < (this.#options.heartbeatMs ?? 15_000)) {
      if (changed) this.#alive = now;
      return true;
    }
    const status = await callSupervisor(this.#job, 'status', [], this.#options.signal);
    if (status.running || status.exit !== null) {
      this.#alive = now;
      return true;
    }
    // Claimed, and its supervisor has not told its pid yet: a start that is under way, for a while.
    const told = (await files.stat(files.join(folder, 'pid'), this.#options.signal)) !== undefined;
    return !told && now - this.#begun < startMs;
  }
}
