import * as vscode from 'vscode';
import { LanguageModels } from './languageModels.ts';

/** The editor's language models, looked up anew whenever an extension comes or goes that offers some. */
export function vscodeModels(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): LanguageModels {
  const changed = new vscode.EventEmitter<void>();
  const models = new LanguageModels(
    {
      models: () => vscode.lm.selectChatModels(),
      message: (role, content) =>
        role === 'user'
          ? vscode.LanguageModelChatMessage.User(content)
          : vscode.LanguageModelChatMessage.Assistant(content),
      cancellation: () => new vscode.CancellationTokenSource(),
      changed,
    },
    log,
  );
  context.subscriptions.push(
    changed,
    vscode.lm.onDidChangeChatModels(() => void models.refresh()),
  );
  return models;
}
