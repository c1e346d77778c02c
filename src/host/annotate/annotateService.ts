import { join } from 'node:path';
import { userInfo } from 'node:os';
import * as vscode from 'vscode';
import * as z from 'zod';
import { trajectoryContent } from '../../core/annotate/judgements.ts';
import { Trajectory } from '../../core/trajectory/trajectory.ts';
import { AnnotatorFile } from '../../node/annotate/annotatorFile.ts';
import { annotationsFolder } from '../../node/annotate/annotations.ts';
import { sha256, type StudyFolder } from '../../node/annotate/studyFolder.ts';
import type { AnnotateAction, AnnotateSnapshot } from '../../protocol/annotate.ts';
import { Disposables } from '../disposables.ts';
import { nothingHere } from '../notify.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import { parseTraceUri } from '../traces/traceUri.ts';
import { LabelDesk, type DeskTrace } from './labelDesk.ts';
import type { StudyIndex } from './studyIndex.ts';

const placeKey = 'autoact.annotate.place';
const nameKey = 'autoact.annotate.name';
const KeptPlace = z.object({
  study: z.string(),
  rater: z.string(),
  place: z.object({ presentation: z.string(), focus: z.string() }),
  paused: z.boolean(),
});
/** Other windows' labels that no watcher reports. */
const rereadMs = 2000;

/** The desk of this window: what the panel, the queue and the comments work on. */
export class AnnotateService implements vscode.Disposable {
  readonly studies: StudyIndex;
  private readonly desk = new LabelDesk();
  private readonly context: vscode.ExtensionContext;
  private readonly runs: RunIndex;
  private readonly log: vscode.LogOutputChannel;
  private readonly owned = new Disposables();
  private readonly changed = this.owned.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private restored: Promise<void> | undefined;
  /** Annotators' files of runs, by path: the panel and the comments share them. */
  private readonly files = new Map<string, AnnotatorFile>();

  constructor(context: vscode.ExtensionContext, runs: RunIndex, studies: StudyIndex, log: vscode.LogOutputChannel) {
    this.log = log;
    this.context = context;
    this.runs = runs;
    this.studies = studies;
    const timer = setInterval(() => {
      if (this.desk.refresh()) this.changed.fire();
    }, rereadMs);
    this.owned.add(
      new vscode.Disposable(() => {
        clearInterval(timer);
      }),
    );
    this.owned.add(studies.onDidChange(() => this.changed.fire()));
    this.owned.add(vscode.window.onDidChangeActiveTextEditor(() => void this.follow()));
    this.owned.add(runs.onDidChange(() => void this.follow()));
  }

  /** Resolves when studies are known and the place of the last session is back. */
  ready(): Promise<void> {
    this.restored ??= this.restore();
    return this.restored;
  }

  snapshot(): AnnotateSnapshot {
    return this.desk.snapshot(this.studies.prepared().length);
  }

  act(action: AnnotateAction): void {
    this.desk.act(action);
    this.changed.fire();
    // The next key need not wait for the place to be kept.
    this.keep().then(undefined, (error: unknown) => {
      this.log.error(error instanceof Error ? error : String(error));
    });
  }

  get current(): { readonly study: string; readonly rater: string; readonly presentation: string } | undefined {
    const { state } = this.desk;
    return state === undefined
      ? undefined
      : { study: state.study, rater: state.rater, presentation: state.place.presentation };
  }

  async open(folder: StudyFolder, rater: string, presentation?: string): Promise<void> {
    await this.ready();
    const { current } = this;
    if (current?.study !== folder.file || current.rater !== rater) this.desk.openStudy(folder, rater);
    if (presentation !== undefined) this.desk.goTo(presentation);
    this.desk.act({ do: 'show', what: 'study' });
    this.changed.fire();
    await this.keep();
  }

