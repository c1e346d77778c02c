import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { DebugError } from '../../core/debug/debugError.ts';
import { forkFile, forkId, traceExtension } from '../../core/debug/forkId.ts';
import { debugModes, type DebugMode, type Fork, type ForkRecord, type ForkStore } from '../../core/debug/target.ts';
import type { LogEntry } from '../../core/run/log.ts';
import { jsonLines, writeFileAtomic } from '../store/atomicFile.ts';
import { diskError } from '../store/logFile.ts';

const Record = z.object({
  version: z.literal(1),
  id: z.string(),
  run: z.string(),
  root: z.string(),
  parent: z.string(),
  forkedAt: z.number().int().nonnegative(),
  forkStep: z.number(),
  mode: z.enum(debugModes as readonly [DebugMode, ...DebugMode[]]),
  createdAt: z.string(),
  task: z.string().optional(),
  question: z.string().optional(),
  source: z.object({ file: z.string(), line: z.number().int().positive() }).optional(),
  edits: z.array(
    z.object({ i: z.string(), step: z.number(), field: z.string(), before: z.string(), after: z.string() }),
  ),
});

/** A fork is no run that could be resumed: its plan stands in the debugger. */
const remedy =
  'Make room or the folder writable, then go on or make the edit again in the debugger. The original trajectory is as it was.';

/**
 * Forks as files, one each: a first line that says what it is, then a log like a run's. They lie beside the run's log
 * and not in it, so that no stage of the pipeline ever reads one.
 */
export class ForkFiles implements ForkStore {
  readonly #folder: string;
  readonly #scheme: string | undefined;

  /** @param scheme of the URIs under which the editor shows forks, when it does */
  constructor(folder: string, scheme: string | undefined) {
    this.#folder = folder;
    this.#scheme = scheme;
  }

  open(root: string): Fork {
    const taken = new Set(names(this.#folder));
    let number = 1;
    while (taken.has(forkFile(root, number))) number++;
    const path = join(this.#folder, forkFile(root, number));
    return {
      id: forkId(root, number),
      ...(this.#scheme === undefined ? {} : { document: forkDocument(this.#scheme, path) }),
      write: (record, entries) => {
        const first = { t: Date.parse(record.createdAt), item: 'run', event: 'fork', detail: record };
        try {
          writeFileAtomic(path, jsonLines([first, ...entries]), false);
        } catch (error) {
          throw diskError(path, error, remedy);
        }
      },
      append: (entry) => {
        try {
          appendWhole(path, jsonLines([entry]));
        } catch (error) {
          throw diskError(path, error, remedy);
        }
      },
    };
  }
}

/** A full disk may take half of it: that is taken back, or the next line would become part of it. */
function appendWhole(path: string, text: string): void {
  const { size } = statSync(path);
  try {
    appendFileSync(path, text);
  } catch (error) {
    truncateSync(path, size);
    throw error;
  }
}

/** URI of a fork's trace: the path of its file, so that breakpoints in it stay. */
export function forkDocument(scheme: string, path: string): string {
  return `${scheme}:${pathToFileURL(path).pathname.replace(/\.jsonl$/, traceExtension)}`;
}

export interface StoredFork {
  readonly record: ForkRecord;
  readonly entries: readonly LogEntry[];
}

/** Reads a fork's file. A last line that is still being written is left out. @throws DebugError `launch` */
export function readFork(path: string): StoredFork {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new DebugError('launch', `There is no fork at ${path}.`);
  }
  const [first, ...rest] = text.split('\n').flatMap((line): unknown[] => {
    try {
      return line === '' ? [] : [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  const parsed = z.object({ event: z.literal('fork'), detail: Record }).safeParse(first);
  if (!parsed.success) throw new DebugError('launch', `${path} is not a fork that was made in the debugger.`);
  const { task, question, source, ...record } = parsed.data.detail;
  return {
    record: {
      ...record,
      ...(task === undefined ? {} : { task }),
      ...(question === undefined ? {} : { question }),
      ...(source === undefined ? {} : { source }),
    },
    entries: rest.filter((entry): entry is LogEntry => typeof entry === 'object' && entry !== null && 'item' in entry),
  };
}

/** Files of the forks in a folder, oldest name first; none when there is no such folder. */
export function forkFiles(folder: string): string[] {
  return names(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(folder, name));
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
