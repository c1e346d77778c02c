import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { contextKeys } from '../../contrib/ids.ts';
import { RunStatus } from '../../core/run/status.ts';
import { TaskCard } from '../../core/task/taskCard.ts';
import { LogReader } from '../../node/store/logReader.ts';
import { isAlive } from '../../node/store/runFolder.ts';
import { Disposables } from '../disposables.ts';
import { Scores } from '../provenance/products.ts';
import { isLive } from './runRecord.ts';
import type { BrokenRun, RunRecord, TaskRecord } from './runRecord.ts';

/** How often live runs are looked at for what no file watcher reports: that their process is gone. */
const livenessMs = 1500;
/**
 * How often modification times are compared. On Linux the editor's recursive watcher never sees into a folder whose
 * parents were made in the same instant, which is how a runner in a terminal makes the first run of a workspace.
 */
const rescanMs = 5000;
const runsFolder = join('.autoact', 'runs');

/**
 * The tasks and runs of the workspace's folders. Runs that this window started report their status themselves; others
 * (a terminal, another window) are read from their `status.json` whenever it changes.
 */
export class RunIndex implements vscode.Disposable {
  private readonly owned = new Disposables();
  private readonly changed = this.owned.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private readonly byId = new Map<string, RunRecord>();
  private readonly broken = new Map<string, BrokenRun>();
  private readonly tasksByFile = new Map<string, TaskRecord>();
  /** Rewards and scores of the runs' items. */
  readonly scores = new Scores();
  private readonly logs = new Map<string, LogReader>();
  private readonly modified = new Map<string, number>();
  private readonly looked = new Map<string, number>();
  private readonly log: vscode.LogOutputChannel;
  private timer: NodeJS.Timeout | undefined;
  private readonly rescan = setInterval(() => void this.lookForChanges(), rescanMs);
  private scan: Promise<void> | undefined;

  constructor(log: vscode.LogOutputChannel) {
    this.log = log;
    for (const folder of vscode.workspace.workspaceFolders ?? []) this.watch(folder);
    this.owned.add(
      vscode.workspace.onDidChangeWorkspaceFolders((event) => {
        for (const folder of event.added) this.watch(folder);
        void this.refresh();
      }),
    );
  }

  /** Resolves when the workspace has been read once. */
  ready(): Promise<void> {
    this.scan ??= this.refresh();
    return this.scan;
  }

