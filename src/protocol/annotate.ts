import * as z from 'zod';
import { stepVerdicts } from '../core/annotate/records.ts';
import { ResponseEnvelope } from './surface.ts';
import type { RequestShape } from './surface.ts';

/**
 * What the labelling panel and the host say to each other. Candidates travel by position: neither names that mean
 * nothing nor, far less, those that mean something ever reach the page.
 */

const index = z.number().int().nonnegative();

export const ShownStep = z.object({
  thought: z.string(),
  action: z.string(),
  argument: z.string(),
  observation: z.string(),
  /** It went on after an answer. */
  continued: z.boolean(),
  /** Who took the step, where that is no secret. */
  by: z.string().optional(),
  verdict: z.enum(stepVerdicts).optional(),
  reason: z.string(),
  correction: z.object({ thought: z.string(), tool: z.string(), argument: z.string() }).optional(),
  /** It comes after a corrected step and is no part of the fork. */
  cutOff: z.boolean(),
});
export type ShownStep = z.infer<typeof ShownStep>;

export const ShownAspect = z.object({
  id: z.string(),
  title: z.string(),
  rubric: z.string(),
  anchors: z.array(z.object({ text: z.string(), judgement: z.string() })),
  /** Positions of what is chosen; empty with `answered`: none is acceptable. */
  best: z.array(index),
  answered: z.boolean(),
  confidence: z.enum(['low', 'medium', 'high']).optional(),
  reason: z.string(),
});
export type ShownAspect = z.infer<typeof ShownAspect>;

/** One thing to judge. */
export const ShownItem = z.object({
  /** Changes with the item, so that the panel knows when to begin at the top. */
  id: z.string(),
  kind: z.enum(['compare', 'guess', 'single']),
  question: z.string(),
  candidates: z.array(z.object({ finished: z.boolean(), steps: z.array(ShownStep) })).min(1),
  aspects: z.array(ShownAspect),
  /** An aspect's id, or a step's number from 1 on. */
  focus: z.string(),
  done: z.boolean(),
  /** Single trajectories: what was said of the whole. */
  accepted: z.boolean().optional(),
  /** The position guessed. */
  guess: index.optional(),
});
export type ShownItem = z.infer<typeof ShownItem>;

const Problem = z.object({ message: z.string(), remedy: z.string().optional() });

export const AnnotateSnapshot = z.object({
  /** Nothing to judge yet, a study, or the trace that is open. */
  mode: z.enum(['empty', 'study', 'trace', 'finished']),
  title: z.string(),
  instructions: z.string(),
  /** What a guess is asked for. */
  guessQuestion: z.string(),
  confidence: z.boolean(),
  rater: z.string(),
  progress: z.object({
    done: index,
    total: index,
    /** Counts from 1. */
    at: index,
    paceMs: z.number().optional(),
    leftMs: z.number().optional(),
  }),
  paused: z.boolean(),
  canUndo: z.boolean(),
  /** Labels that the disk did not take yet. */
  unsaved: index,
  problem: Problem.optional(),
  notices: z.array(z.string()),
  /** Prepared studies in the workspace. */
  studies: index,
  /** A study is under way, which the panel can go back to from a trace. */
  hasStudy: z.boolean(),
  hasTrace: z.boolean(),
  item: ShownItem.optional(),
});
export type AnnotateSnapshot = z.infer<typeof AnnotateSnapshot>;

const nothing = z.null();
const reason = z.string().max(20_000);

/** What a key press or a button does. */
export const AnnotateAction = z.discriminatedUnion('do', [
  z.object({ do: z.literal('choose'), aspect: z.string(), position: z.number().int().min(-1), tie: z.boolean() }),
  z.object({
    do: z.literal('remark'),
    aspect: z.string(),
    reason: reason.optional(),
    confidence: z.enum(['low', 'medium', 'high']).optional(),
  }),
  z.object({ do: z.literal('verdict'), step: z.number().int().positive(), verdict: z.enum(stepVerdicts) }),
  z.object({ do: z.literal('stepReason'), step: z.number().int().positive(), reason }),
  z.object({
    do: z.literal('correct'),
    step: z.number().int().positive(),
    thought: reason,
    tool: reason,
    argument: reason,
  }),
  z.object({ do: z.literal('judge'), accepted: z.boolean() }),
  z.object({ do: z.literal('guess'), position: index }),
  z.object({ do: z.literal('finish') }),
  z.object({ do: z.literal('move'), offset: z.union([z.literal(1), z.literal(-1)]) }),
  z.object({ do: z.literal('focus'), focus: z.string() }),
  z.object({ do: z.literal('undo') }),
  z.object({ do: z.literal('pause'), paused: z.boolean() }),
  /** Writes again what the disk did not take. */
  z.object({ do: z.literal('retry') }),
  z.object({ do: z.literal('show'), what: z.enum(['study', 'trace']) }),
]);
export type AnnotateAction = z.infer<typeof AnnotateAction>;

export const annotateRequests = {
  act: { params: AnnotateAction, result: nothing },
  start: { params: nothing, result: nothing },
  newStudy: { params: nothing, result: nothing },
} as const satisfies Record<string, RequestShape>;
export type AnnotateRequests = typeof annotateRequests;

/** Host to panel. */
export const AnnotateHostMessage = z.union([
  z.object({ type: z.literal('snapshot'), version: z.number(), snapshot: AnnotateSnapshot }),
  ResponseEnvelope,
]);
