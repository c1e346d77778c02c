import * as vscode from 'vscode';
import { documentScheme, traceExtension, traceScheme } from '../../contrib/ids.ts';

/** `autoact-trace:/<run>/<item key>.aatrace`: made from the trajectory's id, so that breakpoints and comments stay. */
export function traceUri(run: string, item: string): vscode.Uri {
  return vscode.Uri.from({ scheme: traceScheme, path: `/${run}/${item}${traceExtension}` });
}

export interface TraceAddress {
  readonly run: string;
  readonly item: string;
}

export function parseTraceUri(uri: vscode.Uri): TraceAddress | undefined {
  if (uri.scheme !== traceScheme || !uri.path.endsWith(traceExtension)) return undefined;
  const [, run = '', ...rest] = uri.path.slice(0, -traceExtension.length).split('/');
  const item = rest.join('/');
  return run === '' || item === '' ? undefined : { run, item };
}

/** A document made from a run. `name` is what its tab shows. */
export type DocumentAddress =
  | { readonly kind: 'requests'; readonly run: string; readonly item: string }
  | { readonly kind: 'provenance'; readonly run: string; readonly item: string }
  | { readonly kind: 'dropped'; readonly run: string; readonly stage: string; readonly reason: string }
  | { readonly kind: 'doctor' }
  | { readonly kind: 'prompt'; readonly name: string };

const extensions: Readonly<Record<DocumentAddress['kind'], string>> = { requests: '.txt', provenance: '.md', dropped: '.md', doctor: '.md', prompt: '.md' };

export function documentUri(address: DocumentAddress): vscode.Uri {
  const name = ((): string => {
    switch (address.kind) {
      case 'requests':
      case 'provenance':
        return `${address.run}/${address.item}`;
      case 'dropped':
        return `${address.run}/${address.stage}: ${address.reason.replaceAll('/', '∕')}`;
      case 'doctor':
        return 'Doctor';
      case 'prompt':
        return address.name;
    }
  })();
  return vscode.Uri.from({ scheme: documentScheme, path: `/${address.kind}/${name}${extensions[address.kind]}`, query: JSON.stringify(address) });
}
