import * as vscode from 'vscode';
import type { RunIndex } from '../runs/runIndex.ts';
import { ReadOnlyFiles } from './readOnlyFiles.ts';
import type { TraceLoader } from './traceLoader.ts';
import { parseTraceUri, traceUri } from './traceUri.ts';

/** `autoact-trace:` documents: a run's, which grow while it is live, and those of files. */
export class TraceFiles extends ReadOnlyFiles {
  private readonly runs: RunIndex;
  private readonly loader: TraceLoader;
  /** One follower a log, however many of its traces are open. */
  private readonly followers = new Map<
    string,
    { readonly items: Map<string, number>; readonly stop: AbortController }
  >();

  constructor(runs: RunIndex, loader: TraceLoader) {
    super();
    this.runs = runs;
    this.loader = loader;
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
    return (await this.loader.render(uri)).rendered.text;
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
