import * as z from 'zod';
import type { Document } from '../tools/documentSet.ts';
import type { GoldQuestion } from '../task/question.ts';

/** An imported dataset: a folder with `dataset.json`, `questions.jsonl` and, where it has any, `documents.jsonl`. */

/** A question as a reader hands it over, with what tools and reports may want besides. */
export interface ImportedQuestion extends GoldQuestion {
  /** Titles of the documents that the gold answer rests on. */
  readonly supporting?: readonly string[];
}

/** What one row of a source gives. */
export interface ImportedRow {
  readonly question: ImportedQuestion;
  readonly documents: readonly Document[];
  readonly repaired: readonly string[];
  readonly noted: readonly string[];
}

/** A row that cannot become a question; `reason` is counted in the report. */
export class RowRefused extends Error {
  override readonly name = 'RowRefused';
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/** A named part of a dataset's questions, with what a reader must know before comparing scores on it. */
export const Selection = z.object({
  id: z.string().min(1),
  title: z.string(),
  note: z.string(),
  count: z.number().int().nonnegative(),
  /** Ids of the questions in it; all but `exclude` when left out. */
  only: z.array(z.string()).optional(),
  exclude: z.array(z.string()).optional(),
});
export type Selection = z.infer<typeof Selection>;

const Findings = z.array(z.object({ reason: z.string(), count: z.number(), places: z.array(z.string()) }));

export const DatasetManifest = z.object({
  version: z.literal(1),
  name: z.string(),
  format: z.string(),
  metric: z.enum(['f1', 'em', 'choice']),
  levels: z.array(z.string()),
  questions: z.number().int().nonnegative(),
  documents: z.number().int().nonnegative(),
  /** Questions that come with an image. */
  images: z.number().int().nonnegative().optional(),
  licence: z.string().optional(),
  sources: z.array(z.object({ file: z.string(), bytes: z.number(), sha256: z.string() })),
  mapping: z.record(z.string(), z.unknown()).optional(),
  selections: z.array(Selection),
  report: z.object({ read: z.number(), kept: z.number(), repaired: Findings, refused: Findings, noted: Findings }),
});
export type DatasetManifest = z.infer<typeof DatasetManifest>;

/** The questions of a selection, in the dataset's order. */
export function selectQuestions<Q extends { readonly id: string }>(questions: readonly Q[], selection: Selection): Q[] {
  const only = selection.only === undefined ? undefined : new Set(selection.only);
  const exclude = new Set(selection.exclude);
  return questions.filter((q) => (only === undefined || only.has(q.id)) && !exclude.has(q.id));
}