  /** The annotator's file for trajectories of runs. Asks for a name the first time. */
  async ownFile(workspace: string, ask: boolean): Promise<AnnotatorFile | undefined> {
    let name = this.context.globalState.get<string>(nameKey);
    if (name === undefined && ask) {
      name = await vscode.window.showInputBox({
        title: vscode.l10n.t('Under which name shall your labels be kept?'),
        value: safeName(userInfo().username),
        validateInput: (text) =>
          safeName(text) === text && text !== '' ? undefined : vscode.l10n.t('Letters, digits, . - and _.'),
        ignoreFocusOut: true,
      });
      if (name === undefined) throw new vscode.CancellationError();
      await this.context.globalState.update(nameKey, name);
    }
    if (name === undefined) return undefined;
    const path = join(annotationsFolder(workspace), `${name}.jsonl`);
    let file = this.files.get(path);
    if (file === undefined) {
      file = new AnnotatorFile(path, name);
      this.files.set(path, file);
    }
    return file;
  }

  /** The trajectory of a trace; undefined while it is not finished, and for items that are no trajectory. */
  async traceOf(uri: vscode.Uri, ask: boolean): Promise<Omit<DeskTrace, 'focus'> | undefined> {
    const address = parseTraceUri(uri);
    if (address === undefined) return undefined;
    await this.runs.ready();
    const run = this.runs.find(address.run);
    if (run === undefined) return undefined;
    const log = this.runs.logOf(run);
    await log.refresh();
    if (log.item(address.item)?.state !== 'finished') return undefined;
    const entry = (await log.entries(address.item, 'result')).at(-1);
    const parsed = Trajectory.safeParse(entry !== undefined && 'result' in entry ? entry.result : undefined);
    if (!parsed.success) return undefined;
    const file = await this.ownFile(run.workspace, ask);
    if (file === undefined) return undefined;
    const hash = sha256(trajectoryContent(parsed.data));
    return {
      target: { run: run.id, item: address.item, hash },
      question: vscode.l10n.t('Trajectory {0}', address.item),
      trajectory: parsed.data,
      file,
    };
  }

  /** Shows the trace of the active editor in the panel. */
  async judgeTrace(uri: vscode.Uri | undefined): Promise<void> {
    await this.ready();
    const trace = uri === undefined ? undefined : await this.traceOf(uri, true);
    if (trace === undefined)
      throw nothingHere(
        vscode.l10n.t('There is no finished trajectory to judge.'),
        vscode.l10n.t('Open its trace from the AutoAct view first.'),
      );
    this.desk.openTrace(trace);
    this.desk.act({ do: 'show', what: 'trace' });
    this.changed.fire();
  }

  refreshed(): void {
    this.changed.fire();
  }

  dispose(): void {
    this.owned.dispose();
  }

  /** Follows the active editor; an editor that is no trace changes nothing. */
  private async follow(): Promise<void> {
    const uri = vscode.window.activeTextEditor?.document.uri;
    if (uri === undefined || parseTraceUri(uri) === undefined) return;
    const trace = await this.traceOf(uri, false);
    if (trace === undefined || uri.toString() !== vscode.window.activeTextEditor?.document.uri.toString()) return;
    this.desk.openTrace(trace);
    this.changed.fire();
  }

  private async restore(): Promise<void> {
    await this.studies.ready();
    const kept = KeptPlace.safeParse(this.context.workspaceState.get(placeKey));
    const folder = kept.success ? this.studies.find(kept.data.study) : undefined;
    if (kept.success && folder?.prepared === true) {
      try {
        this.desk.openStudy(folder, kept.data.rater, kept.data);
      } catch {
        // The study was prepared anew without this rater; there is nothing to go back to.
      }
    }
    await this.follow();
    this.changed.fire();
  }

  private async keep(): Promise<void> {
    await this.context.workspaceState.update(placeKey, this.desk.state);
  }
}

function safeName(text: string): string {
  return text
    .replace(/[^\p{L}\p{N}_.-]/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '')
    .slice(0, 40);
}
