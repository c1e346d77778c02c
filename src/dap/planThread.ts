import type { ShownSpan } from '../core/debug/launch.ts';
import type { Player } from '../core/debug/player.ts';
import { notesBefore, type Site } from '../core/debug/path.ts';
import { DebugError } from '../core/debug/debugError.ts';
import type { Breakpoints, StopCause } from './breakpoints.ts';
import { notesBackwards, siteAt, stepAt } from './facts.ts';
import { mapTrace, type TraceMap } from './traceMap.ts';

export type Motion = 'continue' | 'next' | 'stepIn' | 'stepOut';

/** Why a thread stands still: a breakpoint, a step that is done, its end, or trouble. */
export type Stop =
  | StopCause
  | { readonly reason: 'step' | 'pause' | 'entry' | 'goto' | 'end'; readonly text?: string }
  | { readonly reason: 'exception'; readonly text: string; readonly filter: string; readonly error: unknown };

/** One question that is being planned. Moves its player and says where and why it stops. */
export class PlanThread {
  readonly id: number;
  readonly player: Player;
  /** Whether the model or tool call is what is looked at, and not the step around it. */
  inCall = false;
  stop: Stop = { reason: 'entry' };
  ended = false;
  readonly #shown: readonly ShownSpan[] | undefined;
  readonly #breathe: () => Promise<void>;
  #moving: AbortController | undefined;
  #map: TraceMap | undefined;
  #mapOfFork: string | undefined;

  /**
   * @param shown where the parts stand in the document that shows the recording, when it is not this session's own text
   * @param breathe lets other work of the process go on
   */
  constructor(id: number, player: Player, shown: readonly ShownSpan[] | undefined, breathe: () => Promise<void>) {
    this.id = id;
    this.player = player;
    this.#shown = shown;
    this.#breathe = breathe;
  }

  get isMoving(): boolean {
    return this.#moving !== undefined;
  }

  /** The document of the path that is being followed. */
  get map(): TraceMap {
    const { player } = this;
    const fork = player.fork?.record.id;
    if (this.#map === undefined || this.#map.notes !== player.notes || this.#mapOfFork !== fork) {
      const header = fork === undefined ? player.target.header : { ...player.target.header, item: fork };
      this.#map = mapTrace(header, player.notes, fork === undefined ? this.#shown : undefined);
      this.#mapOfFork = fork;
    }
    return this.#map;
  }

  pause(): void {
    this.#moving?.abort();
  }

