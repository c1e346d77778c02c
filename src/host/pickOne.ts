import * as vscode from 'vscode';

/** Nobody reads a list and leaves it in this time. */
const instantMs = 400;
const tries = 3;

/**
 * As `showQuickPick`. A webview that had the focus before the command palette gets it back with a delay, and so closes a
 * list that came up meanwhile: a list that goes in an instant is shown again.
 */
export async function pickOne<T extends vscode.QuickPickItem>(
  items: readonly T[],
  options: vscode.QuickPickOptions & { readonly canPickMany?: false },
): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    const shown = performance.now();
    const chosen = await vscode.window.showQuickPick(items, options);
    if (chosen !== undefined || attempt === tries || performance.now() - shown > instantMs) return chosen;
  }
}
