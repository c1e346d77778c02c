import * as z from 'zod';
import { EvaluationError } from './evaluationError.ts';
import { CutAnswers, cutAnswers } from './cutAnswers.ts';
import { Comparison, compareSystems } from './compare.ts';
import { gradeSystem, protocolTitles, protocols } from './questionScores.ts';
import { holm } from './significance.ts';
import { RetriedScores, retriedScores } from './retried.ts';
import { Cell, byLevel, overallLevel, summarise } from './summarise.ts';
import { metrics } from './metrics.ts';
import type { RandomSource } from './intervals.ts';
import type { Judge } from './judge.ts';
import type { GradedQuestion, Protocol } from './questionScores.ts';
import type { AnswerRow } from './results.ts';
import type { PublicQuestion } from '../task/question.ts';

/** Where a report's figures come from: everything needed to repeat them. Free text is shown as it is. */
export const Provenance = z.object({
  run: z.string().optional(),
  /** ISO 8601; passed in, so that a report is a function of its inputs. */
  createdAt: z.string().optional(),
  /** Machine on which the systems ran, in words. */
  machine: z.string(),
  mode: z.enum(['fixed', 'reference']).optional(),
  models: z.array(
    z.object({
      role: z.string(),
      server: z.string(),
      model: z.string(),
      hash: z.string().optional(),
      system: z.string().optional(),
    }),
  ),
  prompts: z.string().describe('Hash of the prompt files in use.'),
  seeds: z.array(z.number()),
  /** Question file or world, in words. */
  questions: z.string(),
  sampling: z.string().optional(),
  versions: z.record(z.string(), z.string()).optional(),
});
export type Provenance = z.infer<typeof Provenance>;

export const SystemReport = z.object({
  id: z.string(),
  title: z.string(),
  /** What the paper leads one to expect of this row against the reference. */
  expected: z.string().optional(),
  /** By level, then over all. */
  cells: z.array(Cell),
  /** Against the reference system; absent for the reference itself. */
  comparisons: z.array(Comparison).optional(),
  /** Exact match over all questions, with McNemar's test; only where the metric is F1. */
  exactMatch: Comparison.optional(),
  /** Over all questions, with failed and missing answers counted as wrong; only where there are any. */
  missingWrong: Comparison.optional(),
  /** Absent where the rows do not say how often was asked. */
  retried: RetriedScores.optional(),
  /** Absent where the rows do not say it. */
  cut: CutAnswers.optional(),
});
export type SystemReport = z.infer<typeof SystemReport>;

export const Report = z.object({
  version: z.literal(1),
  title: z.string(),
  task: z.string(),
  metric: z.enum(metrics),
  metricNotes: z.array(z.string()),
  protocol: z.enum(protocols),
  protocolTitle: z.string(),
  /** Answers asked of each system for each question. */
  samples: z.number(),
  resamples: z.number(),
  statisticsSeed: z.number(),
  levels: z.array(z.object({ level: z.string(), questions: z.number() })),
  /** Id of the system that the others are compared with. */
  reference: z.string(),
  systems: z.array(SystemReport),
  provenance: Provenance,
  notes: z.array(z.string()),
});
export type Report = z.infer<typeof Report>;

export interface ReportInput {
  readonly title: string;
  readonly task: string;
  readonly protocol: Protocol;
  readonly samples: number;
  /** The set that was asked; its order gives the order of levels. */
  readonly questions: readonly PublicQuestion[];
  readonly judge: Judge;
  readonly systems: readonly {
    readonly id: string;
    readonly title: string;
    readonly expected?: string;
    readonly rows: readonly AnswerRow[];
  }[];
  readonly reference: string;
  readonly provenance: Provenance;
  readonly notes?: readonly string[];
  readonly statisticsSeed: number;
  /** A stream for a named purpose; the same name must give the same stream. */
  readonly random: (purpose: string) => RandomSource;
  /** Default 10,000. */
  readonly resamples?: number;
}

