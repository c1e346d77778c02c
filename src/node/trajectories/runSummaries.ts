import { open } from 'node:fs/promises';
import type { LogEntry } from '../../core/run/log.ts';
import { findInNotes } from '../../core/trajectory/searchNotes.ts';
import type { TextHit } from '../../core/trajectory/searchNotes.ts';
import { addEntry, askedQuestion, empty, groupOfItem, questionKey } from '../../core/trajectory/summary.ts';
import type { TrajectorySummary } from '../../core/trajectory/summary.ts';
import { scanLines } from './scanLines.ts';

/** Summaries of a run's trajectories, read from its log; each look reads only what was appended. */
export class RunSummaries {
  private readonly byItem = new Map<string, TrajectorySummary>();
  private indexedTo = 0;
  private running: Promise<boolean> | undefined;
  private readonly path: string;

  constructor(logPath: string) {
    this.path = logPath;
  }

  /** In the order in which the items were begun. */
  get rows(): readonly TrajectorySummary[] {
    return [...this.byItem.values()];
  }

  /** @returns whether anything was new. A log that is not there (yet) is empty. */
  refresh(): Promise<boolean> {
    this.running ??= this.update().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async update(): Promise<boolean> {
    const file = await open(this.path, 'r').catch(() => undefined);
    if (file === undefined) return false;
    try {
      if ((await file.stat()).size < this.indexedTo) {
        this.byItem.clear();
        this.indexedTo = 0;
      }
      const before = this.indexedTo;
      this.indexedTo = await scanLines(file, before, ({ bytes, ended }) => {
        const entry = ended ? parseEntry(bytes) : undefined;
        if (entry !== undefined) this.add(entry);
      });
      return this.indexedTo !== before;
    } finally {
      await file.close();
    }
  }

  private add(entry: LogEntry): void {
    let summary = this.byItem.get(entry.item);
    if (summary === undefined) {
      const group = groupOfItem(entry.item);
      if (group === undefined) return;
      this.byItem.set(entry.item, (summary = empty(entry.item, group)));
    }
    if (summary.title === '' && 'asked' in entry && 'tail' in entry.asked) {
      summary.title = askedQuestion(entry.asked.tail);
      summary.question = questionKey(summary.title);
    }
    addEntry(summary, entry);
  }
}

export interface RunHit extends TextHit {
  readonly item: string;
}

/** Notes of a run's log that hold a text (lower case), the first of each item, in the order of the log. */
export async function searchLog(
  logPath: string,
  text: string,
  accepts: (item: string) => boolean,
  onHit: (hit: RunHit) => void,
  signal?: AbortSignal,
): Promise<void> {
  const file = await open(logPath, 'r').catch(() => undefined);
  if (file === undefined || text === '') return file?.close();
  const needle = JSON.stringify(text).slice(1, -1).toLowerCase();
  const seen = new Set<string>();
  try {
    await scanLines(
      file,
      0,
      ({ bytes }) => {
        if (bytes?.includes('"note":') !== true) return;
        if (!bytes.toString('utf8').toLowerCase().includes(needle)) return;
        const entry = parseEntry(bytes);
        if (entry === undefined || !('note' in entry) || seen.has(entry.item) || !accepts(entry.item)) return;
        const hit = findInNotes([entry.note], text);
        if (hit === undefined) return;
        seen.add(entry.item);
        onHit({ ...hit, item: entry.item });
      },
      { signal },
    );
  } finally {
    await file.close();
  }
}

/** A line of a log as far as it can be trusted: other programs may have written into the file. */
function parseEntry(bytes: Buffer | undefined): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('item' in value) || typeof value.item !== 'string')
    return undefined;
  const has = (name: string, inner: readonly string[]): boolean => {
    const part = (value as Readonly<Record<string, unknown>>)[name];
    return typeof part === 'object' && part !== null && inner.every((key) => key in part);
  };
  const complete =
    has('note', ['step', 'kind', 'text']) ||
    (has('answer', ['text']) && has('asked', [])) ||
    has('failed', ['reason', 'message']) ||
    'result' in value;
  return complete ? (value as LogEntry) : undefined;
}
