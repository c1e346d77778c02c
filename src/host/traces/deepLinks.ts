import { isAbsolute, relative } from 'node:path';
import * as vscode from 'vscode';
import { extensionId } from '../../contrib/ids.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { parseLink } from './linkAddress.ts';
import { openTraceAt } from './openTrace.ts';
import { fileTraceUri, parseFileTraceUri, parseTraceUri, traceUri } from './traceUri.ts';

export function linkTo(trace: vscode.Uri, step: number): vscode.Uri {
  const query = new URLSearchParams();
  const stored = parseFileTraceUri(trace);
  const ofRun = parseTraceUri(trace);
  if (stored !== undefined) {
    query.set('file', stored.path);
    query.set('line', String(stored.line));
  } else if (ofRun !== undefined) {
    query.set('run', ofRun.run);
    query.set('item', ofRun.item);
  }
  if (step > 0) query.set('step', String(step));
  return vscode.Uri.parse(`${vscode.env.uriScheme}://${extensionId}/trace?${query.toString()}`, true);
}

/**
 * Opens what a link names. It only ever shows something, and a file outside of the workspace is asked about first.
 * @throws UserError
 */
export async function openLink(services: Services, uri: vscode.Uri): Promise<void> {
  const link = parseLink(uri.path, uri.query);
  if (link === undefined)
    throw new UserError(
      vscode.l10n.t('This link names no trajectory.'),
      vscode.l10n.t('Copy it anew with "AutoAct: Copy Link to This Trace".'),
    );
  if ('file' in link) {
    if (!inWorkspace(link.file)) {
      const open = vscode.l10n.t('Open');
      const chosen = await vscode.window.showWarningMessage(
        vscode.l10n.t('A link wants to open a file of trajectories that is not in this workspace.'),
        { modal: true, detail: link.file },
        open,
      );
      if (chosen !== open) return;
    }
    await openTraceAt(fileTraceUri(link.file, link.line), { step: link.step });
    return;
  }
  await services.runs.ready();
  if (services.runs.find(link.run) === undefined)
    throw new UserError(
      vscode.l10n.t('There is no run {0} in this workspace.', link.run),
      vscode.l10n.t('Open the folder that it was made in, then the link.'),
    );
  if (link.item !== undefined) await openTraceAt(traceUri(link.run, link.item), { step: link.step });
  else services.tables.show({ kind: 'run', id: link.run });
}

function inWorkspace(path: string): boolean {
  return (vscode.workspace.workspaceFolders ?? []).some(({ uri }) => {
    const inner = relative(uri.fsPath, path);
    return inner !== '' && !inner.startsWith('..') && !isAbsolute(inner);
  });
}
