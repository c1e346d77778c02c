// Jobs that run side by side, each with its output whole.

/**
 * Begins jobs in their order, as many at a time as `slots` allows; one that takes as many as there are runs alone, and so
 * does an only one.
 * What a job prints comes at once where it runs alone, else as one block at its end. If the program is ended early, so
 * much as has been printed until then is shown.
 * @template T
 * @param {{ title: string, slots: number, run: (print: (text: string) => void) => Promise<T> }[]} jobs
 * @param {number} slots
 * @param {(text: string) => void} write
 * @returns {Promise<T[]>} in the order of the jobs
 */
export async function sideBySide(jobs, slots, write = (text) => void process.stdout.write(text)) {
  const results = [];
  const takes = (job) => (jobs.length === 1 ? slots : Math.min(job.slots, slots));
  const waiting = jobs.map((job, at) => ({ ...job, at, takes: takes(job) }));
  const running = new Map();
  const held = new Map();
  let free = slots;

  const begin = (job) => {
    free -= job.takes;
    const heading = `\n── ${job.title}\n`;
    const alone = job.takes === slots;
    if (!alone) held.set(job.at, [heading]);
    write(alone ? heading : `\n… ${job.title} begins; its output comes when it has ended\n`);
    const print = alone ? write : (text) => void held.get(job.at)?.push(text);
    const show = () => {
      write((held.get(job.at) ?? []).join(''));
      held.delete(job.at);
    };
    running.set(
      job.at,
      job
        .run(print)
        .then((result) => (results[job.at] = result))
        .finally(() => {
          show();
          running.delete(job.at);
          free += job.takes;
        }),
    );
  };
  const ended = (signal) => {
    for (const texts of held.values()) write(texts.join(''));
    held.clear();
    process.kill(process.pid, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, ended);
  try {
    while (waiting.length > 0 || running.size > 0) {
      while (waiting.length > 0 && waiting[0].takes <= free) begin(waiting.shift());
      await Promise.race(running.values());
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, ended);
  }
  return results;
}
