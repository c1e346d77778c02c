import * as z from 'zod';

/**
 * What annotators' files hold: one JSON object a line, appended and never changed. A later record of the same thing
 * replaces an earlier one; `undo` takes a record back. Versioned; what a newer version wrote is kept and left alone.
 */
export const recordVersion = 1;

const base = {
  v: z.literal(recordVersion),
  /** Unique over all files: the rater, and random letters. */
  id: z.string().min(1).max(120),
  /** Milliseconds since 1970. */
  t: z.number(),
  rater: z.string().min(1).max(40),
};
const text = z.string().max(20_000);

/** A trajectory of a run, or a candidate of a study; `hash` tells what it held when it was judged. */
export const Target = z.union([
  z.object({ study: z.string(), candidate: z.string() }),
  z.object({ run: z.string(), item: z.string(), hash: z.string() }),
]);
export type Target = z.infer<typeof Target>;

/** The annotator began, and these are the study's sealed items and order as they were then. */
const Opened = z.object({ ...base, kind: z.literal('opened'), study: z.string(), commitment: z.string() });

/** A comparison on one aspect. */
export const Choice = z.object({
  ...base,
  kind: z.literal('choice'),
  study: z.string(),
  presentation: z.string(),
  unit: z.string(),
  aspect: z.string(),
  /** The best; several when they are equally good; none when none is acceptable. */
  best: z.array(z.string()),
  /** Positions (0 for A) of what was chosen, as it was shown. */
  positions: z.array(z.number().int().nonnegative()),
  confidence: z.enum(['low', 'medium', 'high']).optional(),
  reason: text.optional(),
});
export type Choice = z.infer<typeof Choice>;

/** An item was finished; `ms` since it was shown, without breaks. */
export const Done = z.object({
  ...base,
  kind: z.literal('done'),
  study: z.string(),
  presentation: z.string(),
  ms: z.number().nonnegative(),
});
export type Done = z.infer<typeof Done>;

/** Which one the annotator believes to be the studied method's. */
export const Guess = z.object({
  ...base,
  kind: z.literal('guess'),
  study: z.string(),
  presentation: z.string(),
  candidate: z.string(),
});
export type Guess = z.infer<typeof Guess>;

export const stepVerdicts = [
  'good',
  'wrong-tool',
  'wrong-argument',
  'unsupported-thought',
  'ignored-evidence',
  'needless',
  'wrong-answer',
  'other',
] as const;
export type StepVerdict = (typeof stepVerdicts)[number];
export const verdictTitles: Readonly<Record<StepVerdict, string>> = {
  good: 'Good',
  'wrong-tool': 'Wrong tool',
  'wrong-argument': 'Wrong argument',
  'unsupported-thought': 'Unsupported thought',
  'ignored-evidence': 'Ignored evidence',
  needless: 'Needless step',
  'wrong-answer': 'Wrong answer',
  other: 'Something else',
};

/** A verdict on one step; steps count from 1. */
export const Verdict = z.object({
  ...base,
  kind: z.literal('verdict'),
  target: Target,
  step: z.number().int().positive(),
  verdict: z.enum(stepVerdicts),
  reason: text.optional(),
});
export type Verdict = z.infer<typeof Verdict>;

/** Whether the whole trajectory is fit to learn from. */
export const Judgement = z.object({
  ...base,
  kind: z.literal('judgement'),
  target: Target,
  accepted: z.boolean(),
  reason: text.optional(),
});
export type Judgement = z.infer<typeof Judgement>;

const Edited = z.object({ thought: text, tool: text, argument: text });
/**
 * What the step should have been. The trajectory forks there: it is the old one up to this step, then this step, and
 * what came after is no part of it.
 */
export const Correction = z.object({
  ...base,
  kind: z.literal('correction'),
  target: Target,
  step: z.number().int().positive(),
  before: Edited,
  after: Edited,
  reason: text.optional(),
});
export type Correction = z.infer<typeof Correction>;

export const Comment = z.object({
  ...base,
  kind: z.literal('comment'),
  target: Target,
  step: z.number().int().nonnegative(),
  text,
  /** Comments of one thread carry the id of its first. */
  thread: z.string(),
});
export type Comment = z.infer<typeof Comment>;

const Undo = z.object({ ...base, kind: z.literal('undo'), of: z.array(z.string()).min(1) });

export const LabelRecord = z.discriminatedUnion('kind', [
  Opened,
  Choice,
  Done,
  Guess,
  Verdict,
  Judgement,
  Correction,
  Comment,
  Undo,
]);
export type LabelRecord = z.infer<typeof LabelRecord>;

type Without<T> = T extends LabelRecord ? Omit<T, 'v' | 'id' | 't' | 'rater'> : never;
/** A record before the store gives it its id, time and rater. */
export type LabelDraft = Without<LabelRecord>;

export interface ReadRecords {
  readonly records: readonly LabelRecord[];
  /** Line numbers that are no record: torn by a kill or a full disk, or damaged. */
  readonly damaged: readonly number[];
  /** Lines of a newer version. */
  readonly newer: number;
}

/** Reads a file's text. What cannot be read is counted, never a reason to refuse the rest; repeated lines count once. */
export function readRecords(content: string): ReadRecords {
  const records: LabelRecord[] = [];
  const damaged: number[] = [];
  const seen = new Set<string>();
  let newer = 0;
  for (const [i, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      damaged.push(i + 1);
      continue;
    }
    const parsed = LabelRecord.safeParse(value);
    if (!parsed.success) {
      if (typeof value === 'object' && value !== null && 'v' in value && Number(value.v) > recordVersion) newer++;
      else damaged.push(i + 1);
    } else if (!seen.has(parsed.data.id)) {
      seen.add(parsed.data.id);
      records.push(parsed.data);
    }
  }
  return { records, damaged, newer };
}

/** Takes back what was undone; the rest in order of time, which is also the order of a file that git has merged. */
export function effective(records: readonly LabelRecord[]): LabelRecord[] {
  const undone = new Set(records.flatMap((r) => (r.kind === 'undo' ? r.of : [])));
  return records
    .filter((r) => r.kind !== 'undo' && !undone.has(r.id))
    .map((record, i) => ({ record, i }))
    .sort((a, b) => a.record.t - b.record.t || a.i - b.i)
    .map(({ record }) => record);
}

/** One name for a target, for maps. Another content is another target: a label holds for what was judged. */
export function targetKey(target: Target): string {
  return 'study' in target ? `${target.study}:${target.candidate}` : `${target.run}/${target.item}/${target.hash}`;
}
