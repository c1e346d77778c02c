import * as vscode from 'vscode';
import * as z from 'zod';
import { visible } from '../../core/trajectory/visible.ts';
import { UserError } from '../notify.ts';
import type { TaskRecord } from '../runs/runRecord.ts';
import type { Services } from '../services.ts';
import { runCommandLine } from './commandLine.ts';
import { targetTask } from './targets.ts';
import { pickOne } from '../pickOne.ts';

const ToApprove = z.array(z.object({ name: z.string(), sha256: z.string(), what: z.unknown(), approved: z.boolean() }));
const shownChars = 4000;

/**
 * Shows what a tool of the user's own would run, and approves exactly that: the command line refuses when the description
 * or its script has changed in between. An MCP server is started only when the user has agreed.
 */
export async function approveTool(services: Services, arg: unknown): Promise<void> {
  const task = await targetTask(services, arg);
  if (task === undefined) return;
  const tools = ToApprove.parse(JSON.parse((await ask(services, task, ['--approvals'])).at(-1) ?? '[]'));
  if (tools.length === 0)
    throw new UserError(
      vscode.l10n.t('The task card {0} has no tool that needs approval.', task.name),
      vscode.l10n.t('Tools of your own have the provider "description" or "mcp".'),
    );
  const items = tools.map((tool) => ({
    label: tool.name,
    description: tool.approved ? vscode.l10n.t('approved') : vscode.l10n.t('not approved'),
    tool,
  }));
  const chosen = items.length === 1 ? items[0] : await pickOne(items, { title: vscode.l10n.t('Approve which tool?') });
  if (chosen === undefined) return;
  const { name, sha256, what } = chosen.tool;
  const approve = vscode.l10n.t('Approve');
  // A right-to-left mark or a control character must not hide a part of what is agreed to.
  const detail = visible(JSON.stringify(what, null, 2));
  if (detail.length > shownChars)
    throw new UserError(
      vscode.l10n.t('{0} is described in more words than can be shown.', name),
      vscode.l10n.t('Approve it on the command line.'),
    );
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Allow the tool {0} to run on this machine?', name),
    { modal: true, detail: `${detail}\n\n${vscode.l10n.t('It is asked again when this changes.')}` },
    approve,
  );
  if (answer !== approve) return;
  await ask(services, task, ['--approve', name, '--sha256', sha256]);
  void vscode.window.showInformationMessage(vscode.l10n.t('AutoAct: {0} is approved.', name));
}

/** @returns what it printed @throws UserError */
async function ask(services: Services, task: TaskRecord, words: readonly string[]): Promise<readonly string[]> {
  const { lines, exit, error } = await runCommandLine(services, ['tools', '--task', task.file, ...words, '--json'], {
    cwd: task.workspace,
    env: await services.keys.environment(),
    title: vscode.l10n.t('AutoAct: reading the tools'),
  });
  if (error !== undefined) throw new UserError(error.message, error.remedy);
  if (exit.code !== 0)
    throw new UserError(exit.tail.at(-1) ?? vscode.l10n.t('The command line ended without an answer.'));
  return lines;
}
