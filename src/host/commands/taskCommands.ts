import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { TaskCard } from '../../core/task/taskCard.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { pickOne } from '../pickOne.ts';

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

/** The workspace folder that something is made in. */
export async function chooseFolder(
  placeHolder = vscode.l10n.t('Where should the task card be made?'),
): Promise<vscode.WorkspaceFolder> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const [only] = folders;
  if (only === undefined)
    throw new UserError(
      vscode.l10n.t('Open a folder first: a task card and its runs are files.'),
      vscode.l10n.t('Use "File: Open Folder…".'),
    );
  const chosen = folders.length === 1 ? only : await vscode.window.showWorkspaceFolderPick({ placeHolder });
  if (chosen === undefined) throw new vscode.CancellationError();
  return chosen;
}

async function ask(options: vscode.InputBoxOptions): Promise<string> {
  const value = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? vscode.l10n.t('Write something here.') : undefined),
    ...options,
  });
  if (value === undefined) throw new vscode.CancellationError();
  return value.trim();
}

/** File name of a task: lower case, letters and digits of any script, hyphens. */
export function cardFileName(name: string): string {
  const slug = name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${slug === '' ? 'task' : slug}.task.json`;
}

/** Asks for what a card needs, writes it and opens it. */
export async function newTaskCard(services: Services): Promise<void> {
  const folder = await chooseFolder();
  const steps = 7;
  const title = (step: number): string => vscode.l10n.t('New task card ({0} of {1})', step, steps);
  const name = await ask({
    title: title(1),
    prompt: vscode.l10n.t('Name of the task, as views and reports show it.'),
    placeHolder: vscode.l10n.t('Questions about the archive'),
  });
  const description = await ask({
    title: title(2),
    prompt: vscode.l10n.t('What should the agent do? One or two sentences; every prompt begins with them.'),
    placeHolder: vscode.l10n.t('Answer questions about the pages of the archive with a short phrase.'),
  });
  const examples: { question: string; answer: string }[] = [];
  for (const [index, word] of ['first', 'second'].entries()) {
    const question = await ask({
      title: title(3 + 2 * index),
      prompt: vscode.l10n.t('The {0} example: a question of the kind that the agent should answer.', word),
    });
    const answer = await ask({
      title: title(4 + 2 * index),
      prompt: vscode.l10n.t('The short answer to “{0}”.', question),
    });
    examples.push({ question, answer });
  }
  const metric = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t('Token F1'),
        detail: vscode.l10n.t('Words that answer and gold share. The usual choice for short answers.'),
        value: 'f1' as const,
      },
      {
        label: vscode.l10n.t('Exact match'),
        detail: vscode.l10n.t('Right or wrong, after normalisation.'),
        value: 'em' as const,
      },
      {
        label: vscode.l10n.t('Option letter'),
        detail: vscode.l10n.t('For multiple-choice questions.'),
        value: 'choice' as const,
      },
    ],
    { title: title(7), placeHolder: vscode.l10n.t('How is an answer scored?'), ignoreFocusOut: true },
  );
  if (metric === undefined) throw new vscode.CancellationError();
  const card = TaskCard.parse({ name, description, examples, metric: metric.value });
  const file = await freeName(join(folder.uri.fsPath, cardFileName(name)));
  const { levels, ...rest } = card;
  await writeFile(file, `${JSON.stringify(levels.length === 0 ? rest : card, null, 2)}\n`, { flag: 'wx' });
  await services.runs.readTask(vscode.Uri.file(file));
  await vscode.window.showTextDocument(vscode.Uri.file(file));
  const start = vscode.l10n.t('Open Dashboard');
  void vscode.window
    .showInformationMessage(
      vscode.l10n.t(
        'AutoAct: the task card is ready. Add the pages and questions that it is about, then start the loop from its dashboard.',
      ),
      start,
    )
    .then(async (chosen) => {
      if (chosen === start) await vscode.commands.executeCommand('autoact.openDashboard', vscode.Uri.file(file));
    });
}

async function freeName(file: string): Promise<string> {
  if (!(await exists(file))) return file;
  for (let n = 2; ; n++) {
    const next = file.replace(/\.task\.json$/, `-${n}.task.json`);
    if (!(await exists(next))) return next;
  }
}

/** Copies the starter task's card into the workspace and opens it; one that is there already is only opened. */
export async function openStarterTask(services: Services): Promise<vscode.Uri> {
  const folder = await chooseFolder();
  const file = join(folder.uri.fsPath, 'starter.task.json');
  if (!(await exists(file))) {
    let card: string;
    try {
      // Its schema stands beside the extension, not beside the copy; the editor knows the schema by the file's name.
      const { $schema: _, ...rest } = JSON.parse(await readFile(services.layout.starter.fsPath, 'utf8')) as Record<
        string,
        unknown
      >;
      card = `${JSON.stringify(rest, null, 2)}\n`;
    } catch (error) {
      throw new UserError(
        vscode.l10n.t(
          'The starter task is missing from the extension ({0}).',
          error instanceof Error ? error.message : String(error),
        ),
        vscode.l10n.t('Reinstall the extension.'),
      );
    }
    await writeFile(file, card, { flag: 'wx' });
  }
  const uri = vscode.Uri.file(file);
  await services.runs.readTask(uri);
  await vscode.window.showTextDocument(uri);
  return uri;
}

/** Lets the user choose a prompt. */
async function choosePrompt(services: Services, title: string): Promise<string | undefined> {
  const entries = await vscode.workspace.fs.readDirectory(services.layout.prompts);
  const names = entries
    .filter(([name]) => name.endsWith('.md'))
    .map(([name]) => name.slice(0, -'.md'.length))
    .sort();
  const items = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(services.layout.prompts.fsPath, `${name}.md`), 'utf8');
      const override = overridePath(name);
      const overridden = override !== undefined && (await exists(override));
      return {
        label: name,
        ...(overridden ? { description: vscode.l10n.t('overridden in this workspace') } : {}),
        detail: /^about: (.*)$/m.exec(text)?.[1] ?? '',
      };
    }),
  );
  return (await pickOne(items, { title, matchOnDetail: true }))?.label;
}

function overridePath(name: string): string | undefined {
  const folder = vscode.workspace.workspaceFolders?.[0];
  return folder === undefined ? undefined : join(folder.uri.fsPath, '.autoact', 'prompts', `${name}.md`);
}

export async function showPrompts(services: Services): Promise<void> {
  const name = await choosePrompt(services, vscode.l10n.t('Show which prompt?'));
  if (name === undefined) return;
  const override = overridePath(name);
  if (override !== undefined && (await exists(override)))
    await vscode.window.showTextDocument(vscode.Uri.file(override));
  else await services.documents.open({ kind: 'prompt', name });
}

export async function overridePrompt(services: Services, arg: unknown): Promise<void> {
  await chooseFolder();
  const given = typeof arg === 'string' && /^[\w-]+$/.test(arg) ? arg : undefined;
  const name = given ?? (await choosePrompt(services, vscode.l10n.t('Override which prompt in this workspace?')));
  if (name === undefined) return;
  const file = overridePath(name);
  if (file === undefined) return;
  if (!(await exists(file))) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await readFile(join(services.layout.prompts.fsPath, `${name}.md`), 'utf8'), { flag: 'wx' });
    void vscode.window.showInformationMessage(
      vscode.l10n.t(
        'AutoAct: this copy is used in place of the built-in prompt from the next run on. Delete it to go back. Running runs keep the prompts that they began with.',
      ),
    );
  }
  await vscode.window.showTextDocument(vscode.Uri.file(file));
}
