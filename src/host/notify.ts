import * as vscode from 'vscode';
import type { WireError } from '../protocol/surface.ts';

/** An error that is the user's to act on, with what to do about it. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** Something that a command works on is not there; in a window without a folder nothing can be, and that is what is said. */
export function nothingHere(message: string, remedy: string): UserError {
  if ((vscode.workspace.workspaceFolders ?? []).length > 0) return new UserError(message, remedy);
  return new UserError(
    vscode.l10n.t('No folder is open.'),
    vscode.l10n.t('Open a folder first ("File: Open Folder…"): task cards, runs, data and studies are files in it.'),
  );
}

/** What to say of any error: its message and, when it has one, its remedy. */
export function describeError(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error);
  if (typeof error === 'object' && error !== null && 'remedy' in error && typeof error.remedy === 'string') {
    return { message, remedy: error.remedy };
  }
  return { message };
}

export interface NotifyAction {
  readonly title: string;
  readonly run: () => unknown;
}

/** Shows one notification with the remedy and "Show Log"; the details go to the log. */
export async function showProblem(
  log: vscode.LogOutputChannel,
  problem: WireError,
  actions: readonly NotifyAction[] = [],
  severity: 'error' | 'warning' = 'error',
): Promise<void> {
  const text =
    problem.remedy === undefined || problem.message.includes(problem.remedy)
      ? problem.message
      : `${problem.message} ${problem.remedy}`;
  if (severity === 'error') log.error(text);
  else log.warn(text);
  const all: readonly NotifyAction[] = [...actions, { title: vscode.l10n.t('Show Log'), run: () => log.show(true) }];
  const titles = all.map((action) => action.title);
  const shown = `AutoAct: ${text.length > 600 ? `${text.slice(0, 600)} …` : text}`;
  const chosen =
    severity === 'error'
      ? await vscode.window.showErrorMessage(shown, ...titles)
      : await vscode.window.showWarningMessage(shown, ...titles);
  await all.find((action) => action.title === chosen)?.run();
}
