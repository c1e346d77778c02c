import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from './boxErrors.ts';
import type { BoxStat } from './boxFiles.ts';
import { isMissing, readSmall } from './boxFiles.ts';
import type { JobEvent } from '../../core/box/jobEvents.ts';
import { parseEvent } from '../../core/box/jobEvents.ts';
import { LineReader } from './lineReader.ts';
import type { Job, JobExit } from './jobFolder.ts';
import { readExit, stopped, tailOfLog, wasCancelled } from './jobFolder.ts';
import type { JobLife, Launcher } from './launcher.ts';
import { processLauncher } from './launcher.ts';

export type JobState =
  | { readonly state: 'running' }
  /** In a queue. `position` 1 is next; `startsAt` is the queue's own estimate, in its own words. */
  | { readonly state: 'waiting'; readonly reason: string; readonly position?: number; readonly startsAt?: string }
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
  /**
   * No exit file, and no supervisor: killed, or the machine was restarted. `resumeJob` goes on. `how`: what a queue
   * says of its end, in its own word.
   */
  | { readonly state: 'vanished'; readonly log: string; readonly how?: string };

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
  readonly #launcher: Launcher;
  readonly #options: FollowOptions;
  #lines = new LineReader();
  #offset = 0;
  #file: string | undefined;
  #error: (JobEvent & { type: 'error' }) | undefined;
  #heartbeat: string | undefined;
  /** When the heartbeat last changed, or the launcher said that the job lives. */
  #alive = -Infinity;
  #looked = -Infinity;
  #life: JobLife = { state: 'running' };
  #begun = performance.now();
  #goneSince: number | undefined;
  #lostSince: number | undefined;
  #told = '';

  constructor(job: Job, options: FollowOptions) {
    this.#job = job;
    this.#launcher = job.launcher ?? processLauncher;
    this.#options = options;
  }

  async poll(): Promise<JobEnd | undefined> {
    const { signal } = this.#options;
    // Looked at before the events are read: what is read afterwards includes the job's last words.
    const exit = await readExit(this.#job, signal);
    await this.#readEvents();
    const cancelled = await wasCancelled(this.#job, signal);
    if (exit === undefined) {
      const life = await this.#lives(cancelled);
      if (life.state !== 'gone') {
        this.#tell(life);
        return undefined;
      }
      if (cancelled && this.#launcher.requeues) return { state: 'cancelled', exit: stopped };
      const log = await tailOfLog(this.#job, signal);
      return { state: 'vanished', log, ...(life.how === undefined ? {} : { how: life.how }) };
    }
    if (exit.rc !== 0 && cancelled) return { state: 'cancelled', exit };
    if (exit.rc === stopped.rc && this.#launcher.requeues && (await this.#look()).state !== 'gone') {
      this.#tell(this.#life);
      return undefined;
    }
    return {
      state: 'finished',
      exit,
      log: exit.rc === 0 ? '' : await tailOfLog(this.#job, signal),
      ...(exit.rc === 0 || this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #tell(life: JobLife): void {
    this.#lostSince = undefined;
    if (life.state === 'gone') return;
    const state: JobState = life.state === 'running' ? { state: 'running' } : life;
    const told = JSON.stringify(state);
    if (told === this.#told) return;
    this.#told = told;
    this.#options.onState?.(state);
  }

  lost(): void {
    if (this.#lostSince !== undefined) return;
    this.#lostSince = Date.now();
    this.#told = 'lost-contact';
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

  /** Of a job that has not told its end. */
  async #lives(cancelled: boolean): Promise<JobLife> {
    const { files, folder } = this.#job;
    const now = performance.now();
    const beat = await readSmall(files, files.join(folder, 'heartbeat'), 200, this.#options.signal);
    const changed = beat !== this.#heartbeat && this.#heartbeat !== undefined;
    this.#heartbeat = beat;
    if (changed) {
      this.#alive = now;
      this.#goneSince = undefined;
    }
    if (now - this.#alive < (this.#options.heartbeatMs ?? 15_000)) return { state: 'running' };
    const life = await this.#look();
    if (life.state !== 'gone') {
      // What a supervisor says of its own machine is as good as a heartbeat.
      if (!this.#launcher.requeues) this.#alive = now;
      this.#goneSince = undefined;
      return life;
    }
    // Claimed, and its supervisor has not told its pid yet: a start that is under way, for a while.
    const begun = (await files.stat(files.join(folder, 'pid'), this.#options.signal)) !== undefined;
    if (!begun && cancelled && this.#launcher.requeues) return life;
    if (!begun && now - this.#begun < startMs) return { state: 'running' };
    this.#goneSince ??= now;
    return now - this.#goneSince < (this.#launcher.settleMs ?? 0) ? { state: 'running' } : life;
  }

  async #look(): Promise<JobLife> {
    const now = performance.now();
    if (now - this.#looked >= (this.#launcher.lookMs ?? 0)) {
      this.#life = await this.#launcher.look(this.#job, this.#options.signal);
      this.#looked = now;
    }
    return this.#life;
  }
}
