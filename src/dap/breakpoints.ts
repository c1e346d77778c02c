import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Moment, Site } from '../core/debug/path.ts';
import type { Player } from '../core/debug/player.ts';
import type { TraceNote } from '../core/run/request.ts';
import { agentTitle, type TraceSpan } from '../core/trajectory/traceText.ts';
import { isTrue, parseExpression, parseHits, parseMessage, type Expression, type Facts } from './expression.ts';
import { callAt, factNames, factsAt, notesBackwards, rewardOf, totalsOf } from './facts.ts';

/** Why a thread stopped, as the protocol names it. */
export interface StopCause {
  readonly reason: 'breakpoint' | 'function breakpoint' | 'exception';
  readonly text?: string;
  /** Filter of an exception. */
  readonly filter?: string;
  readonly hitBreakpointIds?: number[];
}

/** Where a note stands, in words that hold for a trace and for all its forks: line numbers differ after an edit. */
export function placeOf(note: Pick<TraceNote, 'step' | 'kind' | 'role'>): string {
  return `${note.step}/${note.kind}/${note.role}`;
}

interface Conditions {
  readonly condition?: Expression | undefined;
  readonly hits?: ((count: number) => boolean) | undefined;
  readonly log?: ((facts: Facts) => string) | undefined;
  count: number;
}
interface LinePoint extends Conditions {
  readonly id: number;
  readonly place: string;
  /** How many notes of the same place come before it in its step. */
  readonly ordinal: number;
}
interface FunctionPoint extends Conditions {
  readonly id: number;
  readonly name: string;
}

export const exceptionFilters: readonly DebugProtocol.ExceptionBreakpointsFilter[] = [
  filter('toolError', 'Tool error', 'Stop when a tool fails.', true),
  filter('unparsable', 'Unreadable action', 'Stop when an action cannot be read.', true),
  filter('repeated', 'Repeated action', 'Stop when a plan does again what it did before.', false),
  filter('lowReward', 'Low reward', 'Stop at the end of a plan whose reward is below 1.', false, 'reward < 0.5'),
  filter('overBudget', 'Over budget', 'Stop when a plan has used more than 20,000 tokens.', false, 'tokens > 5000'),
];
/** Tokens, prompt and completion together, after which `overBudget` stops when neither it nor the launch says. */
const defaultBudget = 20_000;

function filter(
  id: string,
  label: string,
  description: string,
  isDefault: boolean,
  example = 'tool == "Retrieve"',
): DebugProtocol.ExceptionBreakpointsFilter {
  return {
    filter: id,
    label,
    description,
    default: isDefault,
    supportsCondition: true,
    conditionDescription: `A condition such as ${example}`,
  };
}

/** All breakpoints of a session. A thread asks it at every place that it comes to. */
export class Breakpoints {
  #lines = new Map<string, LinePoint[]>();
  #functions: FunctionPoint[] = [];
  #filters = new Map<string, Expression | undefined>();
  #nextId = 1;
  budget = defaultBudget;

  /** @param spans of the document's lines, counting from 0 as the lines do */
  setLines(
    source: string,
    wanted: readonly DebugProtocol.SourceBreakpoint[],
    spans: readonly TraceSpan[] | undefined,
    notes: readonly TraceNote[],
  ): DebugProtocol.Breakpoint[] {
    const points: LinePoint[] = [];
    const answers = wanted.map((one): DebugProtocol.Breakpoint => {
      const id = this.#nextId++;
      if (spans === undefined) return { id, verified: false, message: 'This trace is not being debugged.' };
      const span = spans.find(({ endLine }) => endLine >= one.line);
      const note = span === undefined ? undefined : notes[span.note];
      if (span === undefined || note === undefined)
        return { id, verified: false, message: 'No thought, action or observation follows this line yet.' };
      try {
        const place = placeOf(note);
        const ordinal = notes.slice(0, span.note).filter((other) => placeOf(other) === place).length;
        points.push({ id, place, ordinal, ...conditionsOf(one) });
      } catch (error) {
        return { id, verified: false, line: one.line, message: error instanceof Error ? error.message : String(error) };
      }
      const line = one.line >= span.line ? one.line : span.line;
      return { id, verified: true, line };
    });
    this.#lines.set(source, points);
    return answers;
  }

  setFunctions(wanted: readonly DebugProtocol.FunctionBreakpoint[]): DebugProtocol.Breakpoint[] {
    this.#functions = [];
    return wanted.map((one) => {
      const id = this.#nextId++;
      try {
        this.#functions.push({ id, name: one.name.trim().toLowerCase(), ...conditionsOf(one) });
        return { id, verified: true };
      } catch (error) {
        return { id, verified: false, message: error instanceof Error ? error.message : String(error) };
      }
    });
  }

