import type { TraceNote } from '../core/run/request.ts';
import type { Player } from '../core/debug/player.ts';
import type { Moment, Part, Site } from '../core/debug/path.ts';
import type { Facts } from './expression.ts';

/** What conditions and log messages may ask about. */
export const factNames = [
  'step',
  'kind',
  'agent',
  'role',
  'text',
  'thought',
  'tool',
  'argument',
  'args',
  'observation',
  'outcome',
  'parse',
  'reason',
  'purpose',
  'prompt',
  'completion',
  'answer',
  'reward',
  'calls',
  'tokens',
  'promptTokens',
  'completionTokens',
  'ms',
  'question',
  'trajectory',
] as const;
type FactName = (typeof factNames)[number];

export interface Totals {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly ms: number;
}

/** What the answers before a position took when they were given. */
export function totalsOf(moments: readonly Moment[]): Totals {
  let [calls, promptTokens, completionTokens, ms] = [0, 0, 0, 0];
  for (const { parts } of moments)
    for (const { take } of parts) {
      if (take === undefined) continue;
      calls++;
      ms += take.ms;
      if (take.answer.kind !== 'completion') continue;
      promptTokens += take.answer.usage.promptTokens;
      completionTokens += take.answer.usage.completionTokens;
    }
  return { calls, promptTokens, completionTokens, ms };
}

/** Notes that were made before a place, the last one first. */
export function* notesBackwards(moments: readonly Moment[]): Generator<TraceNote> {
  for (let at = moments.length - 1; at >= 0; at--)
    for (const { request } of [...(moments[at]?.parts ?? [])].reverse())
      if (request.kind === 'note') yield request.note;
}

/** The step that a place belongs to: a question belongs to the note that it leads to. */
export function stepAt(player: Player, site: Site, before: readonly Moment[]): number {
  if (site.phase === 'note') return site.note.step;
  const [last] = notesBackwards(before);
  if (site.phase === 'end') return last?.step ?? 0;
  const next = player.notes[player.noteIndex];
  if (next !== undefined && before.length === player.passed.length) return next.step;
  if (last === undefined) return 1;
  return last.kind === 'observation' ? last.step + 1 : last.step;
}

/** The facts at the place where a player is, or where it was: `before` are the moments up to there. */
export function factsAt(player: Player, site: Site = player.site, before: readonly Moment[] = player.passed): Facts {
  const facts: Partial<Record<FactName, string | number | null>> = {
    step: stepAt(player, site, before),
    trajectory: player.target.key,
    question: player.target.header.question ?? null,
  };
  const note = site.phase === 'note' ? site.note : undefined;
  // The step's own notes, then what is said at the place itself.
  for (const earlier of notesBackwards(before)) {
    if (earlier.step !== facts.step) break;
    addNote(facts, earlier);
  }
  if (note !== undefined) {
    if (note.tool !== undefined) facts.tool = note.tool;
    if (note.argument !== undefined) facts.argument = note.argument;
    facts[note.kind === 'thought' || note.kind === 'reflection' ? 'thought' : 'text'] = note.text;
    if (note.kind === 'observation') facts.observation = note.text;
    if (note.kind === 'answer') facts.answer = note.text;
    facts.kind = note.kind;
    facts.text = note.text;
    facts.role = facts.agent = note.role;
    facts.parse = note.parse ?? 'ok';
    facts.reason = note.reason ?? null;
    for (const { request, take } of before.at(-1)?.parts ?? [])
      if (request.kind === 'tool' && take?.answer.kind === 'observation') facts.outcome = take.answer.outcome;
  }
  const call = callAt(site);
  if (call !== undefined) addCall(facts, call);
  const answered: Moment[] = site.phase === 'answered' ? [{ parts: site.parts, list: false }] : [];
  const totals = totalsOf([...before, ...answered]);
  facts.calls = totals.calls;
  facts.ms = totals.ms;
  facts.promptTokens = totals.promptTokens;
  facts.completionTokens = totals.completionTokens;
  facts.tokens = totals.promptTokens + totals.completionTokens;
  if (site.phase === 'end') {
    facts.reward = rewardOf(player, site.result) ?? null;
    const result = site.result as { answer?: unknown } | null | undefined;
    if (typeof result?.answer === 'string') facts.answer = result.answer;
    facts.kind = 'end';
  }
  facts.args = facts.argument ?? null;
  return facts;
}

function addNote(facts: Partial<Record<FactName, string | number | null>>, note: TraceNote): void {
  if (note.kind === 'thought' || note.kind === 'reflection') facts.thought ??= note.text;
  if (note.kind === 'action') {
    facts.tool ??= note.tool ?? null;
    facts.argument ??= note.argument ?? null;
  }
  if (note.kind === 'observation') facts.observation ??= note.text;
  if (note.kind === 'answer') facts.answer ??= note.text;
}

function addCall(facts: Partial<Record<FactName, string | number | null>>, { request, take }: Part): void {
  if (request.kind === 'tool') {
    facts.kind = 'tool';
    facts.tool = request.tool;
    facts.argument = request.argument;
    if (take?.answer.kind === 'observation') {
      facts.observation = take.answer.text;
      facts.outcome = take.answer.outcome;
    }
  } else if (request.kind === 'complete') {
    facts.kind = 'model';
    facts.role = facts.agent = request.role;
    facts.purpose = request.purpose;
    facts.prompt = request.prompt;
    if (take !== undefined) facts.completion = take.answer.text;
  }
}

/** The first question of a place, with its answer when it has one. */
export function callAt(site: Site): Part | undefined {
  if (site.phase === 'answered') return site.parts.find(({ request }) => request.kind !== 'note');
  if (site.phase !== 'asked') return undefined;
  const request = site.requests.find(({ kind }) => kind !== 'note');
  return request === undefined ? undefined : { i: String(site.position), request };
}

/** The recording's own reward holds for the recording's own end. */
export function rewardOf(player: Player, result: unknown): number | undefined {
  return player.fork === undefined
    ? (player.target.reward ?? player.target.score?.(result))
    : player.target.score?.(result);
}

/** A place that was passed, as it was. */
export function siteAt(moments: readonly Moment[], position: number, phase: 'asked' | 'answered'): Site | undefined {
  const moment = moments[position];
  if (moment === undefined) return undefined;
  const [first] = moment.parts;
  if (first?.request.kind === 'note') return { phase: 'note', position, note: first.request.note };
  return phase === 'answered'
    ? { phase, position, parts: moment.parts }
    : { phase, position, requests: moment.parts.map(({ request }) => request) };
}
