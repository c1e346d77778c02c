import * as z from 'zod';
import { loopObservations } from '../trajectory/transcript.ts';
import { TrajectoryStep, type Trajectory } from '../trajectory/trajectory.ts';
import { RowRefused } from './dataset.ts';

/**
 * Trajectories as the published AutoAct code writes them: one JSON object a line, the whole transcript in `prompt`.
 * They are kept in two parts, so that gold stays apart: the trajectory, and what it was scored with. Both together
 * give the original line again, byte for byte.
 */

/** A step with what rendering needs besides: the action where it is not of the form `Name[argument]`. */
export const PublishedStep = TrajectoryStep.extend({ action: z.string().optional() });
export type PublishedStep = z.infer<typeof PublishedStep>;

/** Holds no gold: the closing observation that told whether the answer was right is replaced by a neutral one. */
export const PublishedTrajectory = z.object({
  id: z.string(),
  question: z.string(),
  /** System prompt, question and blank lines: all before the first step. */
  head: z.string(),
  steps: z.array(PublishedStep),
  answer: z.string().nullable(),
  answers: z.array(z.object({ text: z.string(), step: z.number(), verdict: z.enum(['right', 'wrong']).optional() })),
  finished: z.boolean(),
  halt: z.enum(['steps', 'context']).optional(),
});
export type PublishedTrajectory = z.infer<typeof PublishedTrajectory>;

export const PublishedScore = z.object({
  id: z.string(),
  /** The row's fields in their order; `prompt` holds nothing here. */
  fields: z.record(z.string(), z.unknown()),
  /** Numbers as they were written, where JavaScript writes them otherwise: 1.0. */
  literals: z.record(z.string(), z.string()).optional(),
  /** The line itself, where rendering the parts would not give it back exactly. */
  line: z.string().optional(),
});
export type PublishedScore = z.infer<typeof PublishedScore>;

export interface PublishedRow {
  readonly trajectory: PublishedTrajectory;
  readonly score: PublishedScore;
}

const Row = z.object({
  question: z.string(),
  answer: z.string(),
  correct: z.boolean(),
  reward: z.union([z.number(), z.boolean()]),
  halted: z.boolean(),
  error: z.boolean(),
  prompt: z.string(),
});

const stepStart = '\nThought: ';
const actionStart = '\nAction: ';
const observationStart = '\nObservation: ';
const ended = { right: 'Answer is CORRECT', wrong: 'Answer is INCORRECT' } as const;

