import { EvaluationError } from './evaluationError.ts';
import { mean } from './describe.ts';
import { majorityIndex, oracleBestOf } from './repeatedAnswers.ts';
import type { Judge } from './judge.ts';
import type { AnswerRow, ScoredRow } from './results.ts';
import type { PublicQuestion } from '../task/question.ts';

/** How several answers of one system to one question become one figure. */
export const protocols = ['mean@k', 'majority@k', 'paper-best-of-2'] as const;
export type Protocol = (typeof protocols)[number];

export const protocolTitles: Readonly<Record<Protocol, string>> = {
  'mean@k': 'mean@k: mean over k answers to each question, then over questions',
  'majority@k': 'majority@k: the answer that most of k answers to a question agree on',
  'paper-best-of-2':
    'oracle best-of-2: the better of two answers to each question, chosen with the gold label (as in the paper)',
};

/**
 * `exclude`: what failed in the servers or tools is not an answer and stays out of the score. `wrong`: a failed or
 * missing answer counts as wrong. Reports show both.
 */
export type ErrorTreatment = 'exclude' | 'wrong';

export interface Figures {
  readonly score: number;
  readonly em: number;
  readonly f1: number;
}

/** All answers of one system to one question, graded. */
export interface GradedQuestion {
  readonly questionId: string;
  readonly level: string;
  /** Answers without those that ended in an error, by sample. */
  readonly answers: readonly { readonly row: AnswerRow; readonly figures: Figures; readonly key: string }[];
  readonly errors: readonly AnswerRow[];
  /** Samples that were asked for and have no row at all. */
  readonly missing: number;
}

/** Scores of the rows that are answers; written beside them. */
export function scoreRows(rows: Iterable<AnswerRow>, judge: Judge): ScoredRow[] {
  const scored: ScoredRow[] = [];
  for (const row of rows) {
    if (row.error !== undefined) continue;
    const { questionId, system, sample } = row;
    scored.push({ questionId, system, sample, ...judge.score(questionId, row.prediction) });
  }
  return scored;
}

/**
 * Grades a system's rows against a question set. The question set decides what is asked, its levels and its order.
 * @param samples how many answers a question was to get
 * @throws EvaluationError `unknown-question` for a row outside the set, `duplicate-answer` for two rows of one sample.
 */
export function gradeSystem(
  rows: Iterable<AnswerRow>,
  questions: readonly PublicQuestion[],
  judge: Judge,
  samples: number,
): GradedQuestion[] {
  const byQuestion = new Map<string, Map<number, AnswerRow>>(questions.map(({ id }) => [id, new Map()]));
  for (const row of rows) {
    const known = byQuestion.get(row.questionId);
    if (known === undefined) {
      throw new EvaluationError(
        'unknown-question',
        `System "${row.system}" answered question "${row.questionId}", which is not in the question set. Score a run with the question set it was made with.`,
      );
    }
    if (known.has(row.sample)) {
      throw new EvaluationError(
        'duplicate-answer',
        `System "${row.system}" has two rows for question "${row.questionId}", sample ${row.sample}. Delete one of them from its evaluation file.`,
      );
    }
    known.set(row.sample, row);
  }
  return questions.map(({ id, level }) => {
    const own = [...(byQuestion.get(id) as Map<number, AnswerRow>).values()].sort((a, b) => a.sample - b.sample);
    return {
      questionId: id,
      level,
      answers: own
        .filter((row) => row.error === undefined)
        .map((row) => {
          const { score, em, f1 } = judge.score(id, row.prediction);
          return { row, figures: { score, em, f1 }, key: judge.answerKey(id, row.prediction) };
        }),
      errors: own.filter((row) => row.error !== undefined),
      missing: Math.max(0, samples - own.length),
    };
  });
}

const none: Figures = { score: 0, em: 0, f1: 0 };

/**
 * The figures of one question under a protocol; undefined where it cannot be scored: all its answers ended in errors,
 * or best-of-2 has fewer than two answers left.
 */
export function questionFigures(
  question: GradedQuestion,
  protocol: Protocol,
  errors: ErrorTreatment,
): Figures | undefined {
  const graded = question.answers.map(({ figures }) => figures);
  const lost = question.errors.length + question.missing;
  if (protocol === 'majority@k') {
    // An answer that never came has no vote; it only counts when nothing else is there.
    const winner = majorityIndex(question.answers.map(({ key }) => key));
    return winner !== undefined ? graded[winner] : errors === 'wrong' ? none : undefined;
  }
  const all = errors === 'wrong' ? [...graded, ...Array.from({ length: lost }, () => none)] : graded;
  const combine =
    protocol === 'mean@k' ? mean : (values: readonly number[]): number | undefined => oracleBestOf(values, 2);
  const score = combine(all.map((figures) => figures.score));
  const em = combine(all.map((figures) => figures.em));
  const f1 = combine(all.map((figures) => figures.f1));
  return score === undefined || em === undefined || f1 === undefined ? undefined : { score, em, f1 };
}
