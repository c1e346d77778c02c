import * as z from 'zod';
import { EvaluationError } from './evaluationError.ts';
import { mean, standardDeviation } from './describe.ts';
import { stratifiedBootstrap } from './intervals.ts';
import { questionFigures } from './questionScores.ts';
import type { BootstrapOptions } from './intervals.ts';
import type { Figures, GradedQuestion, Protocol } from './questionScores.ts';

export const IntervalRecord = z.object({ low: z.number(), high: z.number(), method: z.enum(['bootstrap', 'wilson']) });

/** Name of the cell that holds all levels together. */
export const overallLevel = 'all';

/** A system's figures at one level, or over all (`level: "all"`). Scores in 0..1; null where there is nothing to score. */
export const Cell = z.object({
  level: z.string(),
  /** Questions asked. */
  questions: z.number(),
  /** Questions with a score: the n of the score and of its interval. */
  n: z.number(),
  score: z.number().nullable(),
  interval: IntervalRecord.nullable(),
  em: z.number().nullable(),
  f1: z.number().nullable(),
  /** The score when every failed or missing answer counts as wrong; over all questions asked. */
  scoreMissingWrong: z.number(),
  /** Rows that are answers, that ended in an error, and that do not exist. */
  answers: z.number(),
  errors: z.number(),
  missing: z.number(),
  finished: z.number(),
  halted: z.array(z.object({ reason: z.string(), count: z.number() })),
  /** Means over answers. */
  steps: z.number().nullable(),
  toolCalls: z.number().nullable(),
  promptTokens: z.number().nullable(),
  completionTokens: z.number().nullable(),
  reflections: z.number().nullable(),
  /** With several samples: oracle best of two (needs gold), majority vote (does not), spread of the samples' means. */
  oracleBestOf2: z.number().nullable(),
  majority: z.number().nullable(),
  sampleDeviation: z.number().nullable(),
});
export type Cell = z.infer<typeof Cell>;

/**
 * A system's figures by level, in the order in which levels occur, then over all questions.
 * @throws EvaluationError `bad-request` when best-of-2 is asked of a system with one answer a question.
 */
export function summarise(graded: readonly GradedQuestion[], protocol: Protocol, options: BootstrapOptions): Cell[] {
  const samples = Math.max(
    0,
    ...graded.map((question) => question.answers.length + question.errors.length + question.missing),
  );
  if (protocol === 'paper-best-of-2' && graded.length > 0 && samples < 2) {
    throw new EvaluationError(
      'bad-request',
      'The protocol paper-best-of-2 needs two answers a question, and there is one. Evaluate with two samples, or use mean@k.',
    );
  }
  const groups = byLevel(graded);
  const scores = groups.map(({ members }) =>
    definedScores(members.map((question) => questionFigures(question, protocol, 'exclude'))),
  );
  const intervals = stratifiedBootstrap(scores, options);
  // Without levels the whole is the only group, and is reported once.
  const levels = groups.filter(({ level }) => level !== overallLevel);
  return [
    ...levels.map(({ level, members }, index) => cell(level, members, protocol, samples, intervals.strata[index])),
    cell(overallLevel, graded, protocol, samples, intervals.overall),
  ];
}

/** Groups in the order of first occurrence. Next to real levels, "all" (a question without one) gets a name of its own. */
export function byLevel<T extends { readonly level: string }>(items: readonly T[]): { level: string; members: T[] }[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const members = groups.get(item.level);
    if (members === undefined) groups.set(item.level, [item]);
    else members.push(item);
  }
  return [...groups].map(([level, members]) => ({
    level: level === overallLevel && groups.size > 1 ? 'no level' : level,
    members,
  }));
}

function definedScores(figures: readonly (Figures | undefined)[]): number[] {
  return figures.flatMap((one) => (one === undefined ? [] : [one.score]));
}

function cell(
  level: string,
  questions: readonly GradedQuestion[],
  protocol: Protocol,
  samples: number,
  interval: Cell['interval'] | undefined,
): Cell {
  const figures = questions.flatMap((question) => questionFigures(question, protocol, 'exclude') ?? []);
  const rows = questions.flatMap((question) => question.answers.map(({ row }) => row));
  const over = (pick: (row: (typeof rows)[number]) => number | undefined): number | null =>
    mean(rows.flatMap((row) => pick(row) ?? [])) ?? null;
  const under = (other: Protocol): number | null =>
    samples < 2
      ? null
      : (mean(definedScores(questions.map((question) => questionFigures(question, other, 'exclude')))) ?? null);
  const halts = new Map<string, number>();
  for (const { halted } of rows) if (halted !== undefined) halts.set(halted, (halts.get(halted) ?? 0) + 1);
  return {
    level,
    questions: questions.length,
    n: figures.length,
    score: mean(figures.map(({ score }) => score)) ?? null,
    interval: interval ?? null,
    em: mean(figures.map(({ em }) => em)) ?? null,
    f1: mean(figures.map(({ f1 }) => f1)) ?? null,
    scoreMissingWrong: mean(questions.map((question) => questionFigures(question, protocol, 'wrong')?.score ?? 0)) ?? 0,
    answers: rows.length,
    errors: questions.reduce((sum, question) => sum + question.errors.length, 0),
    missing: questions.reduce((sum, question) => sum + question.missing, 0),
    finished: rows.filter(({ finished }) => finished).length,
    halted: [...halts].map(([reason, count]) => ({ reason, count })).sort((a, b) => (a.reason < b.reason ? -1 : 1)),
    steps: over((row) => row.steps),
    toolCalls: over((row) => row.toolCalls),
    promptTokens: over((row) => row.promptTokens),
    completionTokens: over((row) => row.completionTokens),
    reflections: over((row) => row.reflections),
    oracleBestOf2: under('paper-best-of-2'),
    majority: under('majority@k'),
    sampleDeviation: sampleDeviation(questions, samples),
  };
}

/** Standard deviation between the means of whole samples: how much a score moves from one run to the next. */
function sampleDeviation(questions: readonly GradedQuestion[], samples: number): number | null {
  if (samples < 2) return null;
  const means = Array.from({ length: samples }, (_unused, sample) =>
    mean(
      questions.flatMap(({ answers }) =>
        answers.filter(({ row }) => row.sample === sample).map(({ figures }) => figures.score),
      ),
    ),
  );
  return standardDeviation(means.flatMap((value) => value ?? [])) ?? null;
}
