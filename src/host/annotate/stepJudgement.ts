import * as l10n from '@vscode/l10n';
import { correct } from '../../core/annotate/judgements.ts';
import type { TargetLabels } from '../../core/annotate/labels.ts';
import type { LabelDraft, Target } from '../../core/annotate/records.ts';
import { StudyError } from '../../core/annotate/study.ts';
import type { AnnotateAction } from '../../protocol/annotate.ts';

export interface StepJudgement {
  readonly draft: LabelDraft;
  /** Step that comes next, from 1 on. */
  readonly focus?: string;
}

/**
 * What an action says of one trajectory; undefined when it is no judgement, or of a step that is not there.
 * @param steps as they are shown
 * @param own what the annotator said of it so far
 * @throws StudyError `study`
 */
export function judgementOf(
  target: Target,
  steps: readonly { readonly thought: string; readonly tool: string; readonly argument: string }[],
  own: TargetLabels | undefined,
  action: AnnotateAction,
): StepJudgement | undefined {
  if (action.do === 'judge') return { draft: { kind: 'judgement', target, accepted: action.accepted } };
  const step = 'step' in action ? steps[action.step - 1] : undefined;
  if (step === undefined) return undefined;
  switch (action.do) {
    case 'verdict': {
      const reason = own?.verdicts.get(action.step)?.reason;
      const kept = reason === undefined ? {} : { reason };
      return {
        draft: { kind: 'verdict', target, step: action.step, verdict: action.verdict, ...kept },
        focus: String(Math.min(action.step + 1, steps.length)),
      };
    }
    case 'stepReason': {
      const verdict = own?.verdicts.get(action.step)?.verdict;
      if (verdict === undefined) throw new StudyError('study', l10n.t('Judge the step first, then say why.'));
      const { step: number, reason } = action;
      return { draft: { kind: 'verdict', target, step: number, verdict, ...(reason === '' ? {} : { reason }) } };
    }
    case 'correct': {
      const { thought, tool, argument } = action;
      const draft = correct(target, action.step, step, { thought, tool, argument });
      if (draft === undefined)
        throw new StudyError(
          'study',
          l10n.t('The step is as it was, or lacks a thought or a tool.'),
          l10n.t('Change it, or press Escape.'),
        );
      return { draft, focus: String(action.step) };
    }
    default:
      return undefined;
  }
}
