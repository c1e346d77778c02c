import { basename, join, relative } from 'node:path';
import * as vscode from 'vscode';
import type { DatasetManifest } from '../../core/data/dataset.ts';
import { renderImportReport } from '../../core/data/importReport.ts';
import { guessMapping, Mapping } from '../../core/data/mapping.ts';
import { imagesOf, writeDatasetCard } from '../../node/data/datasetCard.ts';
import { importDataset, type DatasetKind } from '../../node/data/importDataset.ts';
import { guessKind, type GuessedKind } from '../../node/data/guessKind.ts';
import { columnsOf, detectFormat } from '../../node/data/records.ts';
import { replayCheck } from '../../node/data/replayCheck.ts';
import { importTrajectories } from '../../node/data/trajectoryFolder.ts';
import { counted } from '../counted.ts';
import { trajectoriesOf } from '../data/dataIndex.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { cardFileName, chooseFolder } from './taskCommands.ts';

const kinds = [
  {
    label: 'HotpotQA',
    detail: vscode.l10n.t('The official JSON, or JSON Lines with the same fields; its paragraphs become pages.'),
    id: 'hotpotqa',
  },
  {
    label: 'ScienceQA',
    detail: vscode.l10n.t('problems.json, with captions of the images where there are any.'),
    id: 'scienceqa',
  },
  {
    label: vscode.l10n.t('Table'),
    detail: vscode.l10n.t('Any CSV, TSV, JSON or JSON Lines. You say which column is what.'),
    id: 'table',
  },
  {
    label: vscode.l10n.t('AutoAct trajectories'),
    detail: vscode.l10n.t('JSON Lines of the published AutoAct code, imported without loss.'),
    id: 'trajectories',
  },
] as const;

/** Asks what to import, imports it into a folder of the workspace, and offers a task card. */
export async function importData(services: Services): Promise<void> {
  const workspace = await chooseFolder(vscode.l10n.t('Into which folder should the data go?'));
  const kind = await pick(kinds, { title: vscode.l10n.t('Import data'), placeHolder: vscode.l10n.t('What is it?') });
  await importInto(services, workspace, kind, await chooseFiles(kind.label, true));
}

/** Imports files that were dropped: what they are is seen from them, and asked with that on top. */
export async function importFiles(services: Services, files: readonly string[]): Promise<void> {
  const guessed = await Promise.all(files.map((file) => guessKind(file)));
  const first = kinds.find(({ id }) => id === guessed[0]);
  if (first === undefined || guessed.some((kind) => kind !== first.id))
    throw new UserError(
      vscode.l10n.t('The files are of several kinds.'),
      vscode.l10n.t('Drop files of one kind at a time.'),
    );
  const workspace = await chooseFolder(vscode.l10n.t('Into which folder should the data go?'));
  const ordered = [first, ...kinds.filter((kind) => kind !== first)];
  const kind = await pick(
    ordered.map((each) => ({ ...each, ...(each === first ? { description: vscode.l10n.t('likely') } : {}) })),
    {
      title: vscode.l10n.t('Import {0}', files.map((file) => basename(file)).join(', ')),
      placeHolder: vscode.l10n.t('What is it?'),
    },
  );
  await importInto(services, workspace, kind, files);
}

async function importInto(
  services: Services,
  workspace: vscode.WorkspaceFolder,
  kind: { readonly id: GuessedKind; readonly label: string },
  files: readonly string[],
): Promise<void> {
  const first = files[0];
  if (first === undefined) return;
  const source = kind.id === 'trajectories' ? undefined : await sourceOf(kind.id, first);
  const out = await chooseName(workspace.uri.fsPath, basename(first));
  if (source === undefined) return showTrajectories(services, files, out);
  const manifest = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('AutoAct: importing {0}', kind.label),
      cancellable: true,
    },
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
          progress.report({ message: vscode.l10n.t('{0} rows', read) });
        },
      }).catch((error: unknown) => {
        throw controller.signal.aborted ? new vscode.CancellationError() : error;
      });
    },
  );
  services.data.invalidate();
  await offerCard(services, workspace, out, manifest, source);
}

