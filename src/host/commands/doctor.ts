import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { runCommandLine } from './commandLine.ts';
import { targetTask } from './targets.ts';

/**
 * Runs the command line's checks and shows what they say: of a task card, where the workspace has one, also its servers
 * and tools, with the settings and keys that a run from this editor would have.
 */
export async function doctor(services: Services, arg: unknown): Promise<void> {
  await services.runs.ready();
  const task = services.runs.tasks().length === 0 ? undefined : await targetTask(services, arg);
  const title = vscode.l10n.t('AutoAct: checking servers, tools, engine, Python and box');
  let end;
  if (task === undefined) {
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? services.layout.root.fsPath;
    const python = vscode.workspace.getConfiguration('autoact').get<string>('python', '');
    const env = { ...(await services.keys.environment()), ...(python === '' ? {} : { AUTOACT_PYTHON: python }) };
    end = await runCommandLine(services, ['doctor'], { cwd, env, title });
  } else {
    const { args, env } = await services.runner.commandArguments(services.configurations.get(task.file));
    const words = ['doctor', '--task', task.file, '--workspace', task.workspace, ...args];
    end = await runCommandLine(services, words, { cwd: task.workspace, env, title });
  }
  const said = [...end.lines, ...(end.lines.length === 0 ? end.exit.tail : [])];
  // Escape sequences of a terminal have no place in a document.

  const text = said.map((line) => line.replace(/\u001b\[[0-9;]*m/g, '')).join('\n');
  await services.documents.openDoctor(
    `# AutoAct: ${vscode.l10n.t('Doctor')}\n\n${new Date().toLocaleString()}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
}
