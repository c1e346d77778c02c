import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, basename } from 'node:path';
import type { LogEntry } from '../../core/run/log.ts';

/**
 * Reads a run's `log.jsonl` by byte offset: each refresh reads only what was appended, and what an item said is found
 * by an index of offsets instead of keeping the log in memory. A last line without its line feed is still being
 * written (or was torn by a kill) and is left for the next refresh.
 */

export type LogEntryType = 'answer' | 'note' | 'failed' | 'result' | 'event';

/** Where an entry stands in the log, in bytes, and what its first fields say. */
export interface LogEntryRef {
  readonly offset: number;
  readonly length: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: LogEntryType;
  /** Purpose, tool or kind of note; empty for the others. */
  readonly label: string;
}

export interface LogItem {
  readonly key: string;
  readonly entries: readonly LogEntryRef[];
  /** `open` while it is being worked on, or when it was left behind by a run that ended. */
  readonly state: 'open' | 'finished' | 'failed';
}

interface Item {
  key: string;
  entries: LogEntryRef[];
  state: LogItem['state'];
}

const string = '"((?:[^"\\\\]|\\\\.)*)"';
/** The fields in the order in which the runner writes them; other orders take the slow path. */
const head = new RegExp(
  `^\\{"t":(\\d+(?:\\.\\d+)?),"item":${string}(?:,"i":${string})?(?:,"hash":${string})?(?:,"label":${string})?,"(answer|ms|note|failed|result|event)":`,
);
const typeOfField: Readonly<Record<string, LogEntryType>> = {
  answer: 'answer',
  ms: 'answer',
  note: 'note',
  failed: 'failed',
  result: 'result',
  event: 'event',
};
/** Enough for the first fields of an entry. */
const headLength = 1024;
const chunkSize = 1 << 20;
const lineFeed = 0x0a;

function unquote(text: string): string {
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Head {
  readonly item: string;
  readonly at: number;
  readonly type: LogEntryType;
  readonly label: string;
}

function readHead(line: Buffer): Head | undefined {
  const match = head.exec(line.toString('utf8', 0, Math.min(line.length, headLength)));
  if (match !== null) {
    return {
      at: Number(match[1]),
      item: unquote(match[2] ?? ''),
      label: unquote(match[5] ?? ''),
      type: typeOfField[match[6] ?? ''] ?? 'answer',
    };
  }
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value['item'] !== 'string') return undefined;
  const type = (['answer', 'note', 'failed', 'result', 'event'] as const).find((name) => name in value);
  if (type === undefined) return undefined;
  return {
    at: typeof value['t'] === 'number' ? value['t'] : 0,
    item: value['item'],
    label: typeof value['label'] === 'string' ? value['label'] : '',
    type,
  };
}

export class LogReader {
  private readonly byKey = new Map<string, Item>();
  private offset = 0;
  private readonly listeners = new Set<(keys: ReadonlySet<string>) => void>();
  private running: Promise<ReadonlySet<string>> | undefined;
  /** Lines that are no entries: damage, or a line that was torn by a kill and then written on. */
  unreadable = 0;

  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Reads what was appended. @returns the keys of the items that changed. A log that does not exist yet is empty. */
  refresh(): Promise<ReadonlySet<string>> {
    this.running ??= this.readAppended()
      .then((changed) => {
        // Whoever asked for the refresh, everyone who follows the log hears of it.
        if (changed.size > 0) for (const listener of [...this.listeners]) listener(changed);
        return changed;
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  get keys(): Iterable<string> {
    return this.byKey.keys();
  }

  item(key: string): LogItem | undefined {
    return this.byKey.get(key);
  }

  /** Items whose key begins with `prefix`, in the order in which they first appeared. */
  items(prefix = ''): LogItem[] {
    return [...this.byKey.values()].filter((item) => item.key.startsWith(prefix));
  }

  /** The parsed entries at these places; damaged ones are left out. */
  async read(refs: readonly LogEntryRef[]): Promise<LogEntry[]> {
    if (refs.length === 0) return [];
    let file: FileHandle;
    try {
      file = await open(this.path, 'r');
    } catch (error) {
      if (isRecord(error) && error['code'] === 'ENOENT') return [];
      throw error;
    }
    try {
      const entries: LogEntry[] = [];
      for (const ref of refs) {
        const buffer = Buffer.alloc(ref.length);
        await file.read(buffer, 0, ref.length, ref.offset);
        try {
          const value: unknown = JSON.parse(buffer.toString('utf8'));
          if (isRecord(value)) entries.push(value as unknown as LogEntry); // its head was checked when it was indexed
        } catch {
          this.unreadable += 1;
        }
      }
      return entries;
    } finally {
      await file.close();
    }
  }

  /** All entries of an item, in order. */
  async entries(key: string, type?: LogEntryType): Promise<LogEntry[]> {
    const refs = this.byKey.get(key)?.entries ?? [];
    return this.read(type === undefined ? refs : refs.filter((ref) => ref.type === type));
  }

  /**
   * Reads the log whenever it has grown, at most four times a second, until the signal aborts. The callback gets the
   * keys of the items that changed. A folder that does not exist yet cannot be followed.
   */
  follow(onChange: (keys: ReadonlySet<string>) => void, signal: AbortSignal): void {
    let timer: NodeJS.Timeout | undefined;
    const update = (): void => {
      timer = undefined;
      this.refresh().catch(() => undefined); // the folder was deleted under us: nothing more to show
    };
    this.listeners.add(onChange);
    const schedule = (): void => {
      timer ??= setTimeout(update, 250);
    };
    const name = basename(this.path);
    // The folder rather than the file: the log may not exist yet.
    const watcher = watch(dirname(this.path), (_event, file) => {
      if (file === null || file === name) schedule();
    });
    watcher.on('error', () => watcher.close());
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      watcher.close();
      this.listeners.delete(onChange);
    });
    schedule();
  }

  private async readAppended(): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    let file: FileHandle;
    try {
      file = await open(this.path, 'r');
    } catch (error) {
      if (isRecord(error) && error['code'] === 'ENOENT') return changed;
      throw error;
    }
    try {
      if ((await file.stat()).size < this.offset) {
        // Cut short: a resumed run drops a torn last line, which we never indexed; anything else is a new log.
        this.byKey.clear();
        this.offset = 0;
      }
      let rest = Buffer.alloc(0);
      let position = this.offset;
      const chunk = Buffer.allocUnsafe(chunkSize);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, chunkSize, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const data =
          rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
        let start = 0;
        for (let end = data.indexOf(lineFeed, start); end >= 0; end = data.indexOf(lineFeed, start)) {
          this.index(data.subarray(start, end), this.offset, changed);
          this.offset += end - start + 1;
          start = end + 1;
        }
        rest = Buffer.from(data.subarray(start));
      }
    } finally {
      await file.close();
    }
    return changed;
  }

  private index(line: Buffer, offset: number, changed: Set<string>): void {
    if (line.length === 0) return;
    const found = readHead(line);
    if (found === undefined) {
      this.unreadable += 1;
      return;
    }
    if (found.type === 'event') return; // belongs to the run as a whole
    let item = this.byKey.get(found.item);
    if (item === undefined) {
      item = { key: found.item, entries: [], state: 'open' };
      this.byKey.set(found.item, item);
    }
    item.entries.push({ offset, length: line.length, at: found.at, type: found.type, label: found.label });
    item.state =
      found.type === 'failed'
        ? 'failed'
        : found.type === 'result'
          ? 'finished'
          : item.state === 'finished'
            ? 'finished'
            : 'open';
    changed.add(found.item);
  }
}
