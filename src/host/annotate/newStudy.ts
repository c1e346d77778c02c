import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { paperAspects, parseStudy, type Aspect, type TiePolicy } from '../../core/annotate/study.ts';
import { isAnnotatorName, methodIds, namedTwice, sameName } from '../../core/annotate/studyNames.ts';
import { studySuffix } from '../../node/annotate/studyFolder.ts';
import { synthesisSystem } from '../../node/annotate/studySources.ts';
import { writeFileAtomic } from '../../node/store/atomicFile.ts';
import { UserError, nothingHere } from '../notify.ts';
import type { Services } from '../services.ts';
import type { AnnotateService } from './annotateService.ts';

/** Asks for all that a study needs, one question after another, writes its file and opens it. Escape ends it. */
export async function newStudy(services: Services, service: AnnotateService): Promise<void> {
  const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (workspace === undefined)
    throw new UserError(vscode.l10n.t('A study is a file.'), vscode.l10n.t('Open a folder first.'));
  await services.runs.ready();
  const offered = await methodsOf(services);
  try {
    const study = await askForStudy(offered, workspace);
    const file = join(workspace, `${study.name}${studySuffix}`);
    parseStudy(study, file);
    writeFileAtomic(file, `${JSON.stringify(study, null, 2)}\n`);
    await service.studies.refresh();
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(vscode.Uri.file(file)));
    const prepare = vscode.l10n.t('Prepare Study');
    void vscode.window
      .showInformationMessage(
        vscode.l10n.t('AutoAct: The study is written. Change in its file what you like, then prepare it.'),
        prepare,
      )
      .then((chosen) =>
        chosen === prepare ? vscode.commands.executeCommand('autoact.prepareStudy', vscode.Uri.file(file)) : undefined,
      );
  } catch (error) {
    if (!(error instanceof vscode.CancellationError)) throw error;
  }
}

async function askForStudy(
  offered: readonly MethodChoice[],
  workspace: string,
): Promise<Record<string, unknown> & { name: string }> {
  const name = await askText(1, vscode.l10n.t('its name'), {
    placeHolder: 'comparison-1',
    validateInput: (text) =>
      !/^[a-z0-9][\w-]{0,39}$/i.test(text)
        ? vscode.l10n.t('Letters, digits, - and _, at most 40.')
        : existsSync(join(workspace, `${text}${studySuffix}`))
          ? vscode.l10n.t('There is a study of this name.')
          : undefined,
  });
  const methods = await chooseMethods(offered);
  const single = {
    label: vscode.l10n.t('One trajectory at a time'),
    description: vscode.l10n.t('verdicts step by step'),
    value: 'single',
  };
  const compared = [
    { label: vscode.l10n.t('All methods together'), description: vscode.l10n.t('as in the paper'), value: 'n-way' },
    { label: vscode.l10n.t('Two at a time'), description: vscode.l10n.t('each pair of methods'), value: 'pairwise' },
  ];
  const design = await choose(
    3,
    vscode.l10n.t('what annotators see'),
    methods.length < 2 ? [single] : [...compared, single],
  );
  const aspects = design === 'single' ? undefined : await chooseAspects();
  const perLevel = await askText(5, vscode.l10n.t('questions of each level'), {
    value: '33',
    prompt: vscode.l10n.t('They are drawn at random; empty takes all.'),
    validateInput: (text) => (/^[1-9]\d{0,5}$|^$/.test(text) ? undefined : vscode.l10n.t('A number, or nothing.')),
  });
  const raters = split(
    await askText(6, vscode.l10n.t('its annotators'), {
      placeHolder: vscode.l10n.t('ann, ben, cleo'),
      prompt: vscode.l10n.t('Names or initials with commas between.'),
      validateInput: (text) => ratersFault(split(text)),
    }),
  );
  const overlap = await chooseOverlap(raters.length);
  const ties = design === 'single' || raters.length < 2 ? {} : await chooseTies(raters);
  return {
    name,
    design,
    methods,
    ...(perLevel === '' ? {} : { questions: { perLevel: Number(perLevel) } }),
    ...(aspects === undefined ? {} : { aspects }),
    raters,
    ...(overlap === undefined ? {} : { overlap }),
    ...ties,
  };
}

