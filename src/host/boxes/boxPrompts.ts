import * as vscode from 'vscode';
import type { Ask, AskAnswer } from '../../core/box/boxStatus.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';

const prefix = 'autoact.ssh:';

/**
 * Answers what a connection to a box asks: passphrases and passwords in input boxes, kept in the editor's secret
 * storage; a host that nobody knows yet in a dialog with its fingerprint. A host whose key has changed is never asked
 * about: the command line refuses it and says why.
 */
export class BoxPrompts {
  private readonly secrets: vscode.SecretStorage;
  /** One dialog at a time, whichever process asks. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(secrets: vscode.SecretStorage) {
    this.secrets = secrets;
  }

  async answer(ask: Ask): Promise<AskAnswer> {
    if (!vscode.workspace.isTrusted) return undefined;
    switch (ask.kind) {
      case 'get-secret':
        return this.secrets.get(prefix + ask.name);
      case 'set-secret':
        await this.secrets.store(prefix + ask.name, ask.secret);
        return true;
      case 'delete-secret':
        await this.secrets.delete(prefix + ask.name);
        return true;
      case 'secret':
        return this.inTurn(() => askSecret(ask));
      case 'host-key':
        return this.inTurn(() => acceptKey(ask));
      // Language models are asked for runs, see LanguageModels.
      case 'models':
      case 'complete':
        return undefined;
    }
  }

  private inTurn<T>(ask: () => Thenable<T>): Promise<T> {
    const next = this.last.then(ask, ask);
    this.last = next.catch(() => undefined);
    return next;
  }
}

function askSecret({ request }: Extract<Ask, { kind: 'secret' }>): Thenable<string | undefined> {
  const { host, user, prompt, echo, attempt, kind } = request;
  const again = attempt > 1 ? `${vscode.l10n.t('The last answer was wrong.')} ` : '';
  // A keyboard-interactive prompt is the host's own text.
  const from = kind === 'keyboard-interactive' ? `${vscode.l10n.t('{0} asks:', visibleLine(host, 100))} ` : '';
  return vscode.window.showInputBox({
    title: vscode.l10n.t('AutoAct: log in to {0}', visibleLine(`${user}@${host}`, 120)),
    prompt: vscode.l10n.t(
      "{0}{1}{2}. What is kept of it is kept in the editor's secret storage.",
      again,
      from,
      visibleLine(prompt, 300),
    ),
    password: !echo,
    ignoreFocusOut: true,
  });
}

async function acceptKey({ question }: Extract<Ask, { kind: 'host-key' }>): Promise<boolean> {
  const { host, name, keyType, fingerprint } = question;
  const accept = vscode.l10n.t('It Is This Host');
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t('The host {0} is not known yet.', visibleLine(host, 100)),
    {
      modal: true,
      detail: vscode.l10n.t(
        "{0} shows this {1} key:\n\n{2}\n\nCompare it with what the host's administrator says. Whoever is accepted here gets your training data; the key is then kept, and another one refused.",
        visibleLine(name, 200),
        visibleLine(keyType, 40),
        visibleLine(fingerprint, 100),
      ),
    },
    accept,
  );
  return chosen === accept;
}
