import { EvaluationError } from './evaluationError.ts';
import { answerKey, scoreAnswer } from './metrics.ts';
import type { GoldQuestion } from '../task/question.ts';
import type { Metric, MetricOptions, Score } from './metrics.ts';

/**
 * The only place that holds gold. It answers with scores, never with gold; its fields are private to the language,
 * so that neither JSON nor a log nor a debugger's property list spills them.
 */
export class Judge {
  readonly metric: Metric;
  readonly options: MetricOptions;
  readonly #gold = new Map<string, { readonly answer: string; readonly choices: readonly string[] | undefined }>();

  /** @throws EvaluationError `bad-question` for two questions with one id, or gold that names no option. */
  constructor(metric: Metric, questions: Iterable<GoldQuestion>, options: MetricOptions = {}) {
    this.metric = metric;
    this.options = options;
    for (const { id, answer, choices } of questions) {
      if (this.#gold.has(id)) {
        throw new EvaluationError(
          'bad-question',
          `Two questions have the id "${id}". Ids must differ, since answers are matched by them.`,
        );
      }
      this.#gold.set(id, { answer, choices });
      // Scored once here, so that a bad question is found before hours of answering.
      this.score(id, '');
    }
  }

  has(questionId: string): boolean {
    return this.#gold.has(questionId);
  }

  /** @throws EvaluationError `unknown-question`. */
  score(questionId: string, prediction: string): Score {
    const { answer, choices } = this.#entry(questionId);
    return scoreAnswer(this.metric, prediction, answer, { ...this.options, choices });
  }

  /** Equal for predictions that are the same answer under this metric; empty for no answer. */
  answerKey(questionId: string, prediction: string): string {
    return answerKey(this.metric, prediction, { ...this.options, choices: this.#entry(questionId).choices });
  }

  #entry(questionId: string): { readonly answer: string; readonly choices: readonly string[] | undefined } {
    const entry = this.#gold.get(questionId);
    if (entry === undefined) {
      throw new EvaluationError(
        'unknown-question',
        `No gold answer is known for question "${questionId}". Score answers against the question file they were made from.`,
      );
    }
    return entry;
  }
}
