import * as vscode from 'vscode';
import { RunnerProcess } from '../../node/runnerProcess.ts';
import { describeError, UserError } from '../notify.ts';
import type { Services } from '../services.ts';

/** Runs the command line's checks and shows what they say. */
export async function doctor(services: Services): Promise<void> {
  const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? services.layout.root.fsPath;
  const python = vscode.workspace.getConfiguration('autoact').get<string>('python', '');
  const lines: string[] = [];
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: 'AutoAct: checking servers, engine, Python and box',
      cancellable: true,
    },
    async (_progress, token) => {
      const process = new RunnerProcess({
        cli: services.layout.cli,
        args: ['doctor'],
        cwd,
        env: { NO_COLOR: '1', ...(python === '' ? {} : { AUTOACT_PYTHON: python }) },
        onEvent: () => undefined,
        onLine: (line) => lines.push(line),
      });
      token.onCancellationRequested(() => {
        process.cancel();
      });
      try {
        await process.done;
      } catch (error) {
        throw new UserError(describeError(error).message);
      }
    },
  );
  // Escape sequences of a terminal have no place in a document.

  const text = lines.map((line) => line.replace(/\u001b\[[0-9;]*m/g, '')).join('\n');
  await services.documents.openDoctor(
    `# AutoAct: Doctor\n\n${new Date().toLocaleString()}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
}
