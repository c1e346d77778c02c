import * as z from 'zod';

/** A step as it was taken, with who took it and how well its action could be read. */
export const TrajectoryStep = z.object({
  thought: z.string(),
  tool: z.string(),
  argument: z.string(),
  observation: z.string(),
  /** `reflect` for a judging step, else whoever planned. */
  by: z.enum(['plan', 'reflect']),
  parse: z.enum(['ok', 'repaired', 'failed']),
  outcome: z.enum(['hit', 'miss', 'error', 'loop']),
});
export type TrajectoryStep = z.infer<typeof TrajectoryStep>;

/** What a planning method returns. It has no gold in it; scores are separate records. */
export const Trajectory = z.object({
  steps: z.array(TrajectoryStep),
  /** The last answer given; null when there was none. */
  answer: z.string().nullable(),
  /** Answers in order, each with the verdict that followed it, when one did. */
  answers: z.array(z.object({ text: z.string(), step: z.number(), verdict: z.enum(['right', 'wrong']).optional() })),
  /** False when the loop ran out of steps or context; its last answer then counts, but is marked. */
  finished: z.boolean(),
  halt: z.enum(['steps', 'context']).optional(),
});
export type Trajectory = z.infer<typeof Trajectory>;
