import * as l10n from '@vscode/l10n';
import type { Labels, TargetLabels } from '../../core/annotate/labels.ts';
import type { Presentation } from '../../core/annotate/prepare.ts';
import type { StudySession } from '../../core/annotate/session.ts';
import { visible } from '../../core/trajectory/visible.ts';
import type { Trajectory } from '../../core/trajectory/trajectory.ts';
import type { ShownItem, ShownStep } from '../../protocol/annotate.ts';

/** What the panel gets of an item. Of a study's candidates it gets no more than their steps, by position. */

export function shownItem(session: StudySession, at: Presentation, labels: Labels, focus: string): ShownItem {
  const item = session.item(at);
  const kind = session.kind(at);
  const chosen = labels.choices.get(at.id);
  const own = labels.targets.get(`${session.plan.name}:${at.order[0] ?? ''}`);
  const guess = labels.guesses.get(at.id);
  return {
    id: at.id,
    kind,
    question: item.question,
    candidates: at.order.map((id) => {
      const candidate = item.candidates.find((c) => c.id === id);
      const steps = (candidate?.steps ?? []).map(({ thought, action, argument, observation, continued }) => ({
        thought,
        action,
        argument,
        observation,
        continued: continued === true,
      }));
      return { finished: candidate?.finished ?? false, steps: withLabels(steps, kind === 'single' ? own : undefined) };
    }),
    aspects:
      kind === 'compare'
        ? session.aspects(at).map(({ id, title, rubric, anchors }) => {
            const choice = chosen?.get(id);
            return {
              id,
              title,
              rubric,
              anchors,
              best: choice?.positions ?? [],
              answered: choice !== undefined,
              reason: choice?.reason ?? '',
              ...(choice?.confidence === undefined ? {} : { confidence: choice.confidence }),
            };
          })
        : [],
    focus: kind === 'single' && !/^\d+$/.test(focus) ? '1' : focus,
    done: session.isDone(at, labels),
    ...(kind === 'single' && own?.judgement !== undefined ? { accepted: own.judgement.accepted } : {}),
    ...(guess === undefined ? {} : { guess: Math.max(0, at.order.indexOf(guess.candidate)) }),
  };
}

/** The trace that is open: nothing is hidden here, so who acted is shown. */
export function shownTrace(
  question: string,
  trajectory: Trajectory,
  own: TargetLabels | undefined,
  focus: string,
): ShownItem {
  return {
    id: 'trace',
    kind: 'single',
    question,
    candidates: [
      {
        finished: trajectory.finished,
        steps: withLabels(
          trajectory.steps.map(({ thought, tool, argument, observation, by }) => ({
            thought: visible(thought),
            action: visible(tool),
            argument: visible(argument),
            observation: visible(observation),
            continued: false,
            by: by === 'reflect' ? l10n.t('Reflect agent') : l10n.t('Plan agent'),
          })),
          own,
        ),
      },
    ],
    aspects: [],
    focus,
    done: own?.judgement !== undefined,
    ...(own?.judgement === undefined ? {} : { accepted: own.judgement.accepted }),
  };
}

function withLabels(
  steps: readonly Omit<ShownStep, 'reason' | 'cutOff' | 'verdict' | 'correction'>[],
  own: TargetLabels | undefined,
): ShownStep[] {
  const forked = Math.min(...(own?.corrections.keys() ?? []));
  return steps.map((step, i) => {
    const verdict = own?.verdicts.get(i + 1);
    const correction = own?.corrections.get(i + 1);
    return {
      ...step,
      reason: verdict?.reason ?? '',
      cutOff: i + 1 > forked,
      ...(verdict === undefined ? {} : { verdict: verdict.verdict }),
      ...(correction === undefined ? {} : { correction: correction.after }),
    };
  });
}
