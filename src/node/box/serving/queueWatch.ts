import { JobError } from '../boxErrors.ts';
import type { Job } from '../jobFolder.ts';
import { printable, readExit, tailOfLog } from '../jobFolder.ts';
import type { JobLife } from '../launcher.ts';

type Waiting = JobLife & { readonly state: 'waiting' };

/**
 * Asks the queue after a server, as seldom as the queue wants to be asked: of one that waits, or that a queue has killed
 * with its supervisor, the job's folder says nothing. A server outside of a queue is not asked after.
 */
export class QueueWatch {
  readonly #job: Job;
  #looked = -Infinity;
  #life: JobLife | undefined;
  #goneSince: number | undefined;

  constructor(job: Job) {
    this.#job = job;
  }

  /** Resolves with what it waits for, if it waits. @throws JobError 'failed' when it is gone without a word */
  async look(signal?: AbortSignal): Promise<Waiting | undefined> {
    const { launcher } = this.#job;
    if (launcher === undefined) return undefined;
    const now = performance.now();
    if (this.#life === undefined || now - this.#looked >= (launcher.lookMs ?? 0)) {
      this.#life = await launcher.look(this.#job, signal);
      this.#looked = now;
    }
    if (this.#life.state !== 'gone') {
      this.#goneSince = undefined;
      return this.#life.state === 'waiting' ? this.#life : undefined;
    }
    this.#goneSince ??= now;
    // What its supervisor wrote last may take a while to show here, and says more.
    const settling = now - this.#goneSince < (launcher.settleMs ?? 0);
    if (settling || (await readExit(this.#job, signal)) !== undefined) return undefined;
    const log = await tailOfLog(this.#job, signal);
    throw new JobError(
      'failed',
      `The server in ${this.#job.folder} is no longer in the queue${this.#life.how === undefined ? '' : ` (Slurm: ${printable(this.#life.how, 60)})`}${log === '' ? '' : `; the end of its log: ${log.slice(-800)}`}. Serve again.`,
    );
  }
}
