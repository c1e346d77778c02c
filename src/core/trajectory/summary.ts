import * as z from 'zod';
import type { LogEntry } from '../run/log.ts';
import type { StoredReading } from './storedTrajectory.ts';

/** What lists, tables and filters know of a trajectory without reading it. Small: a hundred thousand are held at once. */

export const outcomes = ['right', 'partly right', 'wrong', 'not scored', 'failed', 'open', 'unreadable'] as const;
export type Outcome = (typeof outcomes)[number];

export const TrajectorySummary = z.object({
  /** The item's key in a run, else the trajectory's id. */
  id: z.string(),
  /** What it is a trajectory of: a system, a stage, or the file that it came from. */
  group: z.string(),
  /** Equal for trajectories of one question. */
  question: z.string(),
  /** What is shown of the question. */
  title: z.string(),
  level: z.string(),
  outcome: z.enum(outcomes),
  /** 0..1; null when there is none. */
  reward: z.number().nullable(),
  steps: z.number(),
  /** Names in the order of their first use, without Finish and Reflect. */
  tools: z.array(z.string()),
  /** Prompt and completion tokens; null where none were recorded. */
  tokens: z.number().nullable(),
  /** Milliseconds that servers and tools took; null where none were recorded. */
  ms: z.number().nullable(),
  answer: z.string().nullable(),
  /** Why it is unreadable, failed, was halted or dropped. */
  remark: z.string(),
});
export type TrajectorySummary = z.infer<typeof TrajectorySummary>;

const shownLength = 160;
/** Questions are compared by as much as is kept of them. */
const questionLength = 300;
const toolsShown = 12;
const loopTools = new Set(['Finish', 'Reflect']);

export function outcomeOf(score: number | undefined): Outcome {
  if (score === undefined) return 'not scored';
  return score >= 1 ? 'right' : score > 0 ? 'partly right' : 'wrong';
}

/** 1 for an exact match; a reward of 1 with other words is no exact match, and stays below. */
export function scoreOf(reward: number | undefined, correct: boolean | undefined): number | undefined {
  if (correct === undefined) return reward;
  return correct ? 1 : Math.min(reward ?? 0, 0.99);
}

/** Questions are paired by their words, so that those of different files and runs meet. */
export function questionKey(question: string): string {
  return cut(question, questionLength).trim().replace(/\s+/g, ' ').toLowerCase();
}

function cut(text: string, length = shownLength): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** The question in an agent's prompt, where it has a line of its own; empty when there is none. */
export function askedQuestion(prompt: string): string {
  const label = '\nQuestion: ';
  const at = prompt.lastIndexOf(label);
  if (at < 0) return '';
  const start = at + label.length;
  const end = prompt.indexOf('\n', start);
  return cut(prompt.slice(start, end < 0 ? undefined : end).trim(), questionLength);
}

/** The summary of a line of a file. */
export function summarise(reading: StoredReading, id: string, group: string): TrajectorySummary {
  if (!reading.ok) return { ...empty(id, group), outcome: 'unreadable', remark: cut(reading.reason) };
  const { trajectory } = reading;
  const score = scoreOf(trajectory.reward, trajectory.correct);
  const tools = new Set<string>();
  for (const { tool } of trajectory.steps)
    if (!loopTools.has(tool) && tools.size < toolsShown) tools.add(cut(tool, 40));
  return {
    id: trajectory.id,
    group,
    question: questionKey(trajectory.question),
    title: cut(trajectory.question, questionLength),
    level: cut(trajectory.level, 40),
    outcome: trajectory.failed === true ? 'failed' : outcomeOf(score),
    reward: score ?? null,
    steps: trajectory.steps.length,
    tools: [...tools],
    tokens: null,
    ms: null,
    answer: trajectory.answer === null ? null : cut(trajectory.answer, 80),
    remark: cut(trajectory.dropped ?? (trajectory.halt === undefined ? '' : `halted (${trajectory.halt})`)),
  };
}

export function empty(id: string, group: string): TrajectorySummary {
  return {
    id,
    group,
    question: '',
    title: '',
    level: '',
    outcome: 'open',
    reward: null,
    steps: 0,
    tools: [],
    tokens: null,
    ms: null,
    answer: null,
    remark: '',
  };
}

/** Items of a run that are trajectories, with the group that each belongs to. */
export function groupOfItem(item: string): string | undefined {
  const [stage, system, ...rest] = item.split('/');
  if (stage === 'synthesis' && rest.length === 1) return 'synthesis';
  return stage === 'evaluation' && rest.length === 2 ? system : undefined;
}

/** Takes what an entry of a run's log adds to its item's summary. */
export function addEntry(summary: TrajectorySummary, entry: LogEntry): void {
  if ('note' in entry) {
    const { note } = entry;
    summary.steps = Math.max(summary.steps, note.step);
    if (note.kind === 'answer') summary.answer = cut(note.text, 80);
    if (note.kind === 'halt') summary.remark = cut(`halted (${note.reason ?? note.text})`);
    const { tool } = note;
    if (note.kind === 'action' && tool !== undefined && !loopTools.has(tool) && summary.tools.length < toolsShown) {
      const name = cut(tool, 40);
      if (!summary.tools.includes(name)) summary.tools.push(name);
    }
  } else if ('answer' in entry) {
    summary.ms = (summary.ms ?? 0) + entry.ms;
    if ('usage' in entry.answer)
      summary.tokens = (summary.tokens ?? 0) + entry.answer.usage.promptTokens + entry.answer.usage.completionTokens;
  } else if ('failed' in entry) {
    summary.outcome = 'failed';
    summary.remark = cut(`${entry.failed.reason}: ${entry.failed.message}`);
  } else if ('result' in entry) {
    summary.outcome = 'not scored';
    if (summary.remark !== '' && !summary.remark.startsWith('halted')) summary.remark = '';
  }
}
