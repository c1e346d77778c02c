import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { importFiles } from '../commands/importData.ts';
import { describeError, showProblem, UserError } from '../notify.ts';
import type { Services } from '../services.ts';

/** Files that are dropped onto a view are imported: from the explorer, or from outside of the editor. */
export class DataDrop {
  private readonly services: Services;

  constructor(services: Services) {
    this.services = services;
  }

  async handleDrop(transfer: vscode.DataTransfer, token: vscode.CancellationToken): Promise<void> {
    let scratch: string | undefined;
    try {
      const paths = await droppedPaths(transfer);
      if (paths.length === 0) {
        // A browser hands over what is in a file and not where it lies.
        scratch = await mkdtemp(join(tmpdir(), 'autoact-drop-'));
        for (const [, item] of transfer) {
          const file = item.asFile();
          if (file === undefined) continue;
          const path = join(scratch, basename(file.name));
          await writeFile(path, await file.data());
          paths.push(path);
        }
      }
      if (token.isCancellationRequested || paths.length === 0) return;
      if (!vscode.workspace.isTrusted)
        throw new UserError(
          vscode.l10n.t('Data is imported in trusted workspaces only.'),
          vscode.l10n.t('Trust the workspace, and drop the files again.'),
        );
      await importFiles(this.services, paths);
    } catch (error) {
      if (!(error instanceof vscode.CancellationError)) void showProblem(this.services.log, describeError(error));
    } finally {
      if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
    }
  }
}

async function droppedPaths(transfer: vscode.DataTransfer): Promise<string[]> {
  const list = (await transfer.get('text/uri-list')?.asString()) ?? '';
  const paths: string[] = [];
  for (const line of list.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const uri = vscode.Uri.parse(line, true);
    // An explorer in a browser names files by the scheme of its remote.
    const path = uri.scheme === 'file' || uri.scheme === 'vscode-remote' ? vscode.Uri.file(uri.path).fsPath : undefined;
    if (path === undefined)
      throw new UserError(vscode.l10n.t('{0}: is no file on the machine of the workspace.', uri.scheme));
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isFile() !== true)
      throw new UserError(
        vscode.l10n.t('{0} is not a file.', basename(path)),
        vscode.l10n.t('Drop files of data: JSON, JSON Lines, CSV or TSV.'),
      );
    paths.push(path);
  }
  return paths;
}
