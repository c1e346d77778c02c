import * as vscode from 'vscode';

/** A read-only file system whose provider is loaded when a file of it is first wanted. */
export function lazyFileSystem(scheme: string, provider: () => vscode.FileSystemProvider): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  let connected = false;
  const load = (): vscode.FileSystemProvider => {
    const loaded = provider();
    if (!connected) {
      connected = true;
      loaded.onDidChangeFile((events) => {
        changed.fire(events);
      });
    }
    return loaded;
  };
  const refuse = (uri: vscode.Uri): never => {
    throw vscode.FileSystemError.NoPermissions(uri);
  };
  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerFileSystemProvider(
      scheme,
      {
        onDidChangeFile: changed.event,
        watch: (uri, options) => load().watch(uri, options),
        stat: (uri) => load().stat(uri),
        readFile: (uri) => load().readFile(uri),
        readDirectory: () => [],
        createDirectory: refuse,
        writeFile: refuse,
        delete: refuse,
        rename: refuse,
      },
      { isCaseSensitive: true, isReadonly: true },
    ),
  );
}
