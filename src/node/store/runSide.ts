import { AnswerRow, ScoredRow } from '../../core/evaluate/results.ts';
import { SideTrajectory, type RunSide, type SideScore } from '../../core/evaluate/runDiff.ts';
import { systemTable } from '../../core/methods/systems.ts';
import { existsSync, readdirSync } from 'node:fs';
import type { RunFolder } from './runFolder.ts';

/** Reads of a run what is compared with another one. @throws RunError for a run that is not there */
export function readRunSide(folder: RunFolder): RunSide {
  const rows = (name: string): unknown[] => folder.readRows(name) ?? [];
  const adapters = existsSync(folder.file('training'))
    ? readdirSync(folder.file('training'))
        .filter((name) => name.endsWith('.jsonl'))
        .map((name) => name.slice(0, -'.jsonl'.length))
        .sort()
    : [];
  const scores = Object.keys(systemTable).flatMap((system) => {
    const found = scoresOf(rows(`evaluation/${system}.jsonl`), rows(`evaluation/${system}.scores.jsonl`));
    return found.length === 0 ? [] : [[system, found] as const];
  });
  return {
    id: folder.id,
    record: folder.record(),
    trajectories: rows('trajectories.jsonl').flatMap((row) => SideTrajectory.safeParse(row).data ?? []),
    training: Object.fromEntries(
      adapters.map((name) => [
        name,
        rows(`training/${name}.jsonl`).flatMap((row) =>
          typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'string' ? [row.id] : [],
        ),
      ]),
    ),
    scores: Object.fromEntries(scores),
  };
}

function scoresOf(answers: readonly unknown[], scored: readonly unknown[]): SideScore[] {
  const levels = new Map(
    answers.flatMap((row) => AnswerRow.safeParse(row).data ?? []).map((row) => [row.questionId, row.level]),
  );
  const byQuestion = new Map<string, number[]>();
  for (const row of scored.flatMap((one) => ScoredRow.safeParse(one).data ?? []))
    byQuestion.set(row.questionId, [...(byQuestion.get(row.questionId) ?? []), row.score]);
  return [...byQuestion].map(([question, own]) => ({
    question,
    level: levels.get(question) ?? 'all',
    score: own.reduce((a, b) => a + b, 0) / own.length,
  }));
}
