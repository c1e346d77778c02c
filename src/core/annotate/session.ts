import { openDisagreements } from './analyse.ts';
import type { Labels } from './labels.ts';
import type { Presentation, StudyItem, StudyPlan } from './prepare.ts';
import type { Choice, LabelDraft } from './records.ts';
import { StudyError, type Aspect } from './study.ts';

/** One annotator's way through a study: what comes next, how far it is, and which record a key press makes. */

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** Median time for an item so far, in milliseconds; undefined until three are done. */
  readonly paceMs: number | undefined;
  /** What is left at that pace. */
  readonly leftMs: number | undefined;
}

/** Longest time that counts for one item: whoever was away did not judge. */
export const longestItemMs = 10 * 60_000;

export interface Place {
  readonly presentation: string;
  /** An aspect's id in comparisons, a step's number from 1 on in single trajectories. */
  readonly focus: string;
}

export class StudySession {
  readonly plan: StudyPlan;
  readonly rater: string;
  /** Presentations in order, then the guesses. */
  readonly list: readonly Presentation[];
  readonly #items: ReadonlyMap<string, StudyItem>;
  readonly #guesses: ReadonlySet<string>;

  /** @throws StudyError `study` for a name that the study does not have */
  constructor(
    plan: StudyPlan,
    items: readonly StudyItem[],
    rater: string,
    own: StudyPlan['raters'][number] | undefined = plan.raters.find((r) => r.name === rater),
  ) {
    if (own === undefined)
      throw new StudyError(
        'study',
        `"${rater}" is no rater of the study "${plan.name}".`,
        `Its raters are ${plan.raters.map((r) => r.name).join(', ')}.`,
      );
    this.plan = plan;
    this.rater = rater;
    this.list = [...own.presentations, ...own.guesses];
    this.#items = new Map(items.map((item) => [item.id, item]));
    this.#guesses = new Set(own.guesses.map((p) => p.id));
  }

  /** The adjudicator's way: what has no majority, aspect by aspect. @param labels of all raters */
  static forAdjudicator(
    plan: StudyPlan,
    items: readonly StudyItem[],
    labels: ReadonlyMap<string, Labels>,
  ): StudySession {
    const name = plan.adjudicator ?? '';
    const presentations = openDisagreements(plan, labels).map(({ unit, item, order, aspects }) => ({
      id: `${name}-${unit}`,
      unit,
      item,
      order: [...order],
      aspects: [...aspects],
    }));
    return new StudySession(plan, items, name, { name, presentations, guesses: [] });
  }

  /** What is asked of a presentation. */
  aspects(presentation: Presentation): readonly Aspect[] {
    const { aspects } = presentation;
    return aspects === undefined ? this.plan.aspects : this.plan.aspects.filter((a) => aspects.includes(a.id));
  }

  find(id: string): Presentation | undefined {
    return this.list.find((p) => p.id === id);
  }

