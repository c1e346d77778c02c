import type { BoxStatus } from '../../core/box/boxStatus.ts';

/**
 * Jobs that this window has told to stop. A box is looked at every few seconds only, and what was pressed shows at once;
 * from then on the box has the last word.
 */
export class StoppingJobs {
  /** By box and job: how many looks at the box may still find it alive. */
  readonly #jobs = new Map<string, Map<string, number>>();

  begin(box: string, job: string): void {
    const jobs = this.#jobs.get(box) ?? new Map<string, number>();
    jobs.set(job, Infinity);
    this.#jobs.set(box, jobs);
  }

  /** Stopping it is over. A look that was under way meanwhile says nothing of that. */
  end(box: string, job: string): void {
    const jobs = this.#jobs.get(box);
    if (jobs?.has(job) === true) jobs.set(job, 1);
  }

  /** It was not stopped after all. */
  forget(box: string, job: string): void {
    this.#jobs.get(box)?.delete(job);
  }

  /** A look at the box. */
  see(box: string, { jobs }: Pick<BoxStatus, 'jobs'>): void {
    const marked = this.#jobs.get(box);
    const live = new Set(jobs.flatMap(({ id, state }) => (state === 'running' || state === 'waiting' ? [id] : [])));
    for (const [job, looks] of marked ?? [])
      if (looks === 0 || !live.has(job)) marked?.delete(job);
      else marked?.set(job, looks - 1);
  }

  of(box: string): readonly string[] {
    return [...(this.#jobs.get(box)?.keys() ?? [])];
  }
}
