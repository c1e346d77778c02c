/** Lets at most `permits` evaluations run at once: more of them than cores only slow each other down. */
export class Gate {
  private free: number;
  private readonly queue: (() => void)[] = [];
  constructor(permits: number) {
    this.free = permits;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}