async function offerCard(
  services: Services,
  workspace: vscode.WorkspaceFolder,
  out: string,
  manifest: DatasetManifest,
  source: DatasetKind,
): Promise<void> {
  services.log.info(`Imported into ${out}\n${renderImportReport(manifest.report)}`);
  const refused = manifest.report.refused.reduce((sum, f) => sum + f.count, 0);
  const make = vscode.l10n.t('Make Task Card');
  const report = vscode.l10n.t('Show Report');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      'AutoAct: {0} questions and {1} documents are in {2}; {3} rows were refused.',
      manifest.questions,
      manifest.documents,
      relative(workspace.uri.fsPath, out),
      refused,
    ),
    make,
    report,
  );
  if (chosen === report) await vscode.window.showTextDocument(vscode.Uri.file(join(out, 'dataset.json')));
  if (chosen !== make) return;
  const card = vscode.Uri.file(await writeDatasetCard(out, manifest, imagesOf(source)));
  await services.runs.readTask(card);
  await vscode.window.showTextDocument(card);
}

async function showTrajectories(services: Services, files: readonly string[], out: string): Promise<void> {
  const { report } = await importTrajectories(files, out, replayCheck(services.layout.prompts.fsPath));
  services.log.info(`Imported into ${out}\n${renderImportReport(report)}`);
  services.data.invalidate();
  services.tables.show({ kind: 'file', path: trajectoriesOf(out) });
  const refused = report.refused.reduce((sum, { count }) => sum + count, 0);
  const show = vscode.l10n.t('Show Report');
  const chosen = await vscode.window.showInformationMessage(
    refused === 0
      ? vscode.l10n.t('AutoAct: imported {0}.', counted.trajectories(report.kept))
      : refused === 1
        ? vscode.l10n.t('AutoAct: imported {0}; 1 line was refused.', counted.trajectories(report.kept))
        : vscode.l10n.t('AutoAct: imported {0}; {1} lines were refused.', counted.trajectories(report.kept), refused),
    show,
  );
  if (chosen === show) await vscode.window.showTextDocument(vscode.Uri.file(join(out, 'import.json')));
}

async function sourceOf(kind: DatasetKind['kind'], file: string): Promise<DatasetKind> {
  if (kind === 'hotpotqa') return { kind };
  return kind === 'scienceqa' ? scienceQa() : { kind, mapping: await askMapping(file) };
}

async function scienceQa(): Promise<DatasetKind> {
  const splits = [
    { label: 'test', detail: vscode.l10n.t('What the paper evaluates on') },
    { label: 'val' },
    { label: 'train' },
    { label: 'all', detail: vscode.l10n.t('Every problem of the file') },
  ];
  const split = (await pick(splits, { title: 'ScienceQA', placeHolder: vscode.l10n.t('Which split?') })).label;
  const yes = { label: vscode.l10n.t('Choose a file of captions…') };
  const no = {
    label: vscode.l10n.t('Go on without captions'),
    detail: vscode.l10n.t('Image2Text then knows the images from their files alone.'),
  };
  const captions =
    (await pick([yes, no], { title: 'ScienceQA', placeHolder: vscode.l10n.t('Are there captions of the images?') })) ===
    yes
      ? (await chooseFiles('captions', false))[0]
      : undefined;
  const folder = {
    label: vscode.l10n.t('Choose the folder of the images…'),
    detail: vscode.l10n.t('As the data set ships them: split/id/image.png'),
  };
  const without = {
    label: vscode.l10n.t('Go on without the files'),
    detail: vscode.l10n.t('Text recognition and vision models need them.'),
  };
  const images =
    (await pick([folder, without], {
      title: 'ScienceQA',
      placeHolder: vscode.l10n.t('Are the images themselves there?'),
    })) === folder
      ? await chooseImages()
      : undefined;
  return {
    kind: 'scienceqa',
    ...(images === undefined ? {} : { images }),
    ...(split === 'all' ? {} : { split }),
    ...(captions === undefined ? {} : { captions }),
  };
}

