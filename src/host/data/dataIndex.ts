import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod';
import { DatasetManifest } from '../../core/data/dataset.ts';
import { Disposables } from '../disposables.ts';

/** Imported data that the workspace holds: folders of data sets and of trajectories. */
export type DataRecord =
  | {
      readonly kind: 'dataset';
      readonly folder: string;
      readonly name: string;
      readonly format: string;
      readonly questions: number;
      readonly documents: number;
    }
  | {
      readonly kind: 'trajectories';
      readonly folder: string;
      readonly name: string;
      readonly rows: number;
      readonly files: readonly string[];
    }
  | { readonly kind: 'broken'; readonly folder: string; readonly name: string; readonly problem: string };

const TrajectoryManifest = z.object({
  format: z.literal('autoact-trajectories'),
  sources: z.array(z.object({ file: z.string(), rows: z.number() })),
});

const manifests = '**/{dataset,import}.json';
const leftOut = '{**/node_modules/**,**/.autoact/**,**/.git/**}';
const limit = 300;
/** Several files of an import are written at once. */
const settleMs = 300;

export class DataIndex implements vscode.Disposable {
  private readonly owned = new Disposables();
  private readonly changed = this.owned.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private found: readonly DataRecord[] | undefined;
  private scan: Promise<readonly DataRecord[]> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    const watcher = this.owned.add(vscode.workspace.createFileSystemWatcher(manifests));
    for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete])
      this.owned.add(
        event((uri) => {
          if (!/[\\/](?:\.autoact|node_modules|\.git)[\\/]/.test(uri.fsPath)) this.invalidate();
        }),
      );
    this.owned.add(
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.invalidate();
      }),
    );
  }

  /** By name. */
  async records(): Promise<readonly DataRecord[]> {
    if (this.found !== undefined) return this.found;
    this.scan ??= this.read().finally(() => {
      this.scan = undefined;
    });
    this.found = await this.scan;
    return this.found;
  }

  /** Reads the workspace again; for what no watcher reports. */
  invalidate(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.found = undefined;
      this.changed.fire();
    }, settleMs);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.owned.dispose();
  }

  private async read(): Promise<readonly DataRecord[]> {
    const uris = await vscode.workspace.findFiles(manifests, leftOut, limit);
    const records = await Promise.all(
      uris.filter(({ scheme }) => scheme === 'file').map(({ fsPath }) => readRecord(fsPath)),
    );
    return records.filter((record) => record !== undefined).sort((a, b) => a.name.localeCompare(b.name));
  }
}

/** Undefined for a file that only has the name in common with ours. */
async function readRecord(path: string): Promise<DataRecord | undefined> {
  const folder = dirname(path);
  const name = basename(folder);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
  if (basename(path) === 'import.json') {
    const parsed = TrajectoryManifest.safeParse(value);
    if (!parsed.success) return undefined;
    const { sources } = parsed.data;
    return {
      kind: 'trajectories',
      folder,
      name,
      rows: sources.reduce((sum, { rows }) => sum + rows, 0),
      files: sources.map(({ file }) => file),
    };
  }
  const parsed = DatasetManifest.safeParse(value);
  if (parsed.success) {
    const { format, questions, documents } = parsed.data;
    return { kind: 'dataset', folder, name: parsed.data.name, format, questions, documents };
  }
  const claims = typeof value === 'object' && value !== null && 'selections' in value && 'questions' in value;
  const issue = parsed.error.issues[0];
  return claims
    ? {
        kind: 'broken',
        folder,
        name,
        problem: vscode.l10n.t(
          'dataset.json: {0} {1}. Import the data again.',
          issue?.path.join('.') ?? '',
          issue?.message ?? '',
        ),
      }
    : undefined;
}

/** The file of a folder of trajectories that is shown. */
export function trajectoriesOf(folder: string): string {
  return join(folder, 'trajectories.jsonl');
}
