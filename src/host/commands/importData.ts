import { basename, join, relative } from 'node:path';
import * as vscode from 'vscode';
import type { DatasetManifest } from '../../core/data/dataset.ts';
import { renderImportReport } from '../../core/data/importReport.ts';
import { guessMapping, Mapping } from '../../core/data/mapping.ts';
import { writeDatasetCard } from '../../node/data/datasetCard.ts';
import { importDataset, type DatasetKind } from '../../node/data/importDataset.ts';
import { columnsOf, detectFormat } from '../../node/data/records.ts';
import { replayCheck } from '../../node/data/replayCheck.ts';
import { importTrajectories } from '../../node/data/trajectoryFolder.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { cardFileName, chooseFolder } from './taskCommands.ts';

const kinds = [
  {
    label: 'HotpotQA',
    detail: 'The official JSON, or JSON Lines with the same fields; its paragraphs become pages.',
    id: 'hotpotqa',
  },
  { label: 'ScienceQA', detail: 'problems.json, with captions of the images where there are any.', id: 'scienceqa' },
  { label: 'Table', detail: 'Any CSV, TSV, JSON or JSON Lines. You say which column is what.', id: 'table' },
  {
    label: 'AutoAct trajectories',
    detail: 'JSON Lines of the published AutoAct code, imported without loss.',
    id: 'trajectories',
  },
] as const;

/** Asks what to import, imports it into a folder of the workspace, and offers a task card. */
export async function importData(services: Services): Promise<void> {
  const workspace = await chooseFolder('Into which folder should the data go?');
  const kind = await pick(kinds, { title: 'Import data', placeHolder: 'What is it?' });
  const files = await chooseFiles(kind.label, true);
  const first = files[0];
  if (first === undefined) return;
  const source = kind.id === 'trajectories' ? undefined : await sourceOf(kind.id, first);
  const out = await chooseName(workspace.uri.fsPath, basename(first));
  if (source === undefined) return showTrajectories(services, files, out);
  const manifest = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `AutoAct: importing ${kind.label}`, cancellable: true },
    (progress, token) => {
      const controller = new AbortController();
      token.onCancellationRequested(() => {
        controller.abort();
      });
      return importDataset({
        files,
        out,
        name: basename(out),
        source,
        signal: controller.signal,
        onProgress: (read) => {
          progress.report({ message: `${read} rows` });
        },
      }).catch((error: unknown) => {
        throw controller.signal.aborted ? new vscode.CancellationError() : error;
      });
    },
  );
  await offerCard(services, workspace, out, manifest);
}

async function offerCard(
  services: Services,
  workspace: vscode.WorkspaceFolder,
  out: string,
  manifest: DatasetManifest,
): Promise<void> {
  services.log.info(`Imported into ${out}\n${renderImportReport(manifest.report)}`);
  const refused = manifest.report.refused.reduce((sum, f) => sum + f.count, 0);
  const make = 'Make Task Card';
  const report = 'Show Report';
  const chosen = await vscode.window.showInformationMessage(
    `AutoAct: ${manifest.questions} questions and ${manifest.documents} documents are in ${relative(workspace.uri.fsPath, out)}; ${refused} rows were refused.`,
    make,
    report,
  );
  if (chosen === report) await vscode.window.showTextDocument(vscode.Uri.file(join(out, 'dataset.json')));
  if (chosen !== make) return;
  const card = vscode.Uri.file(await writeDatasetCard(out, manifest));
  await services.runs.readTask(card);
  await vscode.window.showTextDocument(card);
}

async function showTrajectories(services: Services, files: readonly string[], out: string): Promise<void> {
  const { report } = await importTrajectories(files, out, replayCheck(services.layout.prompts.fsPath));
  services.log.info(`Imported into ${out}\n${renderImportReport(report)}`);
  await vscode.window.showTextDocument(vscode.Uri.file(join(out, 'import.json')));
}

async function sourceOf(kind: DatasetKind['kind'], file: string): Promise<DatasetKind> {
  if (kind === 'hotpotqa') return { kind };
  return kind === 'scienceqa' ? scienceQa() : { kind, mapping: await askMapping(file) };
}

