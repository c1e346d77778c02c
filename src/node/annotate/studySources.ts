import { basename, dirname, resolve } from 'node:path';
import * as z from 'zod';
import { trajectoryContent } from '../../core/annotate/judgements.ts';
import type { SourceTrajectory } from '../../core/annotate/prepare.ts';
import { StudyError, type Study, type StudyMethod } from '../../core/annotate/study.ts';
import { asTrajectory } from '../../core/data/publishedTrajectory.ts';
import { AnswerRow, ScoredRow } from '../../core/evaluate/results.ts';
import { questionText, toPublic } from '../../core/task/question.ts';
import { TaskCard } from '../../core/task/taskCard.ts';
import { Trajectory } from '../../core/trajectory/trajectory.ts';
import { readRows } from '../data/trajectoryFolder.ts';
import { LogReader } from '../store/logReader.ts';
import { RunFolder } from '../store/runFolder.ts';
import { loadTaskQuestions } from '../store/taskFile.ts';
import { sha256 } from './studyFolder.ts';

/** In place of a compared system: the trajectories that a run synthesised, which is what its agents learn from. */
export const synthesisSystem = 'synthesis';

/** The trajectories that a study compares, from runs and from imported folders. @throws StudyError, TaskError, RunError */
export async function readSources(study: Study, studyFile: string, runs: string): Promise<SourceTrajectory[]> {
  const all: SourceTrajectory[] = [];
  for (const method of study.methods) {
    const found =
      method.folder === undefined ? await fromRun(method, runs) : await fromFolder(method, studyFile, method.folder);
    if (found.length === 0)
      throw new StudyError(
        'data',
        `There is no trajectory of method "${method.id}".`,
        'Evaluate it first, or correct the run, the system or the folder that the study names.',
      );
    all.push(...found);
  }
  return all;
}

async function fromFolder(method: StudyMethod, studyFile: string, folder: string): Promise<SourceTrajectory[]> {
  const found: SourceTrajectory[] = [];
  for await (const { trajectory, score } of readRows(resolve(dirname(studyFile), folder))) {
    // Published files hold one level each and are called so.
    const level = /(easy|medium|hard)/i.exec(trajectory.id)?.[1]?.toLowerCase() ?? 'all';
    const { correct, reward } = score.fields;
    found.push({
      method: method.id,
      question: trajectory.question,
      level,
      source: `${basename(folder)}/${trajectory.id}`,
      trajectory: asTrajectory(trajectory),
      ...(typeof correct === 'boolean' ? { correct } : {}),
      ...(typeof reward === 'number' ? { score: reward } : {}),
    });
  }
  return found;
}

async function fromRun(method: StudyMethod, runs: string): Promise<SourceTrajectory[]> {
  const { run = '', system = '' } = method;
  const folder = new RunFolder(runs, run);
  if (system === synthesisSystem) return fromSynthesis(method, folder);
  const record = folder.record();
  const rows = (folder.readRows(`evaluation/${system}.jsonl`) ?? []).flatMap((row) => parsed(AnswerRow, row));
  const scores = new Map(
    (folder.readRows(`evaluation/${system}.scores.jsonl`) ?? [])
      .flatMap((row) => parsed(ScoredRow, row))
      .map((row) => [`${row.questionId}/${row.sample}`, row]),
  );
  // Answers name their question by its id; what was asked is in the task's data.
  const questions = loadTaskQuestions(TaskCard.parse(record.task), resolve(runs, '..', '..', record.taskFile));
  const texts = new Map(questions.map((q) => [q.id, questionText(toPublic(q))]));
  const log = new LogReader(folder.logPath);
  await log.refresh();
  const found: SourceTrajectory[] = [];
  for (const row of rows.filter((r) => r.error === undefined && r.sample === 0)) {
    const trajectory = await readTrajectory(log, row.trajectory);
    const question = texts.get(row.questionId);
    if (trajectory === undefined || question === undefined) continue;
    const score = scores.get(`${row.questionId}/${row.sample}`);
    found.push({
      method: method.id,
      question,
      level: row.level,
      source: `${run}/${row.trajectory}`,
      trajectory,
      origin: originOf(run, row.trajectory, trajectory),
      ...(score === undefined ? {} : { correct: score.em === 1, score: score.score }),
    });
  }
  return found;
}

/** What the Meta-Agent answered to its own questions: of each question the first trajectory that came to an end. */
async function fromSynthesis(method: StudyMethod, folder: RunFolder): Promise<SourceTrajectory[]> {
  const database = (folder.readRows('database.jsonl') ?? []).flatMap((row) => parsed(Instance, row));
  const questions = new Map(database.map(({ id, question }) => [id, question]));
  const rewards = new Map(
    (folder.readRows('trajectories.jsonl') ?? []).flatMap((row) => parsed(Rewarded, row)).map((row) => [row.id, row]),
  );
  const log = new LogReader(folder.logPath);
  await log.refresh();
  const found: SourceTrajectory[] = [];
  for (const { key } of log.items('synthesis/').filter((item) => item.state === 'finished')) {
    const trajectory = await readTrajectory(log, key);
    const question = questions.get(key.split('/')[1] ?? '');
    if (trajectory === undefined || question === undefined) continue;
    const reward = rewards.get(key);
    found.push({
      method: method.id,
      question,
      level: 'all',
      source: `${folder.id}/${key}`,
      trajectory,
      origin: originOf(folder.id, key, trajectory),
      ...(reward === undefined ? {} : { correct: reward.correct, score: reward.reward }),
    });
  }
  return found;
}

const Instance = z.object({ id: z.string(), question: z.string() });
const Rewarded = z.object({ id: z.string(), correct: z.boolean(), reward: z.number() });

/** A run's trajectory as its method returned it; undefined for items that are none or are not finished. */
export async function readTrajectory(log: LogReader, item: string): Promise<Trajectory | undefined> {
  const entry = (await log.entries(item, 'result')).at(-1);
  const trajectory = Trajectory.safeParse(entry !== undefined && 'result' in entry ? entry.result : undefined);
  return trajectory.success ? trajectory.data : undefined;
}

function originOf(run: string, item: string, trajectory: Trajectory): NonNullable<SourceTrajectory['origin']> {
  return { run, item, hash: sha256(trajectoryContent(trajectory)) };
}

function parsed<T>(
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
  row: unknown,
): T[] {
  const result = schema.safeParse(row);
  return result.success ? [result.data] : [];
}
