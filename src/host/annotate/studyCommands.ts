import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { annotateView } from '../../contrib/ids.ts';
import { foldLabels } from '../../core/annotate/labels.ts';
import { prepareStudy } from '../../core/annotate/prepare.ts';
import { StudySession } from '../../core/annotate/session.ts';
import { writeAnalysis } from '../../node/annotate/studyAnalysis.ts';
import { StudyFolder, studySuffix } from '../../node/annotate/studyFolder.ts';
import { readSources } from '../../node/annotate/studySources.ts';
import { nothingHere, type UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import type { AnnotateService } from './annotateService.ts';
import { pickOne } from '../pickOne.ts';

/** The parts of a node of the queue that commands look at. */
interface Given {
  readonly folder?: StudyFolder;
  readonly rater?: string;
  readonly presentation?: { readonly id: string };
}

function given(arg: unknown): Given {
  return typeof arg === 'object' && arg !== null && 'kind' in arg ? (arg as Given) : {};
}

export async function targetStudy(
  { studies }: AnnotateService,
  arg: unknown,
  accepts: (folder: StudyFolder) => boolean,
  none: UserError,
): Promise<StudyFolder | undefined> {
  await studies.ready();
  const { folder } = given(arg);
  if (folder !== undefined) return folder;
  if (arg instanceof vscode.Uri && arg.fsPath.endsWith(studySuffix)) return new StudyFolder(arg.fsPath);
  const found = studies.all().filter(accepts);
  if (found.length <= 1) {
    if (found[0] === undefined) throw none;
    return found[0];
  }
  const chosen = await pickOne(
    found.map((study) => ({ label: study.name, description: vscode.workspace.asRelativePath(study.file), study })),
    { title: vscode.l10n.t('Which study?') },
  );
  return chosen?.study;
}

export const nothingPrepared = (): UserError =>
  nothingHere(
    vscode.l10n.t('There is no prepared study in this workspace.'),
    vscode.l10n.t('Make one with "AutoAct: New Study…", and prepare it with "AutoAct: Prepare Study".'),
  );

/** Opens a study for an annotator and puts the keyboard into the panel. */
export async function startLabelling(service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(service, arg, (study) => study.prepared, nothingPrepared());
  if (folder === undefined) return;
  await service.ready();
  const { current } = service;
  const rater = given(arg).rater ?? (await chooseRater(folder, current?.study === folder.file ? current.rater : ''));
  if (rater === undefined) return;
  await service.open(folder, rater, given(arg).presentation?.id);
  await vscode.commands.executeCommand(`${annotateView}.focus`);
}

/** @param current who is at work already, and so comes first */
async function chooseRater(folder: StudyFolder, current: string): Promise<string | undefined> {
  const plan = folder.plan();
  const items = folder.items();
  const entries = plan.raters.map(({ name }) => {
    const { done, total } = new StudySession(plan, items, name).progress(
      foldLabels(folder.annotator(name).records(), plan.name),
    );
    return { label: name, description: vscode.l10n.t('{0} of {1} done', done, total) };
  });
  if (plan.adjudicator !== undefined)
    entries.push({ label: plan.adjudicator, description: vscode.l10n.t('decides where there is no majority') });
  entries.sort((a, b) => Number(b.label === current) - Number(a.label === current));
  const [only] = entries;
  if (entries.length === 1) return only?.label;
  return (await pickOne(entries, { title: vscode.l10n.t('Who are you? Study {0}', folder.name) }))?.label;
}

export function workspaceOf(folder: StudyFolder): string {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(folder.file))?.uri.fsPath ?? join(folder.file, '..');
}

export async function prepare(services: Services, service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(
    service,
    arg,
    (study) => existsSync(study.file),
    nothingHere(
      vscode.l10n.t('There is no study in this workspace.'),
      vscode.l10n.t('Make one with "AutoAct: New Study…".'),
    ),
  );
  if (folder === undefined || (folder.prepared && !(await agreesToPrepareAgain(folder)))) return;
  const study = folder.study();
  const workspace = workspaceOf(folder);
  const prepared = prepareStudy(
    study,
    await readSources(study, folder.file, join(workspace, '.autoact', 'runs')),
    randomBytes(16).toString('hex'),
  );
  const { commitment } = folder.write(prepared, new Date());
  await service.studies.refresh();
  services.log.info(`Study ${folder.name} is sealed under ${commitment}; its key is ${folder.sealedKey}.`);
  const start = vscode.l10n.t('Start Labelling');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      'AutoAct: {0} questions are prepared, {1} tells were taken out. The key stays in .autoact/studies until it is revealed.',
      prepared.report.questions,
      prepared.report.tellsRemoved,
    ),
    start,
  );
  if (chosen === start) await startLabelling(service, { kind: 'study', folder });
}

/** Whoever has the study already, from git for example, labels by what was prepared first. */
async function agreesToPrepareAgain(folder: StudyFolder): Promise<boolean> {
  const yes = vscode.l10n.t('Prepare Again');
  const detail = vscode.l10n.t(
    'Items get a new order, new names and a new key. Labels of anybody who already has the study as it is would be worthless.',
  );
  const question = vscode.l10n.t('The study {0} is prepared already. Prepare it again?', folder.name);
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes;
}

/** Analyses a study and shows the report with its figure. */
export async function analyseLabels(service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(service, arg, (study) => study.prepared, nothingPrepared());
  if (folder === undefined) return;
  const { report } = writeAnalysis(folder);
  await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.file(report));
}

export async function revealKey(service: AnnotateService, arg: unknown): Promise<void> {
  const folder = await targetStudy(service, arg, (study) => study.prepared, nothingPrepared());
  if (folder === undefined) return;
  folder.reveal();
  await service.studies.refresh();
  void vscode.window.showInformationMessage(
    vscode.l10n.t('AutoAct: the key of {0} is now beside its labels, and is the one that was sealed.', folder.name),
  );
}