async function scienceQa(): Promise<DatasetKind> {
  const splits = [
    { label: 'test', detail: 'What the paper evaluates on' },
    { label: 'val' },
    { label: 'train' },
    { label: 'all', detail: 'Every problem of the file' },
  ];
  const split = (await pick(splits, { title: 'ScienceQA', placeHolder: 'Which split?' })).label;
  const yes = { label: 'Choose a file of captions…' };
  const no = { label: 'Go on without captions', detail: 'Image2Text then has nothing to say about images.' };
  const captions =
    (await pick([yes, no], { title: 'ScienceQA', placeHolder: 'Are there captions of the images?' })) === yes
      ? (await chooseFiles('captions', false))[0]
      : undefined;
  return {
    kind: 'scienceqa',
    ...(split === 'all' ? {} : { split }),
    ...(captions === undefined ? {} : { captions }),
  };
}

/** One quick pick a field, with a guess from the columns' names on top. */
async function askMapping(file: string): Promise<Mapping> {
  const columns = await columnsOf(file, detectFormat(file));
  if (columns.length === 0)
    throw new UserError(`${basename(file)} has no columns.`, 'A table begins with a line of column names.');
  const guess = guessMapping(columns);
  const none = { label: '$(dash) None' };
  const ask = async (
    field: keyof typeof guess,
    placeHolder: string,
    required: boolean,
  ): Promise<string | undefined> => {
    const guessed = guess[field];
    const ordered = guessed === undefined ? columns : [guessed, ...columns.filter((c) => c !== guessed)];
    const items = ordered.map((label) => ({ label, ...(label === guessed ? { description: 'likely' } : {}) }));
    const optional = required ? items : guessed === undefined ? [none, ...items] : [...items, none];
    const chosen = await pick(optional, { title: `Map ${basename(file)}`, placeHolder });
    return chosen === none ? undefined : chosen.label;
  };
  const question = await ask('question', 'Which column holds the question?', true);
  const answer = await ask('answer', 'Which column holds the gold answer?', true);
  const level = await ask('level', 'Is there a difficulty level?', false);
  const options = await vscode.window.showQuickPick(
    columns.map((label) => ({ label, picked: label === guess.choices })),
    {
      title: `Map ${basename(file)}`,
      placeHolder: 'Columns with options of a multiple-choice question; none for free answers',
      canPickMany: true,
      ignoreFocusOut: true,
    },
  );
  if (options === undefined) throw new vscode.CancellationError();
  const title = await ask('title', 'Is there a column with the title of a document?', false);
  const text = title === undefined ? undefined : await ask('text', 'Which column holds the document’s text?', true);
  return Mapping.parse({
    question,
    answer,
    level,
    title,
    text,
    ...(options.length === 0
      ? {}
      : {
          choices: options.length === 1 ? options[0]?.label : options.map((o) => o.label),
          answerIs: await askAnswerForm(),
        }),
  });
}

async function askAnswerForm(): Promise<Mapping['answerIs']> {
  const forms = [
    { label: 'The option’s text', id: 'text' },
    { label: 'A letter', id: 'letter' },
    { label: 'A number from 0', id: 'index0' },
    { label: 'A number from 1', id: 'index1' },
  ] as const;
  return (await pick(forms, { title: 'Map options', placeHolder: 'How does the answer name its option?' })).id;
}

async function pick<T extends vscode.QuickPickItem>(items: readonly T[], options: vscode.QuickPickOptions): Promise<T> {
  const chosen = await vscode.window.showQuickPick(items, { ignoreFocusOut: true, matchOnDetail: true, ...options });
  if (chosen === undefined) throw new vscode.CancellationError();
  return chosen;
}

async function chooseFiles(what: string, many: boolean): Promise<string[]> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectMany: many,
    title: `Import ${what}`,
    openLabel: 'Import',
  });
  if (chosen === undefined || chosen.length === 0) throw new vscode.CancellationError();
  return chosen.map((uri) => uri.fsPath);
}

/** @returns the folder to make, `data/<name>` of the workspace */
async function chooseName(workspace: string, file: string): Promise<string> {
  const name = await vscode.window.showInputBox({
    title: 'Import data',
    prompt: 'Name of the data set. It is written to data/<name> of the workspace.',
    value: file.replace(/\.[^.]+$/, ''),
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'Write something here.' : undefined),
  });
  if (name === undefined) throw new vscode.CancellationError();
  return join(workspace, 'data', cardFileName(name).replace(/\.task\.json$/, ''));
}
