import * as vscode from 'vscode';

interface Entry {
  bytes: Uint8Array;
  mtime: number;
}

/**
 * A read-only file system over generated text. A file system rather than a content provider: its files come back by
 * themselves when the window is reloaded, show a lock, and can be watched.
 */
export abstract class ReadOnlyFiles implements vscode.FileSystemProvider {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  private readonly entries = new Map<string, Entry>();

  /** Makes the text of a document. @throws vscode.FileSystemError FileNotFound */
  protected abstract generate(uri: vscode.Uri): Promise<string>;
  /** A document is on show; the returned thing is disposed when it no longer is. */
  protected abstract follow(uri: vscode.Uri): vscode.Disposable;

  watch(uri: vscode.Uri): vscode.Disposable {
    return this.follow(uri);
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { bytes, mtime } = await this.load(uri);
    return {
      type: vscode.FileType.File,
      ctime: 0,
      mtime,
      size: bytes.byteLength,
      permissions: vscode.FilePermission.Readonly,
    };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return (await this.load(uri)).bytes;
  }

  /** The text has changed; open editors read it again. */
  protected touch(uri: vscode.Uri): void {
    this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }
  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  private async load(uri: vscode.Uri): Promise<Entry> {
    const bytes = new TextEncoder().encode(await this.generate(uri));
    const key = uri.toString();
    const known = this.entries.get(key);
    // The time stands still while the text does, else the editor would believe in a change on every look.
    if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known;
    const entry = { bytes, mtime: Math.max(Date.now(), (known?.mtime ?? 0) + 1) };
    this.entries.set(key, entry);
    return entry;
  }
}
