import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { annotateView } from '../../../src/contrib/ids.ts';
import { StudyFolder } from '../../../src/node/annotate/studyFolder.ts';
import { hostFixture } from '../fixture.ts';
import { doneRun, shownTrace } from './scene.ts';
import { activeText, activeUri, hasPanel, type Uses } from './use.ts';

const name = 'verdicts';
const folder = (): StudyFolder => new StudyFolder(join(hostFixture().workspace, `${name}.study.json`));
const study = () => [{ kind: 'study', folder: folder() }];
/** What annotators of this workspace wrote about runs. */
const annotations = (): string => {
  const at = join(hostFixture().workspace, '.autoact', 'annotations');
  return existsSync(at)
    ? readdirSync(at)
        .map((file) => readFileSync(join(at, file), 'utf8'))
        .join('')
    : '';
};
const finished = async (): Promise<vscode.Uri> => shownTrace('evaluation/zero-shot/q0/0', (await doneRun()).id);
const comment = 'It looked at the right page.';

/** A study over the quick run, one command after the other, and labels of traces. */
export const labelUses: Uses = {
  'autoact.newStudy': {
    effect: 'the study’s file is written and opened',
    before: doneRun,
    answers: {
      input: ['asked', '2', 'ann'],
      pick: [[/^Base model|^zero-shot|Zero-shot/i], 'One trajectory at a time'],
    },
    seen: () => activeUri()?.path.endsWith('/asked.study.json') === true && /"design": "single"/.test(activeText()),
  },
  'autoact.prepareStudy': {
    effect: 'it is said how many questions are prepared',
    before: async () => {
      const { id } = await doneRun();
      const methods = [{ id: 'zero-shot', run: id, system: 'zero-shot' }];
      writeFileSync(folder().file, JSON.stringify({ name, design: 'single', methods, raters: ['ann'] }));
    },
    args: () => [vscode.Uri.file(folder().file)],
    seen: (shown) => shown.of('information').some((text) => /4 questions are prepared/.test(text)) && folder().prepared,
  },
  'autoact.startLabelling': {
    effect: 'the panel has the keyboard',
    args: () => [{ kind: 'rater', folder: folder(), rater: 'ann', adjudicates: false }],
    seen: (shown) => shown.of('command').includes(`${annotateView}.focus`),
  },
  'autoact.judgeTrace': {
    effect: 'the annotator’s name is asked once, and the panel has the keyboard',
    args: async () => [await finished()],
    answers: { input: ['ann'] },
    seen: (shown) => shown.of('command').includes(`${annotateView}.focus`),
  },
  'autoact.analyseStudy': {
    effect: 'the report is shown',
    args: study,
    seen: (shown) => shown.of('command').includes('markdown.showPreview') && hasPanel('markdown.preview', /report/),
  },
  'autoact.exportLabels': {
    effect: 'the labels are opened as a table',
    args: study,
    answers: { pick: ['CSV'] },
    seen: () => activeUri()?.path.endsWith('/labels.csv') === true,
  },
  'autoact.importLabels': {
    effect: 'it is said how many labels are new',
    args: study,
    answers: () => ({ pick: ['CSV'], files: [join(folder().path, 'labels.csv')] }),
    seen: (shown) => shown.of('information').some((text) => /\d+ choices, \d+ new records/.test(text)),
  },
  'autoact.revealStudy': {
    effect: 'it is said where the key is',
    args: study,
    seen: (shown) => shown.of('information').some((text) => /key of verdicts is now/.test(text)) && folder().revealed,
  },
  'autoact.useLabels': {
    effect: 'it is said what training now looks at',
    args: study,
    seen: (shown) => shown.of('information').some((text) => /trajectories were accepted or rejected/.test(text)),
  },
  'autoact.addComment': {
    effect: 'the comment is kept beside the run',
    args: async () => {
      const thread = {
        uri: await finished(),
        range: new vscode.Range(4, 0, 4, 0),
        comments: [],
        dispose: () => undefined,
      };
      return [{ thread, text: comment }];
    },
    answers: { input: ['ann'] },
    seen: () => annotations().includes(comment),
  },
  'autoact.removeComment': {
    effect: 'the comment is taken back',
    args: async () => {
      const lines = annotations()
        .split('\n')
        .filter((line) => line.includes(comment))
        .map((line) => JSON.parse(line) as { id: string; rater: string });
      return [{ record: lines.at(-1)?.id, rater: lines.at(-1)?.rater, trace: await finished() }];
    },
    seen: () => annotations().includes('"kind":"undo"'),
  },
};