const steps = 8;
const titleOf = (step: number, title: string): string =>
  vscode.l10n.t('New study ({0} of {1}): {2}', step, steps, title);

async function askText(step: number, title: string, options: vscode.InputBoxOptions): Promise<string> {
  const text = await vscode.window.showInputBox({ ...options, title: titleOf(step, title), ignoreFocusOut: true });
  if (text === undefined) throw new vscode.CancellationError();
  return text.trim();
}

async function choose<T>(
  step: number,
  title: string,
  choices: readonly (vscode.QuickPickItem & { readonly value: T })[],
): Promise<T> {
  if (choices.length === 1 && choices[0] !== undefined) return choices[0].value;
  const chosen = await vscode.window.showQuickPick(choices, { title: titleOf(step, title), ignoreFocusOut: true });
  if (chosen === undefined) throw new vscode.CancellationError();
  return chosen.value;
}

/** Several of them; none at all is asked again, since Enter is soon pressed. */
async function chooseMany<T extends vscode.QuickPickItem>(
  step: number,
  title: string,
  choices: readonly T[],
): Promise<readonly T[]> {
  for (;;) {
    const chosen = await vscode.window.showQuickPick(choices, {
      title: titleOf(step, title),
      placeHolder: vscode.l10n.t('Space selects, Enter goes on.'),
      canPickMany: true,
      ignoreFocusOut: true,
    });
    if (chosen === undefined) throw new vscode.CancellationError();
    if (chosen.length > 0) return chosen;
  }
}

const split = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Said at once: eight answers are lost when the study is refused at the end. */
function ratersFault(names: readonly string[]): string | undefined {
  if (names.length === 0) return vscode.l10n.t('One name at least.');
  const bad = names.find((name) => !isAnnotatorName(name));
  if (bad !== undefined) return vscode.l10n.t('“{0}”: letters, digits, . - and _, at most 40.', bad);
  const twice = namedTwice(names);
  return twice === undefined ? undefined : vscode.l10n.t('“{0}” is there twice.', twice);
}

interface Method {
  readonly id: string;
  readonly title?: string;
  readonly run?: string;
  readonly system?: string;
  readonly folder?: string;
}

type MethodChoice = vscode.QuickPickItem & { readonly method: Method };

/** Whose trajectories there are in the workspace. @throws UserError where there are none */
async function methodsOf(services: Services): Promise<readonly MethodChoice[]> {
  const runs = services.runs.runs().flatMap((run) => [
    ...run.status.results.map(({ system, title }) => ({
      label: title,
      description: run.id,
      method: { id: system, run: run.id, system },
    })),
    ...(run.status.stages.some((s) => s.id === 'synthesis' && s.state === 'done')
      ? [
          {
            label: vscode.l10n.t('Synthesised trajectories'),
            description: vscode.l10n.t('{0}, to judge what is trained on', run.id),
            method: { id: synthesisSystem, run: run.id, system: synthesisSystem } as Method,
          },
        ]
      : []),
  ]);
  const imports = await vscode.workspace.findFiles(
    '**/{import.json,scores.jsonl}',
    '{**/node_modules/**,**/.autoact/**}',
    50,
  );
  const folders = [...new Set(imports.map((uri) => vscode.workspace.asRelativePath(join(uri.fsPath, '..'), false)))];
  const choices: readonly MethodChoice[] = [
    ...runs,
    ...folders.map((folder) => ({
      label: folder,
      description: vscode.l10n.t('imported trajectories'),
      method: { id: folder, folder },
    })),
  ];
  if (choices.length === 0)
    throw nothingHere(
      vscode.l10n.t('There is nothing to judge yet.'),
      vscode.l10n.t('Run a task up to its evaluation, or import trajectories with "AutoAct: Import Data…".'),
    );
  return choices;
}

