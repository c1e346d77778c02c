import { join } from 'node:path';
import * as vscode from 'vscode';
import { exchangeFormats, type ExchangeFormat } from '../../core/annotate/exchange/common.ts';
import { exportLabelsTo, importLabelsFrom } from '../../node/annotate/exchangeFiles.ts';
import { useForTraining } from '../../node/annotate/studyForTraining.ts';
import type { AnnotateService } from './annotateService.ts';
import { nothingPrepared, targetStudy, workspaceOf } from './studyCommands.ts';
import { pickOne } from '../pickOne.ts';

/** What becomes of a study's labels elsewhere: other tools, and training. */

const formatTitles: Readonly<Record<ExchangeFormat, string>> = {
  csv: 'CSV',
  'label-studio': 'Label Studio',
  argilla: 'Argilla',
};

async function chooseFormat(title: string): Promise<ExchangeFormat | undefined> {
  const choices = exchangeFormats.map((value) => ({ label: formatTitles[value], value }));
  return (await pickOne(choices, { title }))?.value;
}

export async function exportLabels(service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(service, arg, (study) => study.prepared, nothingPrepared());
  if (folder === undefined) return;
  const format = await chooseFormat(vscode.l10n.t('Export the labels of {0}', folder.name));
  if (format === undefined) return;
  const { out } = exportLabelsTo(
    folder,
    format,
    join(folder.path, `labels.${format === 'csv' ? 'csv' : `${format}.json`}`),
  );
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(vscode.Uri.file(out)));
}

export async function importLabels(service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(service, arg, (study) => study.prepared, nothingPrepared());
  if (folder === undefined) return;
  const format = await chooseFormat(vscode.l10n.t('Import labels for {0}', folder.name));
  if (format === undefined) return;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Labels of {0} from {1}', folder.name, formatTitles[format]),
      defaultUri: vscode.Uri.file(folder.path),
      filters: format === 'csv' ? { CSV: ['csv'] } : { JSON: ['json'] },
    })) ?? [];
  if (file === undefined) return;
  const { choices, added, refused } = importLabelsFrom(folder, format, file.fsPath, Date.now());
  service.refreshed();
  const left = [...refused].map(([reason, n]) => vscode.l10n.t('{0} left out: {1}', n, reason));
  void vscode.window.showInformationMessage(
    `AutoAct: ${[vscode.l10n.t('{0} choices, {1} new records', choices, added), ...left].join('; ')}.`,
  );
}

export async function useLabels(service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(service, arg, (study) => study.prepared, nothingPrepared());
  if (folder === undefined) return;
  const { counts, leftOut, added } = await useForTraining(folder, workspaceOf(folder));
  service.refreshed();
  const used = vscode.l10n.t(
    '{0} trajectories were accepted or rejected, {1} steps corrected ({2} new records)',
    counts.judgements,
    counts.corrections,
    added,
  );
  const left = [...leftOut].map(([reason, n]) => vscode.l10n.t('{0} left out: {1}', n, reason));
  void vscode.window.showInformationMessage(
    `AutoAct: ${[used, ...left].join('; ')}. ${vscode.l10n.t('Runs look at them with {0} in the settings of a task card.', '"filter": {"annotations": "filter"}')}`,
  );
}