  kind(presentation: Presentation): 'compare' | 'single' | 'guess' {
    if (this.#guesses.has(presentation.id)) return 'guess';
    return this.plan.design === 'single' ? 'single' : 'compare';
  }

  item(presentation: Presentation): StudyItem {
    const item = this.#items.get(presentation.item);
    if (item === undefined)
      throw new StudyError('tampered', `The study "${this.plan.name}" has no item ${presentation.item}.`);
    return item;
  }

  isDone(presentation: Presentation, labels: Labels): boolean {
    return this.kind(presentation) === 'guess' ? labels.guesses.has(presentation.id) : labels.done.has(presentation.id);
  }

  /** The first that is not done; undefined when all are. Guesses come when all else is done. */
  firstOpen(labels: Labels): Presentation | undefined {
    return this.list.find((p) => !this.isDone(p, labels));
  }

  /** The next open one after this one, going round; this one's neighbour when all are done. */
  nextOpen(after: Presentation, labels: Labels): Presentation {
    const at = this.list.indexOf(after);
    const open = [...this.list.slice(at + 1), ...this.list.slice(0, at)].find((p) => !this.isDone(p, labels));
    return open ?? this.list[Math.min(at + 1, this.list.length - 1)] ?? after;
  }

  neighbour(of: Presentation, offset: number): Presentation {
    const at = this.list.indexOf(of) + offset;
    return this.list[Math.max(0, Math.min(at, this.list.length - 1))] ?? of;
  }

  /** Guesses may be made when all else is done: to ask earlier would set people guessing. */
  mayOpen(presentation: Presentation, labels: Labels): boolean {
    return (
      this.kind(presentation) !== 'guess' || this.list.every((p) => this.kind(p) === 'guess' || this.isDone(p, labels))
    );
  }

  progress(labels: Labels): Progress {
    const done = this.list.filter((p) => this.isDone(p, labels)).length;
    const times = [...labels.done.values()].map((d) => d.ms).sort((a, b) => a - b);
    const paceMs = times.length < 3 ? undefined : times[Math.floor(times.length / 2)];
    return {
      done,
      total: this.list.length,
      paceMs,
      leftMs: paceMs === undefined ? undefined : paceMs * (this.list.length - done),
    };
  }

  /** The first aspect without a choice, else the last one. */
  openAspect(presentation: Presentation, labels: Labels): string {
    const chosen = labels.choices.get(presentation.id);
    const aspects = this.aspects(presentation);
    return (aspects.find((a) => chosen?.has(a.id) !== true) ?? aspects.at(-1))?.id ?? '';
  }

  /**
   * The record of a choice. `tie` adds the position to what is chosen already, or takes it away; position -1 says
   * that none is acceptable.
   */
  choose(presentation: Presentation, labels: Labels, aspect: string, position: number, tie: boolean): LabelDraft {
    const before = labels.choices.get(presentation.id)?.get(aspect);
    const candidate = presentation.order[position];
    if (position !== -1 && candidate === undefined)
      throw new StudyError('study', `There is no candidate ${position + 1} here.`);
    let best = candidate === undefined ? [] : [candidate];
    if (tie && candidate !== undefined && before !== undefined) {
      const has = before.best.includes(candidate);
      best = has ? before.best.filter((c) => c !== candidate) : [...before.best, candidate];
      if (best.length === 0) best = [candidate];
    }
    return this.#choice(presentation, aspect, best, before);
  }

  /** The record of a reason or a confidence beside a choice. */
  remark(
    presentation: Presentation,
    labels: Labels,
    aspect: string,
    remark: { readonly reason?: string; readonly confidence?: Choice['confidence'] },
  ): LabelDraft {
    const before = labels.choices.get(presentation.id)?.get(aspect);
    if (before === undefined)
      throw new StudyError('study', 'Choose first, then say why.', 'Press 1, 2, … for the best one, or 0 for none.');
    return this.#choice(presentation, aspect, before.best, { ...before, ...remark });
  }

  /** @throws StudyError while an aspect has no choice */
  finish(presentation: Presentation, labels: Labels, ms: number): LabelDraft {
    const chosen = labels.choices.get(presentation.id);
    const open = this.aspects(presentation).filter((a) => chosen?.has(a.id) !== true);
    if (this.kind(presentation) === 'compare' && open.length > 0)
      throw new StudyError('study', `Still open: ${open.map((a) => a.title).join(', ')}.`);
    const target = { study: this.plan.name, candidate: presentation.order[0] ?? '' };
    if (
      this.kind(presentation) === 'single' &&
      labels.targets.get(`${target.study}:${target.candidate}`)?.judgement === undefined
    )
      throw new StudyError('study', 'Accept or reject the trajectory first.', 'Press A to accept, X to reject.');
    return {
      kind: 'done',
      study: this.plan.name,
      presentation: presentation.id,
      ms: Math.min(Math.max(0, Math.round(ms)), longestItemMs),
    };
  }

  guess(presentation: Presentation, position: number): LabelDraft {
    const candidate = presentation.order[position];
    if (candidate === undefined) throw new StudyError('study', `There is no candidate ${position + 1} here.`);
    return { kind: 'guess', study: this.plan.name, presentation: presentation.id, candidate };
  }

  #choice(
    presentation: Presentation,
    aspect: string,
    best: readonly string[],
    before: Pick<Choice, 'reason' | 'confidence'> | undefined,
  ): LabelDraft {
    return {
      kind: 'choice',
      study: this.plan.name,
      presentation: presentation.id,
      unit: presentation.unit,
      aspect,
      best: [...best],
      positions: best.map((c) => presentation.order.indexOf(c)).sort((a, b) => a - b),
      ...(before?.confidence === undefined ? {} : { confidence: before.confidence }),
      ...(before?.reason === undefined || before.reason === '' ? {} : { reason: before.reason }),
    };
  }
}
