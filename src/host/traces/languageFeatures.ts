import * as vscode from 'vscode';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import type { TraceSection } from '../../core/trajectory/traceOutline.ts';
import { documentUri, parseDocumentUri, traceUri } from './traceUri.ts';

/** Folding, outline and links of trace documents; all are read from the text, so saved traces have them too. */

export class TraceFolding implements vscode.FoldingRangeProvider {
  provideFoldingRanges(document: vscode.TextDocument): vscode.FoldingRange[] {
    const ranges: vscode.FoldingRange[] = [];
    const visit = (section: TraceSection): void => {
      if (section.endLine > section.line)
        ranges.push(new vscode.FoldingRange(section.line, section.endLine, vscode.FoldingRangeKind.Region));
      section.children.forEach(visit);
    };
    outlineTrace(document.getText()).forEach(visit);
    return ranges;
  }
}

const symbolKinds: Readonly<Record<TraceSection['kind'], vscode.SymbolKind>> = {
  step: vscode.SymbolKind.Namespace,
  agent: vscode.SymbolKind.Class,
  note: vscode.SymbolKind.String,
};

export class TraceSymbols implements vscode.DocumentSymbolProvider {
  provideDocumentSymbols(document: vscode.TextDocument): vscode.DocumentSymbol[] {
    const symbol = (section: TraceSection): vscode.DocumentSymbol => {
      const range = new vscode.Range(section.line, 0, section.endLine, document.lineAt(section.endLine).text.length);
      const selection = new vscode.Range(section.line, 0, section.line, document.lineAt(section.line).text.length);
      const kind = section.title === 'Environment' ? vscode.SymbolKind.Interface : symbolKinds[section.kind];
      const made = new vscode.DocumentSymbol(section.title, section.detail.slice(0, 120), kind, range, selection);
      made.children = section.children.map(symbol);
      return made;
    };
    return outlineTrace(document.getText()).map(symbol);
  }
}

const quoted = /`([^`\n]{2,200})`/g;
const traceKey = /^(?:synthesis|evaluation|selfInstruct|toolSelection)\/\S+$/;
const provenanceId = /^(?:i-\d+|seed-\d+|[\w-]+:\S+|[\w.-]+)$/;

/**
 * Makes ids in generated documents links: to the trace of an item, or to the provenance of anything else. The heading
 * of a trajectory's own provenance leads to its trace, other mentions to their provenance.
 */
export class ItemLinks implements vscode.DocumentLinkProvider {
  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const address = parseDocumentUri(document.uri);
    if (address === undefined || !('run' in address)) return [];
    const text = document.getText();
    return [...text.matchAll(quoted)].flatMap((match) => {
      const id = match[1] ?? '';
      const isTrace = traceKey.test(id);
      if (!isTrace && !provenanceId.test(id)) return [];
      const start = match.index + 1;
      const range = new vscode.Range(document.positionAt(start), document.positionAt(start + id.length));
      const toTrace = isTrace && (address.kind !== 'provenance' || address.item === id);
      const link = new vscode.DocumentLink(
        range,
        toTrace ? traceUri(address.run, id) : documentUri({ kind: 'provenance', run: address.run, item: id }),
      );
      link.tooltip = toTrace ? vscode.l10n.t('Open trace') : vscode.l10n.t('Show provenance');
      return [link];
    });
  }
}
