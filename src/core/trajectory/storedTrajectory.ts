import { RowRefused } from '../data/dataset.ts';
import { readPublishedValue } from '../data/publishedTrajectory.ts';
import type { TrajectoryStep } from './trajectory.ts';

/**
 * A trajectory as any file of ours or of the published code holds it: one JSON object a line. What is read here only
 * shows; a line that cannot be read is told with its reason and never throws, whatever is in it.
 */
export interface StoredTrajectory {
  readonly id: string;
  readonly question: string;
  /** Empty when the file does not tell. */
  readonly level: string;
  readonly steps: readonly StoredStep[];
  readonly answer: string | null;
  readonly finished: boolean;
  readonly halt?: string;
  /** 0..1; absent when the file holds no score. */
  readonly reward?: number;
  readonly correct?: boolean;
  /** The servers or tools failed, so that there is nothing to score. */
  readonly failed?: boolean;
  /** Why the filter dropped it. */
  readonly dropped?: string;
}

export interface StoredStep extends TrajectoryStep {
  /** The action as it was written, where it is not of the form `Name[argument]`. */
  readonly action?: string | undefined;
}

export type StoredReading =
  { readonly ok: true; readonly trajectory: StoredTrajectory } | { readonly ok: false; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one line: of the published code (`prompt`), of an imported folder (`steps`), or of a run's `trajectories.jsonl`
 * (`trajectory.steps`).
 * @param id for files whose lines have none
 */
export function readStoredLine(line: string, id: string): StoredReading {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ok: false, reason: 'not valid JSON' };
  }
  return readStored(value, id);
}

export function readStored(value: unknown, id: string): StoredReading {
  if (!isFields(value)) return { ok: false, reason: 'not an object' };
  const inner = value['trajectory'];
  if (isFields(inner)) return fromSteps(value, inner, id);
  if (Array.isArray(value['steps'])) return fromSteps(value, value, id);
  if (typeof value['prompt'] !== 'string')
    return { ok: false, reason: 'no trajectory: it has neither steps nor a prompt' };
  try {
    const { trajectory, correct, reward, error } = readPublishedValue(value, id);
    const { question, steps, answer, finished, halt } = trajectory;
    return {
      ok: true,
      trajectory: {
        id,
        question,
        level: levelOf(id),
        steps,
        answer,
        finished,
        ...(halt === undefined ? {} : { halt }),
        ...(error ? { failed: true } : { correct, reward }),
      },
    };
  } catch (error) {
    if (error instanceof RowRefused) return { ok: false, reason: error.reason };
    throw error;
  }
}

function fromSteps(row: Fields, trajectory: Fields, fallback: string): StoredReading {
  const id = textOf(row['id']) ?? fallback;
  const raw: unknown = trajectory['steps'];
  if (!Array.isArray(raw)) return { ok: false, reason: 'no list of steps' };
  const steps: StoredStep[] = [];
  for (const [i, each] of raw.entries()) {
    const step = readStep(each);
    if (step === undefined) return { ok: false, reason: `step ${i + 1} has no thought, tool, argument or observation` };
    steps.push(step);
  }
  const { correct, reward, kept, reason } = row;
  const halt = textOf(trajectory['halt']);
  return {
    ok: true,
    trajectory: {
      id,
      question: textOf(row['question']) ?? '',
      level: textOf(row['level']) ?? levelOf(id),
      steps,
      answer: textOf(trajectory['answer']) ?? null,
      finished: trajectory['finished'] === true,
      ...(halt === undefined ? {} : { halt }),
      ...(typeof correct === 'boolean' ? { correct } : {}),
      ...(typeof reward === 'number' && Number.isFinite(reward) ? { reward } : {}),
      ...(kept === false ? { dropped: textOf(reason) ?? 'no reason recorded' } : {}),
    },
  };
}

function readStep(value: unknown): StoredStep | undefined {
  if (!isFields(value)) return undefined;
  const { thought, tool, argument, observation, by, parse, outcome, action } = value;
  if (typeof thought !== 'string' || typeof tool !== 'string') return undefined;
  if (typeof argument !== 'string' || typeof observation !== 'string') return undefined;
  return {
    thought,
    tool,
    argument,
    observation,
    by: by === 'reflect' ? 'reflect' : 'plan',
    parse: parse === 'repaired' || parse === 'failed' ? parse : 'ok',
    outcome: outcome === 'miss' || outcome === 'error' || outcome === 'loop' ? outcome : 'hit',
    ...(typeof action === 'string' ? { action } : {}),
  };
}

/** Files of the published runs are named by level: `13b-easy/17`. */
function levelOf(id: string): string {
  return /(?:^|[^a-z])(easy|medium|hard)(?:\/\d+)?$/i.exec(id)?.[1]?.toLowerCase() ?? '';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
