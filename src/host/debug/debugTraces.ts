import * as vscode from 'vscode';
import { renderTrace } from '../../core/trajectory/traceText.ts';
import { ReadOnlyFiles } from '../traces/readOnlyFiles.ts';
import { parseForkUri } from './debugUri.ts';
import { followFork, loadFork } from './forkTrace.ts';

/** `autoact-fork:` documents. A fork grows while it is debugged. */
export class DebugTraces extends ReadOnlyFiles {
  /** A session has written to the fork that this document shows. */
  refresh(uri: vscode.Uri): void {
    this.touch(uri);
  }

  protected async generate(uri: vscode.Uri): Promise<string> {
    const file = parseForkUri(uri);
    if (file === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    try {
      const { header, notes, end } = loadFork(file);
      return await Promise.resolve(renderTrace(header, notes, end).text);
    } catch (error) {
      throw vscode.FileSystemError.FileNotFound(error instanceof Error ? error.message : String(error));
    }
  }

  protected follow(uri: vscode.Uri): vscode.Disposable {
    const path = parseForkUri(uri);
    if (path === undefined) return new vscode.Disposable(() => undefined);
    return followFork(path, () => {
      this.touch(uri);
    });
  }
}
