import * as vscode from 'vscode';
import { forkScheme, traceExtension } from '../../contrib/ids.ts';

/** The document of a fork, made from its file, so that breakpoints stay. */
export function forkUri(file: string): vscode.Uri {
  const { path } = vscode.Uri.file(file);
  return vscode.Uri.from({ scheme: forkScheme, path: path.replace(/\.jsonl$/, traceExtension) });
}

/** The file of the fork that a document shows. */
export function parseForkUri(uri: vscode.Uri): string | undefined {
  if (uri.scheme !== forkScheme || !uri.path.endsWith(traceExtension)) return undefined;
  return vscode.Uri.from({ scheme: 'file', path: `${uri.path.slice(0, -traceExtension.length)}.jsonl` }).fsPath;
}
