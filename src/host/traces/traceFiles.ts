import * as vscode from 'vscode';
import { renderTrace } from '../../core/trajectory/traceText.ts';
import type { TraceEnd } from '../../core/trajectory/traceText.ts';
import type { TraceNote } from '../../core/run/request.ts';
import type { LogReader } from '../../node/store/logReader.ts';
import { isLive } from '../runs/runRecord.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import { describeResult } from '../runs/trajectories.ts';
import { ReadOnlyFiles } from './readOnlyFiles.ts';
import { parseTraceUri, traceUri } from './traceUri.ts';

/** `autoact-trace:` documents: an item's notes from the log, growing while the run is live. */
export class TraceFiles extends ReadOnlyFiles {
  private readonly runs: RunIndex;
  /** One follower a log, however many of its traces are open. */
  private readonly followers = new Map<
    string,
    { readonly items: Map<string, number>; readonly stop: AbortController }
  >();

  constructor(runs: RunIndex) {
    super();
    this.runs = runs;
    // A run that ended or went on changes the last line of its traces.
    const last = new Map<string, string>();
    runs.onDidChange(() => {
      for (const id of this.followers.keys()) {
        const state = runs.find(id)?.status.state ?? 'gone';
        if (last.get(id) === state) continue;
        last.set(id, state);
        for (const item of this.followers.get(id)?.items.keys() ?? []) this.touch(traceUri(id, item));
      }
    });
  }

  protected async generate(uri: vscode.Uri): Promise<string> {
    const address = parseTraceUri(uri);
    await this.runs.ready();
    const run = address === undefined ? undefined : this.runs.find(address.run);
    if (address === undefined || run === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const log = this.runs.logOf(run);
    await log.refresh();
    if (log.item(address.item) === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const notes = await readNotes(log, address.item);
    const score = (await this.runs.scores.of(run.folder)).get(address.item);
    const end = await readEnd(log, address.item, isLive(run.status), score);
    return renderTrace({ run: run.id, item: address.item, task: run.status.task }, notes, end).text;
  }

  protected follow(uri: vscode.Uri): vscode.Disposable {
    const address = parseTraceUri(uri);
    const run = address === undefined ? undefined : this.runs.find(address.run);
    if (address === undefined || run === undefined) return new vscode.Disposable(() => undefined);
    let follower = this.followers.get(run.id);
    if (follower === undefined) {
      const created = { items: new Map<string, number>(), stop: new AbortController() };
      follower = created;
      this.followers.set(run.id, created);
      this.runs.logOf(run).follow((keys) => {
        for (const item of created.items.keys()) if (keys.has(item)) this.touch(traceUri(run.id, item));
      }, created.stop.signal);
    }
    const { items, stop } = follower;
    items.set(address.item, (items.get(address.item) ?? 0) + 1);
    return new vscode.Disposable(() => {
      const left = (items.get(address.item) ?? 1) - 1;
      if (left > 0) items.set(address.item, left);
      else items.delete(address.item);
      if (items.size > 0) return;
      stop.abort();
      this.followers.delete(run.id);
    });
  }
}

export async function readNotes(log: LogReader, item: string): Promise<TraceNote[]> {
  return (await log.entries(item, 'note')).flatMap((entry) => ('note' in entry ? [entry.note] : []));
}

async function readEnd(log: LogReader, key: string, live: boolean, score: number | undefined): Promise<TraceEnd> {
  const item = log.item(key);
  if (item === undefined || item.state === 'open') return live ? { state: 'live' } : { state: 'stopped' };
  const entry = (await log.entries(key, item.state === 'failed' ? 'failed' : 'result')).at(-1);
  if (entry !== undefined && 'failed' in entry) return { state: 'failed', ...entry.failed };
  return {
    state: 'finished',
    summary: describeResult(entry !== undefined && 'result' in entry ? entry.result : undefined, score).text,
  };
}