  /** Moves on until something stops it. */
  async forwards(motion: Motion, breakpoints: Breakpoints, log: (text: string) => void): Promise<Stop> {
    return this.#move(async (signal) => {
      const { player } = this;
      const startPhase = player.site.phase;
      const startStep = stepAt(player, player.site, player.passed);
      const wasInCall = this.inCall;
      for (let moved = 1; ; moved++) {
        if (signal.aborted) return { reason: 'pause' };
        if (player.ended) return { reason: 'end' };
        await player.advance(signal);
        const { site } = player;
        const cause = breakpoints.at(player, site, player.passed, 'forwards', log);
        if (cause !== undefined) {
          this.inCall = isCall(site);
          return cause;
        }
        if (site.phase === 'end') {
          this.inCall = false;
          return { reason: 'end' };
        }
        const done =
          motion === 'stepIn' ||
          (motion === 'next' && (site.phase === 'note' || (wasInCall && startPhase === 'asked'))) ||
          (motion === 'stepOut' && site.phase === 'note' && (wasInCall || site.note.step !== startStep));
        if (done) {
          this.inCall = isCall(site);
          return { reason: 'step' };
        }
        if (moved % 256 === 0) await this.#breathe();
      }
    });
  }

  /** One step back: to the note before, or within a call to what was before the answer. */
  stepBack(): Stop {
    const { player } = this;
    const { site } = player;
    if (this.inCall && site.phase === 'answered') {
      player.goTo(site.position);
      return { reason: 'step' };
    }
    if (this.inCall && site.position > 0) {
      player.goTo(site.position - 1, 'answered');
      this.inCall = isCall(player.site);
      return { reason: 'step' };
    }
    for (let position = site.position - 1; position >= 0; position--)
      if (siteAt(player.passed, position, 'asked')?.phase === 'note') return this.#to(position);
    return this.#to(0);
  }

  /** Back to the breakpoint before, or to the beginning. */
  backwards(breakpoints: Breakpoints): Stop {
    const { player } = this;
    const { passed } = player;
    for (let position = player.site.position - 1; position >= 0; position--) {
      const before = passed.slice(0, position);
      for (const phase of ['answered', 'asked'] as const) {
        const site = siteAt(passed, position, phase);
        if (site === undefined || (site.phase === 'note' && phase === 'answered')) continue;
        const cause = breakpoints.at(player, site, before, 'backwards', () => undefined);
        if (cause === undefined) continue;
        player.goTo(position, phase);
        this.inCall = isCall(player.site);
        return cause;
      }
    }
    this.#to(0);
    return { reason: 'entry' };
  }

  /** The note at a line that was passed already; there is no way forwards but to go it. */
  target(line: number): { readonly position: number; readonly label: string } | undefined {
    const { player, map } = this;
    const span = map.spans.findLast((one) => one.line <= line && line <= one.endLine);
    if (span === undefined || span.note > player.noteIndex) return undefined;
    for (let position = 0; position < player.passed.length; position++)
      if (
        siteAt(player.passed, position, 'asked')?.phase === 'note' &&
        notesBefore(player.passed, position) === span.note
      )
        return { position, label: `Step ${span.step}: ${span.agent}, ${span.kind}` };
    return undefined;
  }

  goTo(position: number): Stop {
    this.#to(position);
    return { reason: 'goto' };
  }

  /** Position of the first question of the step, or of the call that is looked at. */
  firstCall(of: 'call' | 'step'): number {
    const { player } = this;
    const { site, passed } = player;
    if (of === 'call' && (site.phase === 'asked' || site.phase === 'answered')) return site.position;
    const step = stepAt(player, site, passed);
    let first = site.position;
    for (let position = passed.length - 1; position >= 0; position--) {
      const parts = passed[position]?.parts ?? [];
      const note = parts.find(({ request }) => request.kind === 'note')?.request;
      if (note?.kind === 'note' && note.note.step !== step) break;
      if (parts.some(({ request }) => request.kind === 'complete')) first = position;
    }
    return first;
  }

  /** Positions of the notes of the step so far, in order, the one that waits included. */
  notesOfStep(): { readonly position: number; readonly site: Extract<Site, { phase: 'note' }> }[] {
    const { player } = this;
    const { site, passed } = player;
    const step = stepAt(player, site, passed);
    const found: { position: number; site: Extract<Site, { phase: 'note' }> }[] = [];
    if (site.phase === 'note') found.push({ position: site.position, site });
    for (let position = passed.length - 1; position >= 0; position--) {
      const earlier = siteAt(passed, position, 'asked');
      if (earlier?.phase !== 'note') continue;
      if (earlier.note.step !== step) break;
      found.unshift({ position, site: earlier });
    }
    return found;
  }

  /** Does work that may ask; trouble in it is where the thread stops. */
  async work(task: (signal: AbortSignal) => Promise<Stop>): Promise<Stop> {
    return this.#move(task);
  }

  get lastStep(): number {
    const [last] = notesBackwards(this.player.passed);
    return last?.step ?? 0;
  }

  async #move(task: (signal: AbortSignal) => Promise<Stop>): Promise<Stop> {
    const moving = new AbortController();
    this.#moving = moving;
    try {
      this.stop = await task(moving.signal);
    } catch (error) {
      this.stop = moving.signal.aborted ? { reason: 'pause' } : troubleOf(error);
      this.inCall = isCall(this.player.site);
    } finally {
      this.#moving = undefined;
    }
    return this.stop;
  }

  #to(position: number): Stop {
    this.player.goTo(position);
    this.inCall = false;
    return { reason: 'step' };
  }
}

function isCall({ phase }: Site): boolean {
  return phase === 'asked' || phase === 'answered';
}

function troubleOf(error: unknown): Stop {
  const text = error instanceof Error ? error.message : String(error);
  const remedy =
    typeof error === 'object' && error !== null && 'remedy' in error && typeof error.remedy === 'string'
      ? ` ${error.remedy}`
      : '';
  const filter = DebugError.is(error)
    ? error.reason
    : typeof error === 'object' && error !== null && 'reason' in error && typeof error.reason === 'string'
      ? error.reason
      : 'internal';
  return { reason: 'exception', text: `${text}${remedy}`, filter, error };
}
