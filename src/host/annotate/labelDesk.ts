import * as l10n from '@vscode/l10n';
import { foldLabels, type Labels } from '../../core/annotate/labels.ts';
import type { Presentation } from '../../core/annotate/prepare.ts';
import { targetKey, type LabelDraft, type Target } from '../../core/annotate/records.ts';
import { StudySession, type Place } from '../../core/annotate/session.ts';
import { StudyError } from '../../core/annotate/study.ts';
import { RunError } from '../../core/run/runError.ts';
import type { Trajectory } from '../../core/trajectory/trajectory.ts';
import type { AnnotatorFile } from '../../node/annotate/annotatorFile.ts';
import type { StudyFolder } from '../../node/annotate/studyFolder.ts';
import type { AnnotateAction, AnnotateSnapshot } from '../../protocol/annotate.ts';
import { deskSnapshot } from './deskSnapshot.ts';
import { judgementOf } from './stepJudgement.ts';

/** What is on an annotator's desk: a study, the trace that is open, or both. No editor in here. */

export interface DeskStudy {
  readonly folder: StudyFolder;
  readonly session: StudySession;
  readonly file: AnnotatorFile;
  place: Place;
}

export interface DeskTrace {
  readonly target: Extract<Target, { run: string }>;
  readonly question: string;
  readonly trajectory: Trajectory;
  readonly file: AnnotatorFile;
  focus: string;
}

/** What a reload brings back. */
export interface DeskState {
  readonly study: string;
  readonly rater: string;
  readonly place: Place;
  readonly paused: boolean;
}

