import type { LogEntry } from '../../src/core/run/log.ts';
import type { RunLog } from '../../src/core/run/runner.ts';

/** A run log in memory. */
export class MemoryLog implements RunLog {
  readonly all: LogEntry[] = [];

  entries(item: string): readonly LogEntry[] {
    return this.all.filter((entry) => entry.item === item);
  }

  append(entry: LogEntry): void {
    this.all.push(JSON.parse(JSON.stringify(entry)) as LogEntry);
  }
}
