import * as l10n from '@vscode/l10n';
import type { StepVerdict } from '../core/annotate/records.ts';
import type { JobSummary } from '../core/box/boxStatus.ts';
import { partlyDone } from '../core/run/partlyDone.ts';
import type { RunStatus, StageId, StageState } from '../core/run/status.ts';
import type { Outcome } from '../core/trajectory/summary.ts';

/**
 * The few fixed words of core that views and panels show: core knows no language, and writes its own into files. In the
 * host `setLanguage.ts` and in a panel `kit/language.ts` have handed `@vscode/l10n` the editor's bundle.
 */

export function stageName(stage: StageId): string {
  const names: Readonly<Record<StageId, string>> = {
    selfInstruct: l10n.t('Self-instruct'),
    toolSelection: l10n.t('Tool selection'),
    synthesis: l10n.t('Trajectory synthesis'),
    filter: l10n.t('Filtering'),
    training: l10n.t('Self-differentiation'),
    evaluation: l10n.t('Evaluation'),
    report: l10n.t('Report'),
  };
  return names[stage];
}

/** A state of a run, a stage or a job on a box. */
export type State = RunStatus['state'] | StageState | JobSummary['state'];

export function stateName(state: State): string {
  const names: Readonly<Record<State, string>> = {
    pending: l10n.t('pending'),
    waiting: l10n.t('waiting'),
    running: l10n.t('running'),
    done: l10n.t('done'),
    finished: l10n.t('finished'),
    failed: l10n.t('failed'),
    cancelled: l10n.t('cancelled'),
    interrupted: l10n.t('interrupted'),
    skipped: l10n.t('skipped'),
    vanished: l10n.t('vanished'),
    unreadable: l10n.t('unreadable'),
  };
  return names[state];
}

/** How a run stands: its state, or which stage it has come to and which one waits. */
export function runStateName(status: Pick<RunStatus, 'state' | 'stages'>): string {
  const part = partlyDone(status);
  return part === undefined
    ? stateName(status.state)
    : l10n.t('{0} done, {1} waiting', stageName(part.last), stageName(part.next));
}

/** How a trajectory ended. */
export function outcomeName(outcome: Outcome): string {
  const names: Readonly<Record<Outcome, string>> = {
    right: l10n.t('right'),
    'partly right': l10n.t('partly right'),
    wrong: l10n.t('wrong'),
    'not scored': l10n.t('not scored'),
    failed: l10n.t('failed'),
    open: l10n.t('open'),
    unreadable: l10n.t('unreadable'),
  };
  return names[outcome];
}

/** An annotator's verdict on a step. */
export function verdictName(verdict: StepVerdict): string {
  const names: Readonly<Record<StepVerdict, string>> = {
    good: l10n.t('Good'),
    'wrong-tool': l10n.t('Wrong tool'),
    'wrong-argument': l10n.t('Wrong argument'),
    'unsupported-thought': l10n.t('Unsupported thought'),
    'ignored-evidence': l10n.t('Ignored evidence'),
    needless: l10n.t('Needless step'),
    'wrong-answer': l10n.t('Wrong answer'),
    other: l10n.t('Something else'),
  };
  return names[verdict];
}

export type Confidence = 'low' | 'medium' | 'high';

/** How sure an annotator is. */
export function confidenceName(confidence: Confidence): string {
  const names: Readonly<Record<Confidence, string>> = {
    low: l10n.t('low'),
    medium: l10n.t('medium'),
    high: l10n.t('high'),
  };
  return names[confidence];
}
