import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { StudyFolder, studySuffix } from '../../node/annotate/studyFolder.ts';
import { Disposables } from '../disposables.ts';

/** The studies of the workspace: study files, and prepared folders that came without one. */
export class StudyIndex implements vscode.Disposable {
  private readonly owned = new Disposables();
  private readonly changed = this.owned.add(new vscode.EventEmitter<void>());
  /** A study came or went, or somebody has labelled. */
  readonly onDidChange = this.changed.event;
  private found: StudyFolder[] = [];
  private scan: Promise<void> | undefined;

  constructor() {
    for (const pattern of ['**/*.study.json', '**/*.study/{plan,key}.json', '**/*.study/labels/*.jsonl']) {
      const watcher = this.owned.add(vscode.workspace.createFileSystemWatcher(pattern));
      for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete])
        this.owned.add(event(() => void this.refresh()));
    }
  }

  ready(): Promise<void> {
    this.scan ??= this.refresh();
    return this.scan;
  }

  all(): readonly StudyFolder[] {
    return this.found;
  }

  prepared(): StudyFolder[] {
    return this.found.filter((folder) => folder.prepared);
  }

  find(file: string): StudyFolder | undefined {
    return this.found.find((folder) => folder.file === file);
  }

  async refresh(): Promise<void> {
    const exclude = '{**/node_modules/**,**/.git/**}';
    const [files, plans] = await Promise.all([
      vscode.workspace.findFiles(`**/*${studySuffix}`, exclude, 200),
      vscode.workspace.findFiles('**/*.study/plan.json', exclude, 200),
    ]);
    const names = new Set(files.filter((uri) => uri.scheme === 'file').map((uri) => uri.fsPath));
    for (const { fsPath } of plans) names.add(`${join(fsPath, '..').slice(0, -'.study'.length)}${studySuffix}`);
    this.found = [...names]
      .sort()
      .map((file) => new StudyFolder(file))
      .filter((folder) => folder.prepared || existsSync(folder.file));
    this.changed.fire();
  }

  dispose(): void {
    this.owned.dispose();
  }
}
