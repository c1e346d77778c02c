import * as vscode from 'vscode';
import { traceLanguage } from '../../contrib/ids.ts';
import { targetKey, type Comment } from '../../core/annotate/records.ts';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import { visible } from '../../core/trajectory/visible.ts';
import { readAnnotations } from '../../node/annotate/annotations.ts';
import { UserError } from '../notify.ts';
import { Disposables } from '../disposables.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import { parseTraceUri } from '../traces/traceUri.ts';
import type { AnnotateService } from './annotateService.ts';

/** A comment that knows its record. */
interface StepComment extends vscode.Comment {
  readonly record: string;
  readonly rater: string;
  readonly trace: vscode.Uri;
}

/** Comments on the steps of traces; they are labels like all others and lie in the same files. */
export class TraceComments implements vscode.Disposable {
  private readonly service: AnnotateService;
  private readonly runs: RunIndex;
  private readonly owned = new Disposables();
  private readonly controller: vscode.CommentController;
  /** Threads by trace. */
  private readonly threads = new Map<string, vscode.CommentThread[]>();

  constructor(service: AnnotateService, runs: RunIndex) {
    this.service = service;
    this.runs = runs;
    this.controller = this.owned.add(
      vscode.comments.createCommentController('autoact.steps', vscode.l10n.t('AutoAct: steps')),
    );
    this.controller.options = {
      prompt: vscode.l10n.t('Comment on this step'),
      placeHolder: vscode.l10n.t('What is right or wrong here?'),
    };
    this.controller.commentingRangeProvider = {
      provideCommentingRanges: (document) =>
        document.languageId !== traceLanguage || parseTraceUri(document.uri) === undefined
          ? []
          : stepRanges(document).map(({ range }) => range),
    };
    this.owned.add(vscode.workspace.onDidOpenTextDocument((document) => void this.show(document)));
    this.owned.add(
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.clear(document.uri);
      }),
    );
    for (const document of vscode.workspace.textDocuments) void this.show(document);
  }

  /** What the reply box sends. */
  async add(reply: unknown): Promise<void> {
    if (typeof reply !== 'object' || reply === null)
      throw new UserError(
        vscode.l10n.t('A comment belongs to a step.'),
        vscode.l10n.t('Open a trace, and press the + beside one of its steps.'),
      );
    const { thread, text } = reply as vscode.CommentReply;
    const trace = await this.service.traceOf(thread.uri, true);
    if (trace === undefined)
      throw new UserError(
        vscode.l10n.t('A step can be commented on when its trajectory is finished.'),
        vscode.l10n.t('Wait until it is.'),
      );
    const document = await vscode.workspace.openTextDocument(thread.uri);
    const line = thread.range?.start.line ?? 0;
    const step =
      stepRanges(document).find(({ range }) => range.start.line <= line && line <= range.end.line)?.step ?? 0;
    const [known] = thread.comments as readonly StepComment[];
    const { target, file } = trace;
    file.append({ kind: 'comment', target, step, text, thread: known?.record ?? '' });
    thread.dispose();
    this.service.refreshed();
    await this.show(document);
  }

  /** Takes one's own comment back. */
  async remove(comment: unknown): Promise<void> {
    if (typeof comment !== 'object' || comment === null)
      throw new UserError(
        vscode.l10n.t('No comment is chosen.'),
        vscode.l10n.t('Take one back by the bin beside it in its trace.'),
      );
    const { record, rater, trace: uri } = comment as StepComment;
    const trace = await this.service.traceOf(uri, false);
    if (trace === undefined) return;
    if (trace.file.rater !== rater)
      throw new UserError(
        vscode.l10n.t('This comment is {0}’s.', rater),
        vscode.l10n.t('Only your own can be taken back.'),
      );
    trace.file.append({ kind: 'undo', of: [record] });
    this.service.refreshed();
    await this.show(await vscode.workspace.openTextDocument(uri));
  }

  dispose(): void {
    this.owned.dispose();
  }

  private clear(uri: vscode.Uri): void {
    for (const thread of this.threads.get(uri.toString()) ?? []) thread.dispose();
    this.threads.delete(uri.toString());
  }

  /** Shows what all annotators of the workspace wrote about this trace. */
  private async show(document: vscode.TextDocument): Promise<void> {
    const address = parseTraceUri(document.uri);
    if (address === undefined) return;
    const trace = await this.service.traceOf(document.uri, false);
    const run = this.runs.find(address.run);
    if (trace === undefined || run === undefined) return;
    const all = [...readAnnotations(run.workspace).values()].flatMap(
      ({ targets }) => targets.get(targetKey(trace.target))?.comments ?? [],
    );
    this.clear(document.uri);
    const byThread = new Map<string, Comment[]>();
    for (const comment of all.sort((a, b) => a.t - b.t)) {
      const id = comment.thread === '' ? comment.id : comment.thread;
      byThread.set(id, [...(byThread.get(id) ?? []), comment]);
    }
    const ranges = stepRanges(document);
    const made = [...byThread.values()].map((comments) => {
      const line = ranges.find(({ step }) => step === comments[0]?.step)?.range.start.line ?? 0;
      const thread = this.controller.createCommentThread(
        document.uri,
        new vscode.Range(line, 0, line, 0),
        comments.map((comment) => shown(comment, document.uri)),
      );
      thread.label = vscode.l10n.t('Step {0}', comments[0]?.step ?? 0);
      thread.collapsibleState = vscode.CommentThreadCollapsibleState.Collapsed;
      return thread;
    });
    this.threads.set(document.uri.toString(), made);
  }
}

function shown(comment: Comment, trace: vscode.Uri): StepComment {
  // As plain text: what others wrote must not become links and pictures.
  const body = new vscode.MarkdownString().appendText(visible(comment.text));
  return {
    body,
    mode: vscode.CommentMode.Preview,
    author: { name: comment.rater },
    timestamp: new Date(comment.t),
    contextValue: 'autoact.comment',
    record: comment.id,
    rater: comment.rater,
    trace,
  };
}

function stepRanges(document: vscode.TextDocument): { step: number; range: vscode.Range }[] {
  return outlineTrace(document.getText()).flatMap((section) => {
    const number = /^Step (\d+)$/.exec(section.title)?.[1];
    return section.kind !== 'step' || number === undefined
      ? []
      : [{ step: Number(number), range: new vscode.Range(section.line, 0, section.endLine, 0) }];
  });
}