/**
 * Grades, summarises and compares. The same inputs give the same report, byte for byte.
 * @throws EvaluationError see {@link gradeSystem} and {@link summarise}; `bad-request` for an unknown reference.
 */
export function buildReport(input: ReportInput): Report {
  const { protocol, samples, judge, reference, resamples = 10_000 } = input;
  const graded = new Map(input.systems.map(({ id, rows }) => [id, gradeSystem(rows, input.questions, judge, samples)]));
  const against = graded.get(reference);
  if (against === undefined || graded.size !== input.systems.length) {
    throw new EvaluationError(
      'bad-request',
      `The report compares with system "${reference}"; the systems given are ${input.systems.map(({ id }) => `"${id}"`).join(', ')}. Each id must occur once.`,
    );
  }
  const binary = judge.metric !== 'f1';
  const systems: SystemReport[] = input.systems.map(({ id, title, expected }) => {
    const own = graded.get(id) as GradedQuestion[];
    const options = (purpose: string) => ({ random: input.random(`${purpose}/${id}`), resamples });
    const retried = retriedScores(own, options('retried'));
    const cut = cutAnswers(own);
    const base = {
      id,
      title,
      ...(expected === undefined ? {} : { expected }),
      cells: summarise(own, protocol, options('bootstrap')),
      ...(retried === undefined ? {} : { retried }),
      ...(cut === undefined ? {} : { cut }),
    };
    if (id === reference) return base;
    const overall = (
      measure: 'score' | 'em',
      errors: 'exclude' | 'wrong',
      plain: boolean,
      purpose: string,
    ): Comparison =>
      compareSystems(own, against, { ...options(purpose), protocol, measure, errors, binary: plain }).at(
        -1,
      ) as Comparison;
    const lost = [...own, ...against].some(({ errors, missing }) => errors.length + missing > 0);
    return {
      ...base,
      comparisons: compareSystems(own, against, { ...options('comparison'), protocol, binary }),
      ...(binary ? {} : { exactMatch: overall('em', 'exclude', true, 'exact match') }),
      ...(lost ? { missingWrong: overall('score', 'wrong', binary, 'missing as wrong') } : {}),
    };
  });
  correctFamilies(systems);
  return {
    version: 1,
    title: input.title,
    task: input.task,
    metric: judge.metric,
    metricNotes: metricNotes(judge),
    protocol,
    protocolTitle: protocolTitles[protocol],
    samples,
    resamples,
    statisticsSeed: input.statisticsSeed,
    levels: byLevel(input.questions).map(({ level, members }) => ({ level, questions: members.length })),
    reference,
    systems,
    provenance: input.provenance,
    notes: [...(input.notes ?? [])],
  };
}

/** Two families: the comparisons over all questions, which a report is made for, and those by level. */
function correctFamilies(systems: readonly SystemReport[]): void {
  const all = systems.flatMap(({ comparisons }) => comparisons ?? []);
  const exact = systems.flatMap(({ exactMatch }) => exactMatch ?? []);
  for (const family of [
    all.filter(({ level }) => level === overallLevel),
    all.filter(({ level }) => level !== overallLevel),
    exact,
    systems.flatMap(({ missingWrong }) => missingWrong ?? []),
  ]) {
    const adjusted = holm(family.map(({ p, n }) => (n === 0 ? undefined : p)));
    family.forEach((comparison, index) => (comparison.holm = adjusted[index] ?? null));
  }
}

function metricNotes({ metric, options }: Judge): string[] {
  if (metric === 'choice') {
    return options.choiceMode === 'reference'
      ? ['Options are extracted as in the published code, where silence counts as option A.']
      : ['Options are extracted by ordered rules; an answer that names no option is wrong.'];
  }
  return [
    'Answers are normalised as in HotpotQA’s official script.',
    ...(options.lenientYesNo === true
      ? ['A leading yes or no is taken for the whole answer where gold is yes or no (not official).']
      : []),
  ];
}
