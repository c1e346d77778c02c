import * as vscode from 'vscode';
import * as z from 'zod';
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
  if (uri.authority !== '') return undefined;
  const [, run = '', ...rest] = uri.path.slice(0, -traceExtension.length).split('/');
  const item = rest.join('/');
  return run === '' || item === '' ? undefined : { run, item };
}

const fileAuthority = 'file';

/** A trajectory that is stored in a file, by the line that it stands on, from 1. */
export interface FileTraceAddress {
  readonly path: string;
  readonly line: number;
}

/** `autoact-trace://file/<path of the file>/<line>.aatrace` */
export function fileTraceUri(path: string, line: number): vscode.Uri {
  return vscode.Uri.from({
    scheme: traceScheme,
    authority: fileAuthority,
    path: `${vscode.Uri.file(path).path}/${line}${traceExtension}`,
  });
}

export function parseFileTraceUri(uri: vscode.Uri): FileTraceAddress | undefined {
  if (uri.scheme !== traceScheme || uri.authority !== fileAuthority || !uri.path.endsWith(traceExtension))
    return undefined;
  const [, path = '', line = ''] = /^(.+)\/(\d{1,9})$/.exec(uri.path.slice(0, -traceExtension.length)) ?? [];
  return path === '' ? undefined : { path: vscode.Uri.from({ scheme: 'file', path }).fsPath, line: Number(line) };
}

const Address = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('requests'), run: z.string(), item: z.string() }),
  z.object({ kind: z.literal('provenance'), run: z.string(), item: z.string() }),
  z.object({ kind: z.literal('dropped'), run: z.string(), stage: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('doctor') }),
  /** One side of two traces that are compared; both are addressed, since each is laid out by the other. */
  z.object({ kind: z.literal('compare'), left: z.string(), right: z.string(), side: z.enum(['left', 'right']) }),
  z.object({ kind: z.literal('prompt'), name: z.string().regex(/^[\w-]+$/) }),
]);
/** A document made from a run (or from what came with the extension). */
export type DocumentAddress = Readonly<z.infer<typeof Address>>;

const extensions: Readonly<Record<DocumentAddress['kind'], string>> = {
  requests: '.txt',
  provenance: '.md',
  dropped: '.md',
  doctor: '.md',
  compare: traceExtension,
  prompt: '.md',
};

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
      case 'compare':
        return `${address.side}/${vscode.Uri.parse(address[address.side])
          .path.slice(1)
          .replace(/\.aatrace$/, '')}`;
      case 'prompt':
        return address.name;
    }
  })();
  return vscode.Uri.from({
    scheme: documentScheme,
    path: `/${address.kind}/${name}${extensions[address.kind]}`,
    query: JSON.stringify(address),
  });
}

/** The address in a document's URI, which anyone can write; undefined when it is none. */
export function parseDocumentUri(uri: vscode.Uri): DocumentAddress | undefined {
  if (uri.scheme !== documentScheme) return undefined;
  try {
    const parsed = Address.safeParse(JSON.parse(uri.query));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