  tasks(): TaskRecord[] {
    return [...this.tasksByFile.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Newest first. */
  runs(): RunRecord[] {
    return [...this.byId.values()].sort((a, b) => b.status.startedAt.localeCompare(a.status.startedAt));
  }

  brokenRuns(): BrokenRun[] {
    return [...this.broken.values()];
  }

  find(id: string): RunRecord | undefined {
    return this.byId.get(id);
  }

  /** As its file has it now: what is reported of a run may be some moments old. */
  async reread(run: RunRecord): Promise<RunRecord> {
    const reported = this.byId.get(run.id) ?? run;
    await this.readRun(run.folder, run.workspace);
    const read = this.byId.get(run.id);
    if (read === undefined) return reported;
    // The runner's own report may come before the file.
    const newer = read.status.updatedAt < reported.status.updatedAt ? reported : read;
    this.byId.set(run.id, newer);
    return newer;
  }

  task(file: string): TaskRecord | undefined {
    return this.tasksByFile.get(file);
  }

  /** Path of a run's task card, whether or not it still exists. */
  taskFileOf(run: RunRecord): string {
    return isAbsolute(run.status.taskFile) ? run.status.taskFile : resolve(run.workspace, run.status.taskFile);
  }

  runsOf(task: TaskRecord): RunRecord[] {
    return this.runs().filter((run) => this.taskFileOf(run) === task.file);
  }

  logOf(run: RunRecord): LogReader {
    let reader = this.logs.get(run.folder);
    if (reader === undefined) {
      reader = new LogReader(join(run.folder, 'log.jsonl'));
      this.logs.set(run.folder, reader);
    }
    return reader;
  }

  /** Takes a status that the runner printed, so that the views need not wait for the file. */
  update(folder: string, workspace: string, status: RunStatus): void {
    this.broken.delete(status.run);
    this.byId.set(status.run, { id: status.run, folder, workspace, status });
    this.fire();
  }

  /** Reads everything again. */
  async refresh(): Promise<void> {
    const workspaces = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
    const cards = await vscode.workspace.findFiles(
      '**/*.task.json',
      '{**/node_modules/**,**/.autoact/**,**/.git/**}',
      500,
    );
    this.tasksByFile.clear();
    await Promise.all(cards.filter((uri) => uri.scheme === 'file').map((uri) => this.readTask(uri)));
    const seen = new Set<string>();
    for (const { uri } of workspaces) {
      let names: string[];
      try {
        names = await readdir(join(uri.fsPath, runsFolder));
      } catch {
        continue; // no runs yet
      }
      for (const name of names) {
        const folder = join(uri.fsPath, runsFolder, name);
        await this.readRun(folder, uri.fsPath);
        seen.add(folder);
      }
    }
    for (const [id, run] of this.byId) if (!seen.has(run.folder) && !isLive(run.status)) this.byId.delete(id);
    for (const [id, run] of this.broken) if (!seen.has(run.folder)) this.broken.delete(id);
    this.fire();
  }

  /** Forgets a run whose folder is gone. */
  forget(id: string): void {
    this.byId.delete(id);
    this.broken.delete(id);
    this.fire();
  }

  async readTask(uri: vscode.Uri): Promise<TaskRecord | undefined> {
    const file = uri.fsPath;
    const workspace = vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? join(file, '..');
    const fallback = { file, workspace, name: basename(file, '.task.json'), description: '', metric: '', examples: 0 };
    let record: TaskRecord;
    try {
      const parsed = TaskCard.safeParse(JSON.parse(await readFile(file, 'utf8')));
      if (parsed.success) {
        const { name, description, metric, examples } = parsed.data;
        record = { file, workspace, name, description, metric, examples: examples.length };
      } else {
        const issue = parsed.error.issues[0];
        record = {
          ...fallback,
          problem: vscode.l10n.t(
            '{0}: {1}. Open the card; the editor marks what is wrong.',
            issue?.path.join('.') || vscode.l10n.t('The card'),
            issue?.message ?? vscode.l10n.t('not valid'),
          ),
        };
      }
    } catch (error) {
      record = {
        ...fallback,
        problem: vscode.l10n.t('The card cannot be read: {0}', error instanceof Error ? error.message : String(error)),
      };
    }
    this.tasksByFile.set(file, record);
    return record;
  }

  dispose(): void {
    clearInterval(this.timer);
    clearInterval(this.rescan);
    this.owned.dispose();
  }

  private watch(folder: vscode.WorkspaceFolder): void {
    if (folder.uri.scheme !== 'file') return;
    const statusFiles = this.owned.add(
      vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, '.autoact/runs/*/status.json')),
    );
    const onStatus = (uri: vscode.Uri): void => {
      void this.readRun(join(uri.fsPath, '..'), folder.uri.fsPath).then(() => {
        this.fire();
      });
    };
    this.owned.add(statusFiles.onDidCreate(onStatus));
    this.owned.add(statusFiles.onDidChange(onStatus));
    this.owned.add(
      statusFiles.onDidDelete((uri) => {
        this.forget(basename(join(uri.fsPath, '..')));
      }),
    );
    const cards = this.owned.add(
      vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, '**/*.task.json')),
    );
    const onCard = (uri: vscode.Uri): void => {
      void this.readTask(uri).then(() => {
        this.fire();
      });
    };
    this.owned.add(cards.onDidCreate(onCard));
    this.owned.add(cards.onDidChange(onCard));
    this.owned.add(
      cards.onDidDelete((uri) => {
        this.tasksByFile.delete(uri.fsPath);
        this.fire();
      }),
    );
  }

  private async readRun(folder: string, workspace: string): Promise<void> {
    const id = basename(folder);
    const file = join(folder, 'status.json');
    try {
      const { mtimeMs } = await stat(file);
      const known = this.byId.get(id);
      if (known !== undefined && this.modified.get(file) === mtimeMs && !isLive(known.status)) return;
      const parsed = RunStatus.safeParse(JSON.parse(await readFile(file, 'utf8')));
      if (!parsed.success)
        throw new Error(
          parsed.error.issues
            .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
            .slice(0, 3)
            .join('; '),
        );
      this.modified.set(file, mtimeMs);
      this.broken.delete(id);
      this.byId.set(id, { id, folder, workspace, status: withLiveness(parsed.data) });
    } catch (error) {
      if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return; // not begun
      const problem = vscode.l10n.t(
        'status.json cannot be read: {0}',
        error instanceof Error ? error.message : String(error),
      );
      this.log.warn(`${id}: ${problem}`);
      this.byId.delete(id);
      this.broken.set(id, { id, folder, workspace, problem });
    }
  }

  /** Reads the runs whose status file is new or was written since it was read. */
  private async lookForChanges(): Promise<void> {
    let found = false;
    for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
      const runs = join(uri.fsPath, runsFolder);
      for (const name of await readdir(runs).catch(() => [])) {
        const file = join(runs, name, 'status.json');
        const written = (await stat(file).catch(() => undefined))?.mtimeMs;
        if (written === undefined || written === this.looked.get(file)) continue;
        this.looked.set(file, written);
        if (written === this.modified.get(file)) continue;
        await this.readRun(join(runs, name), uri.fsPath);
        found = true;
      }
    }
    if (found) this.fire();
  }

  private fire(): void {
    const live = this.runs().some((run) => isLive(run.status));
    if (live) this.timer ??= setInterval(() => void this.checkLiveness(), livenessMs);
    else {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    void vscode.commands.executeCommand('setContext', contextKeys.hasTasks, this.tasksByFile.size > 0);
    void vscode.commands.executeCommand('setContext', contextKeys.hasRuns, this.byId.size + this.broken.size > 0);
    this.changed.fire();
  }

  /** Also reads the status again, for file systems whose changes are not reported. */
  private async checkLiveness(): Promise<void> {
    for (const run of this.runs().filter((candidate) => isLive(candidate.status)))
      await this.readRun(run.folder, run.workspace);
    this.fire();
  }
}

/** A run whose process is gone was interrupted, whatever its last status says. */
export function withLiveness(status: RunStatus, alive: (pid: number) => boolean = isAlive): RunStatus {
  if (!isLive(status) || (status.pid !== undefined && alive(status.pid))) return status;
  return {
    ...status,
    state: 'interrupted',
    stages: status.stages.map((stage) => (stage.state === 'running' ? { ...stage, state: 'cancelled' } : stage)),
  };
}
