import { join } from 'node:path';
import { trajectoryContent } from '../../core/annotate/judgements.ts';
import { studyForTraining, trainingMark, type ForTraining } from '../../core/annotate/forTraining.ts';
import type { Origin } from '../../core/annotate/prepare.ts';
import { effective } from '../../core/annotate/records.ts';
import { StudyError } from '../../core/annotate/study.ts';
import type { Trajectory } from '../../core/trajectory/trajectory.ts';
import { LogReader } from '../store/logReader.ts';
import { RunFolder } from '../store/runFolder.ts';
import { annotationsFolder } from './annotations.ts';
import { AnnotatorFile } from './annotatorFile.ts';
import { sha256, type StudyFolder } from './studyFolder.ts';
import { readTrajectory } from './studySources.ts';

export type UsedForTraining = Pick<ForTraining, 'counts' | 'leftOut'> & {
  /** Records that the files did not hold yet. */
  readonly added: number;
  /** Records of an earlier time that were undone since. */
  readonly takenBack: number;
};

/**
 * Writes what a study says of runs' trajectories to the workspace's annotations, where `filter.annotations` of a task
 * card finds it. Done again, it adds what is new and takes back what no longer holds.
 * @throws StudyError `study` while the study is blind or compares, RunError `disk`
 */
export async function useForTraining(folder: StudyFolder, workspace: string): Promise<UsedForTraining> {
  const plan = folder.plan();
  const key = folder.key();
  if (plan.design !== 'single')
    throw new StudyError(
      'study',
      `The study ${folder.name} compares trajectories; what is better than another is no verdict on either.`,
      'Make a study of one trajectory at a time.',
    );
  // What is written names each candidate's run, so a study that is under way would no longer be blind.
  if (key === undefined || !folder.revealed)
    throw new StudyError(
      'study',
      `The study ${folder.name} is still blind.`,
      'When its labels are in, reveal its key: autoact study reveal.',
    );
  const all = folder.labels();
  const labels = new Map([...all].filter(([name]) => plan.raters.some((r) => r.name === name)));
  const trajectories = await readOrigins(
    Object.values(key.candidates).flatMap(({ origin }) => (origin === undefined ? [] : [origin])),
    join(workspace, '.autoact', 'runs'),
  );
  const found = studyForTraining({
    key,
    items: folder.items(),
    labels,
    trajectoryOf: ({ run, item }) => trajectories.get(`${run}/${item}`),
  });
  let [added, takenBack] = [0, 0];
  for (const { name } of plan.raters) {
    const records = found.records.get(name) ?? [];
    const file = new AnnotatorFile(join(annotationsFolder(workspace), `${name}.jsonl`), name);
    // What was replaced stays, since what replaced it is later; only what was undone is taken back.
    const mark = trainingMark(plan.name);
    const holds = new Set(effective(folder.annotator(name).records()).map((r) => r.id + mark));
    const gone = effective(file.records()).filter((r) => r.id.endsWith(mark) && !holds.has(r.id));
    if (gone.length > 0) file.append({ kind: 'undo', of: gone.map((r) => r.id) });
    takenBack += gone.length;
    added += file.adopt(records);
  }
  return { counts: found.counts, leftOut: found.leftOut, added, takenBack };
}

/** Trajectories whose content is what was judged, by run and item. */
async function readOrigins(origins: readonly Origin[], runs: string): Promise<Map<string, Trajectory>> {
  const found = new Map<string, Trajectory>();
  for (const run of new Set(origins.map((o) => o.run))) {
    const log = new LogReader(new RunFolder(runs, run).logPath);
    try {
      await log.refresh();
    } catch {
      continue; // A run that is not on this machine; what was said of it is counted as left out.
    }
    for (const { item, hash } of origins.filter((o) => o.run === run)) {
      const trajectory = await readTrajectory(log, item);
      if (trajectory !== undefined && sha256(trajectoryContent(trajectory)) === hash)
        found.set(`${run}/${item}`, trajectory);
    }
  }
  return found;
}
