import * as vscode from 'vscode';
import { parseTrajectoryQuery } from '../../core/trajectory/trajectoryQuery.ts';
import { serve } from '../../protocol/serve.ts';
import type { Handlers } from '../../protocol/serve.ts';
import { protocolVersion } from '../../protocol/surface.ts';
import { trajectoriesRequests } from '../../protocol/trajectories.ts';
import type {
  TableState,
  TableView,
  TrajectoriesHostMessage,
  TrajectoriesRequests,
} from '../../protocol/trajectories.ts';
import { openComparison } from '../commands/compareCommands.ts';
import { chooseSource } from '../commands/searchCommands.ts';
import { webviewHtml } from '../dashboard/html.ts';
import { describeError, UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { openTraceAt } from '../traces/openTrace.ts';
import { openSource, searchLimit } from './sources.ts';
import type { SourceRow, TrajectorySource } from './sources.ts';
import { TableModel } from './tableModel.ts';

/** Live runs change several times a second; a table that is read need not. */
const updateMs = 1000;

interface Found {
  readonly text: string;
  readonly rows: ReadonlyMap<number, { readonly step: number }>;
  readonly cut: boolean;
}

interface PanelRow extends SourceRow {
  /** Index of its source. */
  readonly at: number;
}

/** A row at a time, so that a difference is seen early and no text of all rows is made. */
function sameRows(a: readonly SourceRow[], b: readonly SourceRow[] | undefined): boolean {
  if (a === b) return true;
  return a.length === b?.length && a.every((row, i) => JSON.stringify(row) === JSON.stringify(b[i]));
}

/** A table of trajectories in a panel of its own or as the editor of a file. */
export class TablePanel implements vscode.Disposable {
  private readonly services: Services;
  private readonly panel: vscode.WebviewPanel;
  /** The editor of a file has the file's name; a panel is named here. */
  private readonly titled: boolean;
  private state: TableState;
  private isReady = false;
  private disposed = false;
  private revision = 0;
  private timer: NodeJS.Timeout | undefined;
  private sources: {
    readonly source: TrajectorySource | undefined;
    readonly title: string;
    readonly problem?: string;
  }[] = [];
  private model = new TableModel<PanelRow>([]);
  private lists: readonly (readonly SourceRow[])[] = [];
  private loading: Promise<void> | undefined;
  private searching:
    { readonly query: string; readonly stop: AbortController; readonly found: Promise<Found> } | undefined;

  constructor(services: Services, panel: vscode.WebviewPanel, state: TableState, titled: boolean) {
    this.services = services;
    this.titled = titled;
    this.panel = panel;
    this.state = state;
    panel.webview.options = { enableScripts: true, localResourceRoots: [services.layout.webview] };
    const receive = serve({
      requests: trajectoriesRequests,
      handlers: this.handlers(),
      post: (message) => void panel.webview.postMessage(message),
      onReady: (version) => {
        if (version !== protocolVersion)
          services.log.warn(`A table speaks version ${version}, the host ${protocolVersion}.`);
        this.isReady = true;
        void this.reload();
      },
      onInvalid: (description) => {
        services.log.error(description);
      },
      describeError,
    });
    panel.webview.onDidReceiveMessage((message) => void receive(message));
    panel.onDidChangeViewState(() => {
      if (panel.visible) void this.reload();
    });
    panel.webview.html = webviewHtml(
      panel.webview,
      services.layout.webview,
      'trajectories',
      vscode.l10n.t('AutoAct trajectories'),
    );
  }

  shows(source: TableState['sources'][number]): boolean {
    return this.state.sources.length === 1 && JSON.stringify(this.state.sources[0]) === JSON.stringify(source);
  }

  reveal(): void {
    this.panel.reveal();
  }

  /** Something that may be shown here has changed. */
  update(): void {
    if (!this.panel.visible) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.reload();
    }, updateMs);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    clearTimeout(this.timer);
    this.searching?.stop.abort();
    this.panel.dispose();
  }

  private reload(): Promise<void> {
    this.loading ??= this.read().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  /** The first rows of a large file, before all of it is read: only where nothing depends on the others. */
  private async readHead(): Promise<void> {
    const { sources, query, sort, descending } = this.state;
    const [only] = sources;
    if (only === undefined || sources.length > 1 || query !== '' || sort !== 'order' || descending) return;
    // Whatever is wrong is told when all is read.
    const source = await openSource(this.services, only).catch(() => undefined);
    const rows = await source?.head().catch(() => undefined);
    if (source === undefined || rows === undefined || rows.length === 0 || this.disposed) return;
    this.sources = [{ source, title: source.title }];
    this.model = new TableModel(rows.map((row) => ({ ...row, at: 0 })));
    this.post(true);
  }

  private async read(): Promise<void> {
    if (this.revision === 0) await this.readHead();
    const read = await Promise.all(
      this.state.sources.map(async (each) => {
        const named = each.kind === 'run' ? each.id : vscode.workspace.asRelativePath(each.path);
        try {
          const source = await openSource(this.services, each);
          return { source, title: source.title, rows: await source.rows() };
        } catch (error) {
          const { message, remedy = '' } = describeError(error);
          return { source: undefined, title: named, rows: [], problem: `${message} ${remedy}`.trim() };
        }
      }),
    );
    if (this.disposed) return;
    this.sources = read.map(({ source, title, problem }) => ({
      source,
      title,
      ...(problem === undefined ? {} : { problem }),
    }));
    const lists = read.map(({ rows }) => rows);
    const same = lists.length === this.lists.length && lists.every((rows, i) => sameRows(rows, this.lists[i]));
    if (this.revision === 0 || !same) {
      this.lists = lists;
      this.model = new TableModel(lists.flatMap((rows, at) => rows.map((row) => ({ ...row, at }))));
      this.revision++;
      this.searching?.stop.abort();
      this.searching = undefined;
    }
    this.post();
  }

  private post(partial = false): void {
    if (this.disposed || !this.isReady) return;
    const title = this.sources.map((source) => source.title).join(', ');
    if (this.titled) this.panel.title = vscode.l10n.t('Trajectories: {0}', title);
    const message: TrajectoriesHostMessage = {
      type: 'snapshot',
      version: protocolVersion,
      snapshot: {
        title,
        revision: this.revision,
        sources: this.sources.map(({ title: name, problem }) => ({
          title: name,
          ...(problem === undefined ? {} : { problem }),
        })),
        total: this.model.rows.length,
        partial,
        groups: this.model.groups(),
        levels: this.model.levels(),
        outcomes: this.model.outcomes(),
        columns: this.model.columns(),
      },
      state: this.state,
    };
    void this.panel.webview.postMessage(message);
  }

  /** Rows that hold the query's text; the search of an older query is stopped. */
  private find(query: string): Promise<Found> | undefined {
    const parsed = parseTrajectoryQuery(query);
    if (parsed.text === '') return undefined;
    if (this.searching?.query === query) return this.searching.found;
    this.searching?.stop.abort();
    const stop = new AbortController();
    const found = (async (): Promise<Found> => {
      const byKey = this.sources.map(() => new Map<string, number>());
      for (const [i, { at, key }] of this.model.rows.entries()) byKey[at]?.set(key, i);
      const rows = new Map<number, { step: number }>();
      for (const [at, { source }] of this.sources.entries())
        await source?.search(
          parsed,
          ({ key, step }) => {
            const row = byKey[at]?.get(key);
            if (row !== undefined) rows.set(row, { step });
            return rows.size < searchLimit && !stop.signal.aborted;
          },
          stop.signal,
        );
      return { text: parsed.text, rows, cut: rows.size >= searchLimit };
    })();
    found.catch(() => undefined); // whoever awaits it hears of it; a search that was stopped interests nobody
    this.searching = { query, stop, found };
    return found;
  }

  private async select(view: TableView): Promise<{ readonly rows: readonly number[]; readonly cut: boolean }> {
    const found = await this.find(view.query);
    const only = found === undefined ? undefined : new Set(found.rows.keys());
    return { rows: this.model.select(view, only), cut: found?.cut === true };
  }

  private uriAt(row: number): vscode.Uri {
    const found = this.model.rows[row];
    const uri = found === undefined ? undefined : this.sources[found.at]?.source?.uriOf(found.key);
    if (uri === undefined)
      throw new UserError(
        vscode.l10n.t('This trajectory is not there any more.'),
        vscode.l10n.t('Close the table and open it again.'),
      );
    return uri;
  }

  private handlers(): Handlers<TrajectoriesRequests> {
    return {
      rows: async ({ offset, count, ...view }) => {
        const { rows, cut } = await this.select(view);
        return {
          rows: rows.slice(offset, offset + count).flatMap((row) => {
            const found = this.model.rows[row];
            if (found === undefined) return [];
            const { at: _at, key: _key, ...shown } = found;
            return [{ ...shown, row }];
          }),
          total: rows.length,
          problems: [...parseTrajectoryQuery(view.query).problems],
          cut,
        };
      },
      matrix: ({ first, second }) => {
        const { rows, unpaired } = this.model.matrix(first, second);
        return Promise.resolve({ rows: [...rows], unpaired });
      },
      open: async ({ row, query }) => {
        const uri = this.uriAt(row);
        const found = await this.find(query);
        await openTraceAt(uri, { step: found?.rows.get(row)?.step, text: found?.text });
        return null;
      },
      compare: async ({ row, with: group }) => {
        const left = this.uriAt(row);
        const [other] = this.model.counterparts(row, group);
        if (other === undefined)
          throw new UserError(
            vscode.l10n.t('The other side has no trajectory of this question.'),
            vscode.l10n.t('Choose another one to compare with.'),
          );
        await openComparison(left, this.uriAt(other));
        return null;
      },
      addSource: async () => {
        const chosen = await chooseSource(this.services, vscode.l10n.t('Whose trajectories should be added?'));
        if (chosen === undefined) return null;
        if (this.state.sources.some((known) => JSON.stringify(known) === JSON.stringify(chosen)))
          throw new UserError(vscode.l10n.t('These trajectories are in the table already.'));
        this.state = { ...this.state, sources: [...this.state.sources, chosen] };
        await this.read();
        return null;
      },
      keep: (kept) => {
        this.state = { ...this.state, ...kept };
        return Promise.resolve(null);
      },
    };
  }
}
