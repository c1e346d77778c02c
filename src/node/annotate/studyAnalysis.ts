import { join } from 'node:path';
import { analyseStudy, type StudyAnalysis } from '../../core/annotate/analyse.ts';
import { winRateFigure } from '../../core/annotate/figure.ts';
import { renderStudyReport } from '../../core/annotate/studyReport.ts';
import { StudyError, type TiePolicy } from '../../core/annotate/study.ts';
import { createRandom } from '../../core/run/random.ts';
import { writeFileAtomic } from '../store/atomicFile.ts';
import type { StudyFolder } from './studyFolder.ts';

export const figureName = 'figure-6.svg';

export interface WrittenAnalysis {
  readonly analysis: StudyAnalysis;
  /** Items, order and key are what was sealed. */
  readonly sealed: boolean;
  readonly report: string;
}

/** Analyses a study and writes `report.md`, `report.json` and the figure into its folder. @throws StudyError, RunError */
export function writeAnalysis(folder: StudyFolder, seed = 1): WrittenAnalysis {
  const key = folder.key();
  if (key === undefined)
    throw new StudyError(
      'not-prepared',
      `The key of study ${folder.name} is not on this machine, so nobody here knows whose each trajectory is.`,
      'Let whoever prepared the study analyse it, or reveal its key: autoact study reveal.',
    );
  const labels = folder.labels();
  const random = createRandom(seed).fork('study');
  const ties = folder.study().ties;
  const analysed = analyseStudy({
    plan: folder.plan(),
    key,
    ties,
    labels,
    random: (purpose) => random.fork(purpose),
  });
  const changed = changeNote(folder.changedFields(), ties);
  const analysis = { ...analysed, warnings: [...changed, ...analysed.warnings] };
  const { holds, facts } = folder.verify(labels);
  const report = join(folder.path, 'report.md');
  writeFileAtomic(join(folder.path, figureName), winRateFigure(analysis));
  writeFileAtomic(join(folder.path, 'report.json'), `${JSON.stringify(analysis, null, 2)}\n`);
  writeFileAtomic(report, renderStudyReport(analysis, { blindness: facts, figure: figureName }));
  return { analysis, sealed: holds, report };
}

/** A tie policy that is chosen after the labels are seen can be chosen for what it makes of them, so readers are told. */
function changeNote(fields: readonly string[], ties: TiePolicy): string[] {
  if (fields.length === 0) return [];
  const counted = fields.includes('ties') ? `Ties are counted by the new policy, "${ties}"; all else` : 'All';
  return [`The study's file was changed after it was sealed (${fields.join(', ')}). ${counted} is as it was sealed.`];
}
