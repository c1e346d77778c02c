import * as vscode from 'vscode';
import { traceLanguage } from '../../contrib/ids.ts';
import { visible } from '../../core/trajectory/visible.ts';

export interface TracePlace {
  /** From 1. */
  readonly step?: number | undefined;
  /** In lower case; looked for from the step on. */
  readonly text?: string | undefined;
}

/** Opens a trace, at a step or at a text in it when there is one. */
export async function openTraceAt(uri: vscode.Uri, place: TracePlace = {}): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  if (document.languageId !== traceLanguage) await vscode.languages.setTextDocumentLanguage(document, traceLanguage);
  const editor = await vscode.window.showTextDocument(document, { preview: true });
  const range = placeIn(document, place);
  if (range === undefined) return;
  editor.selection = new vscode.Selection(range.start, range.end);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

function placeIn(document: vscode.TextDocument, { step, text }: TracePlace): vscode.Range | undefined {
  const all = document.getText();
  const heading =
    step === undefined || step < 1 ? -1 : all.search(new RegExp(`^=== Step ${Math.floor(step)}(?:,|$)`, 'm'));
  // The trace shows each line of a text apart; its first line is enough to find it.
  const shown =
    visible(text ?? '')
      .split('\n')[0]
      ?.trim() ?? '';
  const at = shown === '' ? -1 : all.toLowerCase().indexOf(shown.toLowerCase(), Math.max(0, heading));
  if (at >= 0) return new vscode.Range(document.positionAt(at), document.positionAt(at + shown.length));
  if (heading < 0) return undefined;
  const start = document.positionAt(heading);
  return new vscode.Range(start, start);
}
