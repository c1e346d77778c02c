import { EvaluationError } from './evaluationError.ts';
import { extractChoice, goldChoice } from './choice.ts';
import { exactMatch, leadingYesNo, normaliseAnswer, tokenF1 } from './normalise.ts';
import type { ChoiceMode, ChoiceRule } from './choice.ts';

export const metrics = ['f1', 'em', 'choice'] as const;
export type Metric = (typeof metrics)[number];

export interface MetricOptions {
  /** How an option is read out of an answer. Default `fixed`. */
  readonly choiceMode?: ChoiceMode;
  /** Count "Yes, they are" as "yes" where gold is yes or no. Off by default: the official metric does not. */
  readonly lenientYesNo?: boolean;
}

/** The score of one answer; all figures in 0..1. */
export interface Score {
  /** What the task's metric says: this is the paper's reward. */
  readonly score: number;
  /** 0 or 1. For multiple choice the same as `score`, as is `f1`. */
  readonly em: number;
  readonly f1: number;
  /** Multiple choice only. */
  readonly rule?: ChoiceRule;
}

/**
 * Scores an answer against gold.
 * @param choices the options, required by `choice`
 * @throws EvaluationError `bad-question` when the metric is `choice` and gold names no option.
 */
export function scoreAnswer(
  metric: Metric,
  prediction: string,
  gold: string,
  options: MetricOptions & { readonly choices?: readonly string[] | undefined } = {},
): Score {
  if (metric === 'choice') {
    const choices = options.choices ?? [];
    const right = goldChoice(gold, choices);
    if (right === undefined) {
      throw new EvaluationError(
        'bad-question',
        `The gold answer "${gold}" names none of the ${choices.length} options. Give the option's letter or its text in the question file.`,
      );
    }
    const made = extractChoice(prediction, choices, options.choiceMode ?? 'fixed');
    // Compared by text, as published: two options with the same words are the same answer.
    const same =
      made.index !== undefined && choices[made.index]?.trim().toLowerCase() === choices[right]?.trim().toLowerCase();
    const score = same ? 1 : 0;
    return { score, em: score, f1: score, rule: made.rule };
  }
  const said = options.lenientYesNo === true ? leadingYesNo(prediction, gold) : prediction;
  const em = exactMatch(said, gold) ? 1 : 0;
  const f1 = tokenF1(said, gold);
  return { score: metric === 'em' ? em : f1, em, f1 };
}

/** What two answers have in common when they are the same answer: the key of a majority vote. Empty for no answer. */
export function answerKey(
  metric: Metric,
  prediction: string,
  options: MetricOptions & { readonly choices?: readonly string[] | undefined } = {},
): string {
  if (metric !== 'choice') return normaliseAnswer(prediction);
  const { index } = extractChoice(prediction, options.choices ?? [], options.choiceMode ?? 'fixed');
  return index === undefined ? '' : String(index);
}
