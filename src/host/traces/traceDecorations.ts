import * as vscode from 'vscode';
import { traceLanguage } from '../../contrib/ids.ts';
import { forkMarks } from '../../core/trajectory/forkMarks.ts';
import { outcomeOf } from '../../core/trajectory/summary.ts';
import { costText } from '../../core/trajectory/traceDetails.ts';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import { Disposables } from '../disposables.ts';
import type { LoadedTrace, TraceLoader } from './traceLoader.ts';
import { outcomeName } from '../../protocol/words.ts';

/** Traces grow several times a second while a run is live. */
const updateMs = 300;

/**
 * What a step took, at the end of its heading, how the trajectory came out, at its last line, and in a fork what an edited
 * value was before: words in the theme's colours.
 */
export class TraceDecorations implements vscode.Disposable {
  private readonly owned = new Disposables();
  private readonly loader: TraceLoader;
  private readonly cost = this.owned.add(decoration('descriptionForeground'));
  private readonly right = this.owned.add(decoration('charts.green'));
  private readonly wrong = this.owned.add(decoration('errorForeground'));
  private readonly timers = new Map<vscode.TextEditor, NodeJS.Timeout>();

  constructor(loader: TraceLoader) {
    this.loader = loader;
    this.owned.add(
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.schedule(editor, 0);
      }),
    );
    this.owned.add(
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        for (const editor of vscode.window.visibleTextEditors)
          if (editor.document === document) this.schedule(editor, updateMs);
      }),
    );
    for (const editor of vscode.window.visibleTextEditors) this.schedule(editor, 0);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.owned.dispose();
  }

  private schedule(editor: vscode.TextEditor, ms: number): void {
    if (editor.document.languageId !== traceLanguage || this.timers.has(editor)) return;
    this.timers.set(
      editor,
      setTimeout(() => {
        this.timers.delete(editor);
        void this.decorate(editor);
      }, ms),
    );
  }

  private async decorate(editor: vscode.TextEditor): Promise<void> {
    let trace: LoadedTrace;
    try {
      trace = await this.loader.load(editor.document.uri);
    } catch {
      return; // no trace of a run or a file of ours
    }
    const { notes, outcome } = remarks(editor.document, trace);
    editor.setDecorations(this.cost, notes);
    const passed = trace.score !== undefined && trace.score >= 1;
    editor.setDecorations(this.right, passed ? outcome : []);
    editor.setDecorations(this.wrong, passed ? [] : outcome);
  }
}

function decoration(colour: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor(colour), margin: '0 0 0 2em', fontStyle: 'normal' },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

/** The remarks of a document, by the line that each stands at. */
export function remarks(
  document: vscode.TextDocument,
  trace: LoadedTrace,
): { notes: vscode.DecorationOptions[]; outcome: vscode.DecorationOptions[] } {
  const at = (line: number, contentText: string): vscode.DecorationOptions => {
    const end = document.lineAt(line).range.end;
    return { range: new vscode.Range(end, end), renderOptions: { after: { contentText } } };
  };
  const notes: vscode.DecorationOptions[] = [];
  const { details, edits, score } = trace;
  for (const { line, before } of edits === undefined ? [] : forkMarks(document.getText(), edits))
    notes.push(at(line, before === '' ? vscode.l10n.t('given by hand') : vscode.l10n.t('before: {0}', before)));
  if (details !== undefined) {
    for (const section of outlineTrace(document.getText())) {
      const cost = section.kind === 'step' ? details.ofStep.get(Number(/\d+/.exec(section.title)?.[0])) : undefined;
      if (cost !== undefined && cost.calls > 0) notes.push(at(section.line, costText(cost)));
    }
    if (details.total.calls > 0) notes.push(at(0, costText(details.total)));
  }
  const last = document.lineCount - 1;
  const endLine = document.lineAt(last).text === '' ? last - 1 : last;
  const outcome =
    score === undefined || endLine < 0
      ? []
      : [at(endLine, vscode.l10n.t('reward {0}, {1}', score.toFixed(2), outcomeName(outcomeOf(score))))];
  return { notes, outcome };
}
