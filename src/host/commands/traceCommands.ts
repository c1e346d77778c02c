import * as vscode from 'vscode';
import { traceLanguage } from '../../contrib/ids.ts';
import { UserError } from '../notify.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { neighbour } from '../runs/trajectories.ts';
import type { Services } from '../services.ts';
import { parseTraceUri, traceUri } from '../traces/traceUri.ts';
import { targetTrajectory } from './targets.ts';

export async function openTrace(services: Services, arg: unknown): Promise<void> {
  const { run, item } = await targetTrajectory(services, arg);
  await show(run.id, item);
}

async function show(run: string, item: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(traceUri(run, item));
  if (document.languageId !== traceLanguage) await vscode.languages.setTextDocumentLanguage(document, traceLanguage);
  await vscode.window.showTextDocument(document, { preview: true });
}

export async function goToNeighbour(services: Services, arg: unknown, offset: 1 | -1): Promise<void> {
  const { run, item } = await targetTrajectory(services, arg);
  const log = services.runs.logOf(run);
  await log.refresh();
  const next = neighbour(log, item, offset);
  if (next === undefined) {
    void vscode.window.setStatusBarMessage(`AutoAct: this is the ${offset === 1 ? 'last' : 'first'} trajectory.`, 3000);
    return;
  }
  await show(run.id, next);
}

export async function showProvenance(services: Services, arg: unknown): Promise<void> {
  const { run, item } = await targetTrajectory(services, arg);
  await services.documents.open({ kind: 'provenance', run: run.id, item }, vscode.ViewColumn.Beside);
}

/** For a reason of a stage: the list of what it dropped. For a trajectory: its provenance, which says what became of it. */
export async function whyDropped(services: Services, arg: unknown): Promise<void> {
  const node = arg as { kind?: unknown; run?: RunRecord; stage?: { id: string }; reason?: unknown } | undefined;
  if (node?.run !== undefined && node.stage !== undefined && typeof node.reason === 'string') {
    await services.documents.open({ kind: 'dropped', run: node.run.id, stage: node.stage.id, reason: node.reason });
    return;
  }
  await showProvenance(services, arg);
}

export async function showRequests(services: Services, arg: unknown, step: unknown): Promise<void> {
  const { run, item } = await targetTrajectory(services, arg);
  const uri = parseTraceUri(traceUri(run.id, item));
  if (uri === undefined) throw new UserError('This trajectory has no address.');
  await services.documents.open({ kind: 'requests', run: run.id, item }, vscode.ViewColumn.Beside);
  if (typeof step !== 'number') return;
  const editor = vscode.window.activeTextEditor;
  const line =
    editor?.document
      .getText()
      .split('\n')
      .findIndex((text) => text.startsWith(`=== Step ${step} `) || text === `=== Step ${step}`) ?? -1;
  if (editor === undefined || line < 0) return;
  editor.selection = new vscode.Selection(line, 0, line, 0);
  editor.revealRange(new vscode.Range(line, 0, line, 0), vscode.TextEditorRevealType.AtTop);
}
