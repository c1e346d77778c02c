import * as z from 'zod';
import { EvaluationError } from './evaluationError.ts';
import { Judge } from './judge.ts';
import { normaliseAnswer } from './normalise.ts';
import { gradeSystem } from './questionScores.ts';
import { summarise } from './summarise.ts';
import { amount, points, scoreText } from './reportText.ts';
import { parseQuestion, toPublic } from '../task/question.ts';
import type { RandomSource } from './intervals.ts';
import type { Metric, MetricOptions } from './metrics.ts';
import type { AnswerRow } from './results.ts';
import type { Cell } from './summarise.ts';
import type { GoldQuestion } from '../task/question.ts';

/** Scores predictions that any program wrote: `autoact score`. Works on lines of text; reading files is the caller's. */

const PredictionRow = z.object({
  id: z.union([z.string(), z.number()]).transform(String).optional(),
  question: z.string().optional(),
  prediction: z
    .union([z.string(), z.number(), z.boolean(), z.null()])
    .transform((value) => (value === null ? '' : String(value))),
});

export interface Prediction {
  readonly line: number;
  readonly id?: string | undefined;
  readonly question?: string | undefined;
  readonly prediction: string;
}

/**
 * Reads JSON Lines one by one; blank lines and a byte order mark are skipped.
 * @param name how messages call the file
 * @throws EvaluationError `bad-predictions` with the line number.
 */
export function* parseJsonLines(lines: Iterable<string>, name: string): Generator<{ line: number; value: unknown }> {
  let line = 0;
  for (const text of lines) {
    line += 1;
    const trimmed = text.replace(/^\uFEFF/, '').trim();
    if (trimmed === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(trimmed);
    } catch (error) {
      throw new EvaluationError(
        'bad-predictions',
        `${name}, line ${line}: not valid JSON (${error instanceof Error ? error.message : String(error)}). Each line must be one JSON object.`,
      );
    }
    yield { line, value };
  }
}

/** @throws EvaluationError `bad-predictions` for a line without a prediction, or with neither id nor question. */
export function parsePredictions(lines: Iterable<string>, name = 'predictions'): Prediction[] {
  const predictions: Prediction[] = [];
  for (const { line, value } of parseJsonLines(lines, name)) {
    const parsed = PredictionRow.safeParse(value);
    if (!parsed.success || (parsed.data.id === undefined && parsed.data.question === undefined)) {
      throw new EvaluationError(
        'bad-predictions',
        `${name}, line ${line}: needs "prediction", and "id" or "question" to find its gold answer by.`,
      );
    }
    predictions.push({ line, ...parsed.data });
  }
  return predictions;
}

/** @throws EvaluationError `bad-question` for a line without question or answer. */
export function parseQuestions(lines: Iterable<string>, name = 'questions'): GoldQuestion[] {
  const questions: GoldQuestion[] = [];
  for (const { line, value } of parseJsonLines(lines, name)) {
    try {
      questions.push(parseQuestion(value));
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      const issue = error.issues[0];
      throw new EvaluationError(
        'bad-question',
        `${name}, line ${line}: ${issue === undefined ? error.message : `"${issue.path.join('.')}": ${issue.message}`}. A question needs "question" and "answer"; "id", "level", "type" and "choices" are optional.`,
      );
    }
  }
  return questions;
}

export interface Matched {
  /** By question id; several where the file has several predictions for one question. */
  readonly byQuestion: ReadonlyMap<string, readonly Prediction[]>;
  /** Questions without a prediction. */
  readonly missing: readonly string[];
  /** Questions with more than one. */
  readonly repeated: readonly { readonly id: string; readonly lines: readonly number[] }[];
  /** Predictions that belong to no question. */
  readonly unmatched: readonly Prediction[];
}