/** One quick pick a field, with a guess from the columns' names on top. */
async function askMapping(file: string): Promise<Mapping> {
  const columns = await columnsOf(file, detectFormat(file));
  if (columns.length === 0)
    throw new UserError(
      vscode.l10n.t('{0} has no columns.', basename(file)),
      vscode.l10n.t('A table begins with a line of column names.'),
    );
  const guess = guessMapping(columns);
  const none = { label: `$(dash) ${vscode.l10n.t('None')}` };
  const ask = async (
    field: keyof typeof guess,
    placeHolder: string,
    required: boolean,
  ): Promise<string | undefined> => {
    const guessed = guess[field];
    const ordered = guessed === undefined ? columns : [guessed, ...columns.filter((c) => c !== guessed)];
    const items = ordered.map((label) => ({
      label,
      ...(label === guessed ? { description: vscode.l10n.t('likely') } : {}),
    }));
    const optional = required ? items : guessed === undefined ? [none, ...items] : [...items, none];
    const chosen = await pick(optional, { title: vscode.l10n.t('Map {0}', basename(file)), placeHolder });
    return chosen === none ? undefined : chosen.label;
  };
  const question = await ask('question', vscode.l10n.t('Which column holds the question?'), true);
  const answer = await ask('answer', vscode.l10n.t('Which column holds the gold answer?'), true);
  const level = await ask('level', vscode.l10n.t('Is there a difficulty level?'), false);
  const options = await vscode.window.showQuickPick(
    columns.map((label) => ({ label, picked: label === guess.choices })),
    {
      title: vscode.l10n.t('Map {0}', basename(file)),
      placeHolder: vscode.l10n.t('Columns with options of a multiple-choice question; none for free answers'),
      canPickMany: true,
      ignoreFocusOut: true,
    },
  );
  if (options === undefined) throw new vscode.CancellationError();
  const title = await ask('title', vscode.l10n.t('Is there a column with the title of a document?'), false);
  const text =
    title === undefined ? undefined : await ask('text', vscode.l10n.t('Which column holds the document’s text?'), true);
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
    { label: vscode.l10n.t('The option’s text'), id: 'text' },
    { label: vscode.l10n.t('A letter'), id: 'letter' },
    { label: vscode.l10n.t('A number from 0'), id: 'index0' },
    { label: vscode.l10n.t('A number from 1'), id: 'index1' },
  ] as const;
  return (
    await pick(forms, {
      title: vscode.l10n.t('Map options'),
      placeHolder: vscode.l10n.t('How does the answer name its option?'),
    })
  ).id;
}

async function pick<T extends vscode.QuickPickItem>(items: readonly T[], options: vscode.QuickPickOptions): Promise<T> {
  const chosen = await vscode.window.showQuickPick(items, { ignoreFocusOut: true, matchOnDetail: true, ...options });
  if (chosen === undefined) throw new vscode.CancellationError();
  return chosen;
}

async function chooseFiles(what: string, many: boolean): Promise<string[]> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectMany: many,
    title: vscode.l10n.t('Import {0}', what),
    openLabel: vscode.l10n.t('Import'),
  });
  if (chosen === undefined || chosen.length === 0) throw new vscode.CancellationError();
  return chosen.map((uri) => uri.fsPath);
}

async function chooseImages(): Promise<string> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      title: vscode.l10n.t('Folder of the images'),
      openLabel: vscode.l10n.t('Choose'),
    })) ?? [];
  if (folder === undefined) throw new vscode.CancellationError();
  return folder.fsPath;
}

/** @returns the folder to make, `data/<name>` of the workspace */
async function chooseName(workspace: string, file: string): Promise<string> {
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t('Import data'),
    prompt: vscode.l10n.t('Name of the data set. It is written to data/<name> of the workspace.'),
    value: file.replace(/\.[^.]+$/, ''),
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? vscode.l10n.t('Write something here.') : undefined),
  });
  if (name === undefined) throw new vscode.CancellationError();
  return join(workspace, 'data', cardFileName(name).replace(/\.task\.json$/, ''));
}