async function chooseMethods(choices: readonly MethodChoice[]): Promise<Method[]> {
  const chosen = await chooseMany(2, vscode.l10n.t('whose trajectories'), choices);
  // One system of two runs needs two names, and titles that tell them apart in the report.
  const ids = methodIds(chosen.map((c) => c.method.id));
  return chosen.map(({ method }, i) => ({
    ...method,
    id: ids[i] ?? method.id,
    ...(method.folder === undefined || ids[i] === method.folder ? {} : { title: method.folder }),
    ...(method.run !== undefined && chosen.some((c, j) => j !== i && c.method.id === method.id)
      ? { title: vscode.l10n.t('{0} of {1}', method.id, method.run) }
      : {}),
  }));
}

/** A pattern for an aspect of one's own; the study's file is opened at the end, where it is written out. */
const ownAspect: Aspect = {
  id: 'my-aspect',
  title: vscode.l10n.t('My aspect'),
  rubric: vscode.l10n.t('Say here what makes one trajectory better than another.'),
  anchors: [
    { text: vscode.l10n.t('A trajectory in a few words.'), judgement: 'good' },
    { text: vscode.l10n.t('Another one.'), judgement: 'poor' },
  ],
};

/** @returns undefined for the paper's five, which a study has when it names none */
async function chooseAspects(): Promise<readonly Aspect[] | undefined> {
  const choices = [
    ...paperAspects.map((aspect) => ({ label: aspect.title, detail: aspect.rubric, picked: true, aspect })),
    {
      label: vscode.l10n.t('One of my own'),
      detail: vscode.l10n.t('A pattern is written to the file, for you to fill in.'),
      aspect: ownAspect,
    },
  ];
  const chosen = (await chooseMany(4, vscode.l10n.t('aspects (the paper has five)'), choices)).map((c) => c.aspect);
  return chosen.length === paperAspects.length && !chosen.includes(ownAspect) ? undefined : chosen;
}

/** @returns undefined for all annotators */
async function chooseOverlap(raters: number): Promise<number | undefined> {
  if (raters < 2) return undefined;
  const some = Array.from({ length: raters - 1 }, (_unused, i) => raters - 1 - i);
  return choose<number | undefined>(7, vscode.l10n.t('who judges a question'), [
    { label: vscode.l10n.t('All annotators'), description: vscode.l10n.t('as in the paper'), value: undefined },
    ...some.map((n) => ({
      label: n === 1 ? vscode.l10n.t('One annotator') : vscode.l10n.t('{0} annotators', n),
      description:
        n === 1 ? vscode.l10n.t('no agreement can be told') : vscode.l10n.t('in turn, so that all have as much to do'),
      value: n,
    })),
  ]);
}

async function chooseTies(raters: readonly string[]): Promise<{ ties?: TiePolicy; adjudicator?: string }> {
  const ties = await choose<TiePolicy>(8, vscode.l10n.t('where there is no majority'), [
    { label: vscode.l10n.t('Nobody wins'), description: vscode.l10n.t('and the report counts it'), value: 'none' },
    { label: vscode.l10n.t('The win is shared by votes'), value: 'split' },
    {
      label: vscode.l10n.t('Somebody else decides'),
      description: vscode.l10n.t('an adjudicator, as blind as the others'),
      value: 'adjudicate',
    },
  ]);
  if (ties !== 'adjudicate') return ties === 'none' ? {} : { ties };
  const adjudicator = await askText(8, vscode.l10n.t('who decides'), {
    placeHolder: 'cleo',
    validateInput: (text) =>
      raters.some((rater) => sameName(rater, text.trim()))
        ? vscode.l10n.t('A name that is no annotator’s.')
        : ratersFault([text.trim()].filter((name) => name !== '')),
  });
  return { ties, adjudicator };
}
