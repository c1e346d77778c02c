import * as z from 'zod';

const count = z.number().int().nonnegative();

/**
 * One line of `evaluation/<system>.jsonl`: what a system answered to one question in one sample. Holds no gold and no
 * score; a {@link ScoredRow} is joined to it by question, system and sample.
 */
export const AnswerRow = z
  .object({
    questionId: z.string().min(1),
    level: z.string(),
    system: z.string(),
    /** Counts from 0: the k-th answer of this system to this question. */
    sample: count,
    /** Empty when the system gave no answer. */
    prediction: z.string(),
    /** The method came to its own end. A halted method may still have an answer. */
    finished: z.boolean(),
    /** Why the method was stopped: step limit, context limit, … */
    halted: z.string().optional(),
    steps: count,
    toolCalls: count,
    modelCalls: count.optional(),
    promptTokens: count,
    completionTokens: count,
    reflections: count.optional(),
    /** Completions that no parser rule could read. */
    parseFailures: count.optional(),
    /** Tool calls that worked and found nothing. */
    toolMisses: count.optional(),
    /** Tries that failed before its answers came, and times that it was resumed after a failure. */
    retries: count.optional(),
    /** Completions that ended at their token limit. */
    cut: count.optional(),
    milliseconds: z.number().nonnegative().optional(),
    /** The servers or tools failed, so that there is no answer to score. */
    error: z.object({ reason: z.string(), message: z.string() }).optional(),
    /** Id of the trajectory in `trajectories.jsonl` or the log. */
    trajectory: z.string(),
    seed: z.number(),
  })
  .refine((row) => row.error === undefined || (!row.finished && row.prediction === ''), {
    message: 'A row with an error cannot be finished or hold a prediction: an outage is not an answer.',
  });
export type AnswerRow = z.infer<typeof AnswerRow>;

/** One line of `evaluation/<system>.scores.jsonl`. Figures in 0..1. Rows with an error have none. */
export const ScoredRow = z.object({
  questionId: z.string(),
  system: z.string(),
  sample: count,
  em: z.number().min(0).max(1),
  f1: z.number().min(0).max(1),
  score: z.number().min(0).max(1),
  /** Multiple choice: which rule found the option. */
  rule: z.string().optional(),
});
export type ScoredRow = z.infer<typeof ScoredRow>;
