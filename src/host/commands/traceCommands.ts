import * as vscode from 'vscode';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import { parseForkUri } from '../debug/debugUri.ts';
import { UserError } from '../notify.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { neighbour } from '../runs/trajectories.ts';
import type { Services } from '../services.ts';
import { linkTo } from '../traces/deepLinks.ts';
import { openTraceAt } from '../traces/openTrace.ts';
import { fileTraceUri, parseFileTraceUri, parseTraceUri, traceUri } from '../traces/traceUri.ts';
import { targetTraceUri, targetTrajectory } from './targets.ts';

export async function openTrace(services: Services, arg: unknown): Promise<void> {
  await openTraceAt(await targetTraceUri(services, arg));
}

export async function goToNeighbour(services: Services, arg: unknown, offset: 1 | -1): Promise<void> {
  const next = await neighbourOf(services, await targetTraceUri(services, arg), offset);
  if (next === undefined) {
    const end =
      offset === 1
        ? vscode.l10n.t('AutoAct: this is the last trajectory.')
        : vscode.l10n.t('AutoAct: this is the first trajectory.');
    void vscode.window.setStatusBarMessage(end, 3000);
    return;
  }
  await openTraceAt(next);
}

async function neighbourOf(services: Services, uri: vscode.Uri, offset: 1 | -1): Promise<vscode.Uri | undefined> {
  const stored = parseFileTraceUri(uri);
  if (stored !== undefined) {
    const file = await services.trajectories.open(stored.path);
    const next = file.rows[(file.rowOfLine(stored.line) ?? -2) + offset];
    return next === undefined ? undefined : fileTraceUri(stored.path, next.line);
  }
  const { run, item } = await targetTrajectory(services, uri);
  const log = services.runs.logOf(run);
  await log.refresh();
  const next = neighbour(log, item, offset);
  return next === undefined ? undefined : traceUri(run.id, next);
}

/** Copies a link that opens the trace again, at the step of the cursor. */
export async function copyLink(services: Services, arg: unknown): Promise<void> {
  const uri = await targetTraceUri(services, arg);
  if (parseForkUri(uri) !== undefined)
    throw new UserError(
      vscode.l10n.t('A fork has no link.'),
      vscode.l10n.t('Copy the one of the trajectory that it was made from.'),
    );
  const editor = vscode.window.activeTextEditor;
  const cursor = editor?.document.uri.toString() === uri.toString() ? editor.selection.active.line : undefined;
  const sections = cursor === undefined || editor === undefined ? [] : outlineTrace(editor.document.getText());
  const section = sections.findLast(({ kind, line }) => kind === 'step' && line <= (cursor ?? 0));
  const step = Number(/\d+/.exec(section?.title ?? '')?.[0] ?? 0);
  await vscode.env.clipboard.writeText(linkTo(uri, step).toString());
  void vscode.window.setStatusBarMessage(vscode.l10n.t('AutoAct: the link is copied.'), 3000);
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
  if (uri === undefined) throw new UserError(vscode.l10n.t('This trajectory has no address.'));
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
