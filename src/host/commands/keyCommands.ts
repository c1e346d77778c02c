import * as vscode from 'vscode';
import { isKeyVariable } from '../runs/apiKeys.ts';
import type { Services } from '../services.ts';
import { pickOne } from '../pickOne.ts';

export async function setApiKey(services: Services): Promise<void> {
  const configured = Object.values(
    vscode.workspace.getConfiguration('autoact').get<Record<string, { url?: unknown }>>('servers', {}),
  ).map((server) => (typeof server.url === 'string' ? server.url : ''));
  const known = [...new Set([...configured, ...services.keys.urls()])].filter((url) => url !== '');
  const other = vscode.l10n.t('Another server…');
  const items = [...known, other].map((label) => ({ label }));
  const chosen =
    known.length === 0 ? other : (await pickOne(items, { title: vscode.l10n.t('API key of which server?') }))?.label;
  const url =
    chosen === other
      ? await vscode.window.showInputBox({
          title: vscode.l10n.t('Base URL of the server'),
          placeHolder: 'https://api.example.com/v1',
          ignoreFocusOut: true,
        })
      : chosen;
  if (url !== undefined && url.trim() !== '') await services.keys.ask(url);
}

/** A tool's key is known by the variable that task cards name as `apiKeyVariable`. */
export async function setToolKey(services: Services): Promise<void> {
  const other = vscode.l10n.t('Another tool…');
  const chosen = await pickOne(
    [
      { label: 'BRAVE_API_KEY', description: vscode.l10n.t('Search by Brave') },
      { label: 'TAVILY_API_KEY', description: vscode.l10n.t('Search by Tavily') },
      { label: 'SERPER_API_KEY', description: vscode.l10n.t('Search by Serper') },
      { label: other, description: vscode.l10n.t('the variable that its entry in the task card names') },
    ],
    { title: vscode.l10n.t('API key of which tool?') },
  );
  const variable =
    chosen?.label === other
      ? await vscode.window.showInputBox({
          title: vscode.l10n.t('Variable that the task card names as apiKeyVariable'),
          placeHolder: 'VISION_API_KEY',
          ignoreFocusOut: true,
          validateInput: (text) =>
            isKeyVariable(text) ? undefined : vscode.l10n.t('Capital letters, ending in _API_KEY'),
        })
      : chosen?.label;
  if (variable !== undefined) await services.keys.ask(variable);
}
