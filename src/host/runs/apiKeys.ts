import * as vscode from 'vscode';

const prefix = 'autoact.key:';
const indexKey = 'autoact.keyedServers';

/**
 * API keys, one a server, in the editor's secret storage. They reach the runner in its environment and nothing else:
 * no setting, no file, no log, no webview.
 */
export class ApiKeys {
  private readonly secrets: vscode.SecretStorage;
  private readonly state: vscode.Memento;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(context: vscode.ExtensionContext) {
    this.secrets = context.secrets;
    this.state = context.globalState;
    context.subscriptions.push(this.changed);
  }

  /** Base URLs that have a key. */
  urls(): string[] {
    return this.state.get<string[]>(indexKey, []);
  }

  get(url: string): Thenable<string | undefined> {
    return this.secrets.get(prefix + normalizeUrl(url));
  }

  /** Asks for a key and stores it; an empty one removes what was stored. */
  async ask(url: string): Promise<void> {
    const key = await vscode.window.showInputBox({
      title: 'API key',
      prompt: `Key for ${url}. It is kept in the editor's secret storage. Leave it empty to remove the stored key.`,
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return;
    const name = normalizeUrl(url);
    const others = this.urls().filter((known) => known !== name);
    if (key === '') {
      await this.secrets.delete(prefix + name);
      await this.state.update(indexKey, others);
    } else {
      await this.secrets.store(prefix + name, key);
      await this.state.update(indexKey, [...others, name]);
    }
    this.changed.fire();
  }
}

/** The same server whether or not its URL was written with a slash at the end. */
export function normalizeUrl(url: string): string {
  return url.trim().replace(/\/+$/, '');
}