export class LabelDesk {
  study: DeskStudy | undefined;
  trace: DeskTrace | undefined;
  #showing: 'study' | 'trace' = 'study';
  #paused = false;
  #problem: { message: string; remedy?: string } | undefined;
  /** Time on the item that is shown, without breaks. */
  #spent = 0;
  #since: number;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#since = now();
  }

  /** Opens a study where it was left: at the place given, else at the first item that is not done. */
  openStudy(folder: StudyFolder, rater: string, restored?: Pick<DeskState, 'place' | 'paused'>): void {
    const plan = folder.plan();
    const items = folder.items();
    const session =
      rater === plan.adjudicator
        ? StudySession.forAdjudicator(plan, items, folder.labels())
        : new StudySession(plan, items, rater);
    const file = folder.annotator(rater);
    const labels = foldLabels(file.records(), plan.name);
    const known = restored === undefined ? undefined : session.find(restored.place.presentation);
    const at = known ?? session.firstOpen(labels) ?? session.list[0];
    if (at === undefined)
      throw new StudyError(
        'study',
        l10n.t('There is nothing to do for {0} in the study "{1}".', rater, plan.name),
        rater === plan.adjudicator ? l10n.t('The annotators are of one mind so far.') : undefined,
      );
    const focus = known === undefined ? session.openAspect(at, labels) : (restored?.place.focus ?? '');
    this.study = { folder, session, file, place: { presentation: at.id, focus } };
    this.#paused = restored?.paused ?? false;
    this.#showing = 'study';
    this.#problem = undefined;
    // Written before the first label, so that nobody can seal other items afterwards.
    if (labels.opened === undefined)
      this.#write(file, { kind: 'opened', study: plan.name, commitment: folder.commitment().commitment });
    this.#restartClock();
  }

  openTrace(trace: Omit<DeskTrace, 'focus'> | undefined): void {
    if (trace === undefined) this.trace = undefined;
    else if (this.trace === undefined || targetKey(trace.target) !== targetKey(this.trace.target))
      this.trace = { ...trace, focus: '1' };
    if (this.study === undefined && this.trace !== undefined) this.#showing = 'trace';
    if (this.trace === undefined) this.#showing = 'study';
  }

  /** For a reload of the window. */
  get state(): DeskState | undefined {
    if (this.study === undefined) return undefined;
    const { folder, session, place } = this.study;
    return { study: folder.file, rater: session.rater, place, paused: this.#paused };
  }

  get presentation(): Presentation | undefined {
    return this.study?.session.find(this.study.place.presentation);
  }

  goTo(presentation: string): void {
    if (this.study === undefined) return;
    const found = this.study.session.find(presentation);
    if (found === undefined) return;
    this.#showing = 'study';
    this.#moveTo(this.study, found, this.#labels(this.study));
  }

  /** Another window, or git, changed the file. @returns whether something new was read */
  refresh(): boolean {
    return [this.study?.file.refresh(), this.trace?.file.refresh()].includes(true);
  }

  /** Does what a key press or a button asks for. What goes wrong is shown; nothing that was said is lost. */
  act(action: AnnotateAction): void {
    this.#problem = undefined;
    try {
      this.#act(action);
    } catch (error) {
      if (!StudyError.is(error) && !RunError.is(error)) throw error;
      const remedy = RunError.is(error, 'disk')
        ? l10n.t('Your labels are kept in this window. Free some space, then press Try again.')
        : error.remedy;
      this.#problem = { message: error.message, ...(remedy === undefined ? {} : { remedy }) };
    }
  }

  #act(action: AnnotateAction): void {
    if (action.do === 'show') {
      this.#showing = action.what === 'trace' && this.trace !== undefined ? 'trace' : 'study';
      return;
    }
    if (action.do === 'retry') {
      this.study?.file.flush();
      this.trace?.file.flush();
      return;
    }
    if (this.#showing === 'trace' && this.trace !== undefined) this.#actOnTrace(this.trace, action);
    else if (this.study !== undefined) this.#actOnStudy(this.study, action);
  }

  #actOnStudy(study: DeskStudy, action: AnnotateAction): void {
    const { session, file } = study;
    const labels = this.#labels(study);
    const at = session.find(study.place.presentation);
    if (at === undefined) return;
    switch (action.do) {
      case 'choose': {
        this.#write(file, session.choose(at, labels, action.aspect, action.position, action.tie));
        if (!action.tie) this.#focus(study, this.#nextAspect(session, at, action.aspect));
        return;
      }
      case 'remark':
        this.#write(
          file,
          session.remark(at, labels, action.aspect, {
            ...(action.reason === undefined ? {} : { reason: action.reason }),
            ...(action.confidence === undefined ? {} : { confidence: action.confidence }),
          }),
        );
        return;
      case 'guess':
        this.#write(file, session.guess(at, action.position));
        return;
      case 'finish': {
        if (session.kind(at) !== 'guess') {
          // Where something is open, that is where the next key belongs.
          if (session.kind(at) === 'compare' && !labels.done.has(at.id))
            this.#focus(study, session.openAspect(at, labels));
          if (!labels.done.has(at.id)) this.#write(file, session.finish(at, labels, this.#elapsed()));
        } else if (!labels.guesses.has(at.id)) throw new StudyError('study', l10n.t('Guess first: press 1, 2, …'));
        const after = this.#labels(study);
        this.#moveTo(study, session.nextOpen(at, after), after);
        return;
      }
      case 'move':
        this.#moveTo(study, session.neighbour(at, action.offset), labels);
        return;
      case 'focus':
        this.#focus(study, action.focus);
        return;
      case 'undo': {
        const last = labels.undoable.at(-1);
        if (last === undefined) return;
        this.#write(file, { kind: 'undo', of: [last.id] });
        // Back to where it was done.
        const was = 'presentation' in last ? session.find(last.presentation) : at;
        if (was !== undefined && was !== at) this.#moveTo(study, was, this.#labels(study));
        if (last.kind === 'choice') this.#focus(study, last.aspect);
        return;
      }
      case 'pause':
        if (action.paused === this.#paused) return;
        if (action.paused) this.#spent = this.#elapsed();
        this.#paused = action.paused;
        this.#since = this.#now();
        return;
      default:
        this.#judge(file, { study: session.plan.name, candidate: at.order[0] ?? '' }, labels, action, (focus) => {
          this.#focus(study, focus);
        });
    }
  }

  #actOnTrace(trace: DeskTrace, action: AnnotateAction): void {
    const labels = foldLabels(trace.file.records(), undefined);
    if (action.do === 'focus') trace.focus = action.focus;
    else if (action.do === 'undo') {
      // Only what was said of this trajectory: the last label of another one may be long ago.
      const last = labels.undoable.findLast((r) => 'target' in r && targetKey(r.target) === targetKey(trace.target));
      if (last !== undefined) this.#write(trace.file, { kind: 'undo', of: [last.id] });
    } else
      this.#judge(trace.file, trace.target, labels, action, (focus) => {
        trace.focus = focus;
      });
  }

  #judge(
    file: AnnotatorFile,
    target: Target,
    labels: Labels,
    action: AnnotateAction,
    focus: (focus: string) => void,
  ): void {
    const made = judgementOf(target, this.#stepsOf(target), labels.targets.get(targetKey(target)), action);
    if (made === undefined) return;
    this.#write(file, made.draft);
    if (made.focus !== undefined) focus(made.focus);
  }

  #stepsOf(target: Target): readonly { thought: string; tool: string; argument: string }[] {
    if (!('study' in target)) return this.trace?.trajectory.steps ?? [];
    const at = this.presentation;
    if (at === undefined || this.study === undefined) return [];
    const candidate = this.study.session.item(at).candidates.find((c) => c.id === target.candidate);
    return (candidate?.steps ?? []).map((s) => ({ thought: s.thought, tool: s.action, argument: s.argument }));
  }

  #write(file: AnnotatorFile, draft: LabelDraft): void {
    file.append(draft);
  }

  #labels({ session, file }: DeskStudy): Labels {
    return foldLabels(file.records(), session.plan.name);
  }

  #nextAspect(session: StudySession, at: Presentation, aspect: string): string {
    const aspects = session.aspects(at);
    const index = aspects.findIndex((a) => a.id === aspect);
    return aspects[Math.min(index + 1, aspects.length - 1)]?.id ?? aspect;
  }

  #focus(study: DeskStudy, focus: string): void {
    study.place = { ...study.place, focus };
  }

  #moveTo(study: DeskStudy, to: Presentation, labels: Labels): void {
    if (!study.session.mayOpen(to, labels))
      throw new StudyError('study', l10n.t('The last questions come when all else is done.'));
    if (to.id === study.place.presentation) return;
    const focus = study.session.kind(to) === 'single' ? '1' : study.session.openAspect(to, labels);
    study.place = { presentation: to.id, focus };
    this.#restartClock();
  }

  #restartClock(): void {
    this.#spent = 0;
    this.#since = this.#now();
  }

  #elapsed(): number {
    return this.#spent + (this.#paused ? 0 : this.#now() - this.#since);
  }

  /** All that the panel shows. */
  snapshot(studies: number): AnnotateSnapshot {
    return deskSnapshot({
      study: this.study,
      trace: this.trace,
      showing: this.#showing,
      paused: this.#paused,
      problem: this.#problem,
      studies,
    });
  }
}