/** What the loop and its tools said, by how it begins (research: methods 1.4, 4.2). Anything else is a hit. */
const kinds: readonly (readonly [RegExp, TrajectoryStep['outcome'], TrajectoryStep['parse']])[] = [
  [/^Please reflect your answer/, 'loop', 'ok'],
  [/^The answer maybe wrong/, 'loop', 'ok'],
  [/^Invalid action/i, 'loop', 'failed'],
  [/^Lookup must after/, 'loop', 'failed'],
  [/^Could not find \[/, 'miss', 'ok'],
  [/^No (?:More )?Results$/, 'miss', 'ok'],
  [/^Could not find that page/, 'error', 'ok'],
  [/^(?:bingSearch|Bing search|Search) error/i, 'error', 'ok'],
  [/^The last page (?:Retrieved|Searched) was not found/, 'error', 'ok'],
];

/** Reads one line. @throws RowRefused, SyntaxError */
export function readPublishedLine(line: string, id: string): PublishedRow {
  const value: unknown = JSON.parse(line);
  const { trajectory } = readPublishedValue(value, id);
  const fields = { ...(value as Record<string, unknown>), prompt: '' };
  const literals = literalsOf(fields, line);
  const score: PublishedScore = { id, fields, ...(Object.keys(literals).length === 0 ? {} : { literals }) };
  return {
    trajectory,
    score: renderPublishedLine({ trajectory, score }) === line ? score : { ...score, line },
  };
}

/** Reads a parsed line for those who only look: without what it takes to write the line again. @throws RowRefused */
export function readPublishedValue(
  value: unknown,
  id: string,
): {
  readonly trajectory: PublishedTrajectory;
  readonly correct: boolean;
  readonly reward: number;
  readonly error: boolean;
} {
  const parsed = Row.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RowRefused(`not a published trajectory: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const row = parsed.data;
  const at = row.prompt.indexOf(row.question);
  if (at < 0) throw new RowRefused('the question does not occur in its prompt');
  const first = row.prompt.indexOf(stepStart, at + row.question.length);
  const head = first < 0 ? row.prompt : row.prompt.slice(0, first);
  const steps = first < 0 ? [] : readSteps(row.prompt.slice(first), row.correct);
  return {
    trajectory: { id, question: row.question, head, steps, ...outcomeOf(steps, row.halted) },
    correct: row.correct,
    reward: Number(row.reward),
    error: row.error,
  };
}

/** The original line, without its line end. */
export function renderPublishedLine({ trajectory, score }: PublishedRow): string {
  if (score.line !== undefined) return score.line;
  const said = score.fields['correct'] === true ? ended.right : ended.wrong;
  const steps = trajectory.steps.map((step, i) => {
    const closing = i === trajectory.steps.length - 1 && trajectory.finished;
    const action = step.action ?? `${step.tool}[${step.argument}]`;
    return `${stepStart}${step.thought}\nAction: ${action}\nObservation: ${closing ? said : step.observation}`;
  });
  const fields = Object.entries({ ...score.fields, prompt: trajectory.head + steps.join('') });
  return `{${fields.map(([key, value]) => `${pythonJson(key)}: ${score.literals?.[key] ?? pythonJson(value)}`).join(', ')}}`;
}

/** Number fields that were not written as JavaScript would. Within strings the quotes of a key are escaped. */
function literalsOf(fields: Readonly<Record<string, unknown>>, line: string): Record<string, string> {
  const literals: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value !== 'number') continue;
    const start = line.indexOf(`${pythonJson(key)}: `);
    const literal =
      start < 0 ? undefined : /^[-\d.eE+]+/.exec(line.slice(start + pythonJson(key).length + 2, start + 300))?.[0];
    if (literal !== undefined && literal !== String(value)) literals[key] = literal;
  }
  return literals;
}

/** The same as a trajectory of ours. */
export function asTrajectory(published: PublishedTrajectory): Trajectory {
  const { answer, answers, finished, halt } = published;
  const steps = published.steps.map(({ action: _raw, ...step }) => step);
  return { steps, answer, answers, finished, ...(halt === undefined ? {} : { halt }) };
}

function readSteps(text: string, correct: boolean): PublishedStep[] {
  const said = correct ? ended.right : ended.wrong;
  const parts = text.split(stepStart).slice(1);
  let previous = '';
  return parts.map((part, i) => {
    const actionAt = part.indexOf(actionStart);
    const observationAt = actionAt < 0 ? -1 : part.indexOf(observationStart, actionAt + actionStart.length);
    if (observationAt < 0) throw new RowRefused(`step ${i + 1} lacks an action or an observation`);
    const thought = part.slice(0, actionAt);
    const action = part.slice(actionAt + actionStart.length, observationAt);
    const raw = part.slice(observationAt + observationStart.length);
    const form = /^([^[]*)\[([\s\S]*)\]$/.exec(action);
    const tool = form?.[1] ?? action;
    const by = tool === 'Reflect' && previous === 'Finish' ? 'reflect' : 'plan';
    previous = tool;
    const closing = i === parts.length - 1 && raw === said;
    const observation = closing
      ? by === 'reflect'
        ? loopObservations.judgedRight
        : loopObservations.answerTaken
      : raw;
    const [, outcome, parse] = kinds.find(([pattern]) => pattern.test(raw)) ?? [undefined, 'hit', 'ok'];
    return {
      thought,
      tool,
      argument: form?.[2] ?? '',
      observation,
      by,
      parse,
      outcome: closing ? 'loop' : outcome,
      ...(form === null ? { action } : {}),
    } satisfies PublishedStep;
  });
}

function outcomeOf(steps: readonly PublishedStep[], halted: boolean): Omit<Trajectory, 'steps'> {
  const answers: Trajectory['answers'] = [];
  for (const [i, step] of steps.entries()) {
    if (step.tool === 'Finish') answers.push({ text: step.argument, step: i + 1 });
    const last = answers.at(-1);
    if (step.by === 'reflect' && last !== undefined)
      answers[answers.length - 1] = { ...last, verdict: step.argument.toLowerCase() === 'right' ? 'right' : 'wrong' };
  }
  const answer = answers.at(-1)?.text ?? null;
  // The rows do not say what halted them; the step limit of the published runs is 10.
  return halted
    ? { answer, answers, finished: false, halt: steps.length >= 10 ? 'steps' : 'context' }
    : { answer, answers, finished: true };
}

/** JSON as Python's `json.dumps` prints it: a space after commas and colons, everything beyond ASCII escaped. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, inner]) => `${pythonJson(key)}: ${pythonJson(inner)}`)
      .join(', ')}}`;
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
