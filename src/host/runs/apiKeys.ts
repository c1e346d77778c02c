import * as vscode from 'vscode';

const prefix = 'autoact.key:';
const indexKey = 'autoact.keyedServers';

/**
 * API keys in the editor's secret storage: one a server, by its URL, and one a tool, by the environment variable that
 * task cards name. They reach the runner in its environment and nothing else:
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
    return this.owners().filter((owner) => !isKeyVariable(owner));
  }

  /** The keys of tools by their variables, as a runner finds them in its environment. */
  async environment(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const variable of this.owners().filter(isKeyVariable)) {
      const key = await this.get(variable);
      if (key !== undefined) found[variable] = key;
    }
    return found;
  }

  private owners(): string[] {
    return this.state.get<string[]>(indexKey, []);
  }

  get(url: string): Thenable<string | undefined> {
    return this.secrets.get(prefix + normalizeUrl(url));
  }

  /** Asks for a key and stores it; an empty one removes what was stored. */
  async ask(url: string): Promise<void> {
    const key = await vscode.window.showInputBox({
      title: vscode.l10n.t('API key'),
      prompt: vscode.l10n.t(
        "Key for {0}. It is kept in the editor's secret storage. Leave it empty to remove the stored key.",
        url,
      ),
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return;
    await this.set(url, key);
    const done =
      key === ''
        ? vscode.l10n.t('AutoAct: the key of {0} is removed.', url)
        : vscode.l10n.t('AutoAct: the key of {0} is kept.', url);
    vscode.window.setStatusBarMessage(done, 5000);
  }

  /** Stores a key; an empty one removes what was stored. */
  async set(url: string, key: string): Promise<void> {
    const name = normalizeUrl(url);
    const others = this.owners().filter((known) => known !== name);
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

/** What a task card may name: see `apiKeyVariable` of its tools. */
export function isKeyVariable(text: string): boolean {
  return /^[A-Z][A-Z0-9_]*_API_KEY$/.test(text);
}

/** The same server whether or not its URL was written with a slash at the end. */
export function normalizeUrl(url: string): string {
  return url.trim().replace(/\/+$/, '');
}