  setFilters(args: DebugProtocol.SetExceptionBreakpointsArguments): DebugProtocol.Breakpoint[] {
    this.#filters = new Map(args.filters.map((name) => [name, undefined]));
    const verified: DebugProtocol.Breakpoint[] = args.filters.map(() => ({ verified: true }));
    for (const { filterId, condition } of args.filterOptions ?? []) {
      try {
        this.#filters.set(
          filterId,
          condition === undefined || condition.trim() === '' ? undefined : parseExpression(condition, factNames),
        );
        verified.push({ verified: true });
      } catch (error) {
        verified.push({ verified: false, message: error instanceof Error ? error.message : String(error) });
      }
    }
    return verified;
  }

  /**
   * What stops a thread here. Going backwards neither counts hits nor writes log messages.
   * @param log receives what log points say
   */
  at(
    player: Player,
    site: Site,
    before: readonly Moment[],
    direction: 'forwards' | 'backwards',
    log: (text: string) => void,
  ): StopCause | undefined {
    let facts: Facts | undefined;
    const known = (): Facts => (facts ??= factsAt(player, site, before));
    const hit: number[] = [];
    let named = false;
    for (const point of [...this.#linesAt(site, before), ...this.#functionsAt(site)]) {
      if (point.condition !== undefined && !isTrue(point.condition.evaluate(known()))) continue;
      if (direction === 'forwards') {
        point.count++;
        if (point.hits !== undefined && !point.hits(point.count)) continue;
      }
      if (point.log !== undefined) {
        if (direction === 'forwards') log(point.log(known()));
        continue;
      }
      hit.push(point.id);
      named ||= 'name' in point;
    }
    if (hit.length > 0) return { reason: named ? 'function breakpoint' : 'breakpoint', hitBreakpointIds: hit };
    for (const [name, condition] of this.#filters) {
      const text = this.#raised(name, player, site, before, condition !== undefined);
      if (text === undefined || (condition !== undefined && !isTrue(condition.evaluate(known())))) continue;
      return { reason: 'exception', text, filter: name };
    }
    return undefined;
  }

  #linesAt(site: Site, before: readonly Moment[]): LinePoint[] {
    if (site.phase !== 'note') return [];
    const place = placeOf(site.note);
    const points = [...this.#lines.values()].flat().filter((point) => point.place === place);
    if (points.length === 0) return [];
    let ordinal = 0;
    for (const note of notesBackwards(before)) {
      if (note.step !== site.note.step) break;
      if (placeOf(note) === place) ordinal++;
    }
    return points.filter((point) => point.ordinal === ordinal);
  }

  #functionsAt(site: Site): FunctionPoint[] {
    if (site.phase !== 'asked' || this.#functions.length === 0) return [];
    const names = site.requests.flatMap((request) =>
      request.kind === 'tool'
        ? [request.tool]
        : request.kind === 'complete'
          ? [request.role, agentTitle(request.role)]
          : [],
    );
    const lower = names.map((name) => name.toLowerCase());
    return this.#functions.filter(({ name }) => lower.includes(name));
  }

  /** Says what happened when a filter applies here; a condition of its own stands in for the filter's threshold. */
  #raised(
    name: string,
    player: Player,
    site: Site,
    before: readonly Moment[],
    hasCondition: boolean,
  ): string | undefined {
    switch (name) {
      case 'toolError': {
        const call = callAt(site);
        const failed = call?.take?.answer.kind === 'observation' && call.take.answer.outcome === 'error';
        return failed && call.request.kind === 'tool' ? `The tool ${call.request.tool} failed.` : undefined;
      }
      case 'unparsable':
        return site.phase === 'note' && site.note.parse === 'failed'
          ? `This ${site.note.kind} cannot be read${site.note.reason === undefined ? '' : `: ${site.note.reason}`}.`
          : undefined;
      case 'repeated':
        return site.phase === 'note' && isRepeated(site.note, before)
          ? `${site.note.tool ?? ''}[${site.note.argument ?? ''}] was done before.`
          : undefined;
      case 'lowReward': {
        const reward = site.phase === 'end' ? rewardOf(player, site.result) : undefined;
        return reward !== undefined && (hasCondition || reward < 1) ? `The reward is ${reward}.` : undefined;
      }
      case 'overBudget': {
        if (site.phase !== 'answered') return undefined;
        const own = totalsOf([{ parts: site.parts, list: false }]);
        const earlier = totalsOf(before);
        const [was, is] = [
          earlier.promptTokens + earlier.completionTokens,
          earlier.promptTokens + earlier.completionTokens + own.promptTokens + own.completionTokens,
        ];
        if (hasCondition) return `The plan has used ${is} tokens.`;
        // Once, when it is crossed.
        return was <= this.budget && is > this.budget
          ? `The plan has used ${is} tokens, and ${this.budget} are its budget.`
          : undefined;
      }
      default:
        return undefined;
    }
  }
}

function isRepeated(note: TraceNote, before: readonly Moment[]): boolean {
  if (note.kind !== 'action' || note.tool === undefined) return false;
  for (const earlier of notesBackwards(before))
    if (earlier.kind === 'action' && earlier.tool === note.tool && earlier.argument === note.argument) return true;
  return false;
}

function conditionsOf(one: { condition?: string; hitCondition?: string; logMessage?: string }): Conditions {
  const given = (text: string | undefined): text is string => text !== undefined && text.trim() !== '';
  return {
    condition: given(one.condition) ? parseExpression(one.condition, factNames) : undefined,
    hits: given(one.hitCondition) ? parseHits(one.hitCondition) : undefined,
    log: given(one.logMessage) ? parseMessage(one.logMessage, factNames) : undefined,
    count: 0,
  };
}