/** Matches by id, else by the question's normalised words where these name one question only. */
export function matchPredictions(predictions: Iterable<Prediction>, questions: readonly GoldQuestion[]): Matched {
  const byQuestion = new Map<string, Prediction[]>(questions.map(({ id }) => [id, []]));
  const byWords = new Map<string, string | undefined>();
  for (const { id, question } of questions) {
    const words = normaliseAnswer(question);
    byWords.set(words, byWords.has(words) ? undefined : id);
  }
  const unmatched: Prediction[] = [];
  for (const prediction of predictions) {
    const { id, question } = prediction;
    const byId = id === undefined ? undefined : byQuestion.get(id);
    const words = question === undefined ? undefined : byWords.get(normaliseAnswer(question));
    const found = byId ?? (words === undefined ? undefined : byQuestion.get(words));
    if (found === undefined) unmatched.push(prediction);
    else found.push(prediction);
  }
  return {
    byQuestion,
    missing: [...byQuestion].flatMap(([id, own]) => (own.length === 0 ? [id] : [])),
    repeated: [...byQuestion].flatMap(([id, own]) =>
      own.length > 1 ? [{ id, lines: own.map(({ line }) => line) }] : [],
    ),
    unmatched,
  };
}

export interface PredictionReport {
  readonly metric: Metric;
  /** By level, then over all. `scoreMissingWrong` is over all questions, `score` over those with a prediction. */
  readonly cells: readonly Cell[];
  readonly matched: number;
  /** What the reader must know before trusting the figures. */
  readonly problems: readonly string[];
}

/**
 * Scores predictions against a question file. A question with several predictions counts with their mean.
 * @throws EvaluationError when a line cannot be read, or when nothing matches at all.
 */
export function scorePredictions(
  input: {
    readonly predictions: Iterable<string>;
    readonly questions: Iterable<string>;
    readonly metric: Metric;
    readonly random: RandomSource;
  },
  options: MetricOptions & { readonly resamples?: number } = {},
): PredictionReport {
  const questions = parseQuestions(input.questions);
  const matched = matchPredictions(parsePredictions(input.predictions), questions);
  if (matched.missing.length === questions.length) {
    throw new EvaluationError(
      'bad-predictions',
      `None of the ${matched.unmatched.length} predictions belongs to one of the ${questions.length} questions. Check that both files use the same ids or the same question texts.`,
    );
  }
  const judge = new Judge(input.metric, questions, options);
  const rows = questions.flatMap(({ id, level }) =>
    (matched.byQuestion.get(id) ?? []).map(({ prediction, line }, sample): AnswerRow => ({
      questionId: id,
      level,
      system: 'predictions',
      sample,
      prediction,
      finished: true,
      steps: 0,
      toolCalls: 0,
      promptTokens: 0,
      completionTokens: 0,
      trajectory: `line ${line}`,
      seed: 0,
    })),
  );
  const graded = gradeSystem(rows, questions.map(toPublic), judge, 1);
  const { random } = input;
  const cells = summarise(graded, 'mean@k', {
    random,
    ...(options.resamples === undefined ? {} : { resamples: options.resamples }),
  });
  return {
    metric: input.metric,
    cells,
    matched: questions.length - matched.missing.length,
    problems: problems(matched, questions.length),
  };
}

function problems({ missing, repeated, unmatched }: Matched, total: number): string[] {
  const some = (names: readonly string[]): string => `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;
  return [
    ...(missing.length === 0
      ? []
      : [
          `${missing.length} of ${total} questions have no prediction (${some(missing)}). They are left out of the score, and wrong under "missing = wrong".`,
        ]),
    ...(repeated.length === 0
      ? []
      : [
          `${repeated.length} questions have more than one prediction (${some(repeated.map(({ id, lines }) => `${id}: lines ${lines.join(' and ')}`))}). Each counts with the mean of its scores.`,
        ]),
    ...(unmatched.length === 0
      ? []
      : [
          `${unmatched.length} predictions belong to no question (${some(unmatched.map(({ line, id, question }) => `line ${line}: ${id ?? question ?? ''}`))}). They are not counted.`,
        ]),
  ];
}

/** A table for a terminal. */
export function renderPredictionReport(report: PredictionReport): string {
  const rows = [
    ['level', 'n', 'score [95 % interval]', 'EM', 'F1', 'missing', 'missing = wrong'],
    ...report.cells.map((cell) => [
      cell.level,
      amount(cell.n, 0),
      scoreText(cell),
      points(cell.em),
      points(cell.f1),
      amount(cell.missing, 0),
      points(cell.scoreMissingWrong),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_title, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const text = rows.map((row) =>
    row
      .map((value, column) => (column === 0 ? value.padEnd(widths[column] ?? 0) : value.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return `${[...text, ...report.problems.map((problem) => `Note: ${problem}`)].join('\n')}\n`;
}
