import * as vscode from 'vscode';
import { documentScheme, traceLanguage } from '../../contrib/ids.ts';
import type { Features } from '../features.ts';

/** What the editor asks of trace documents; what answers is loaded when it first does. */
export function traceLanguageFeatures(features: () => Features): vscode.Disposable[] {
  const traces: vscode.DocumentSelector = { language: traceLanguage };
  return [
    vscode.languages.registerFoldingRangeProvider(traces, {
      provideFoldingRanges: (document) => features().folding.provideFoldingRanges(document),
    }),
    vscode.languages.registerDocumentSymbolProvider(
      traces,
      { provideDocumentSymbols: (document) => features().symbols.provideDocumentSymbols(document) },
      { label: vscode.l10n.t('AutoAct trace') },
    ),
    vscode.languages.registerHoverProvider(traces, {
      provideHover: (document, position) => features().hover.provideHover(document, position),
    }),
    vscode.languages.registerCodeLensProvider(traces, {
      provideCodeLenses: (document) => features().lenses.provideCodeLenses(document),
    }),
    vscode.languages.registerDocumentLinkProvider(
      { scheme: documentScheme },
      { provideDocumentLinks: (document) => features().links.provideDocumentLinks(document) },
    ),
  ];
}
