import * as l10n from '@vscode/l10n';
import { foldLabels } from '../../core/annotate/labels.ts';
import { targetKey } from '../../core/annotate/records.ts';
import type { AnnotatorFile } from '../../node/annotate/annotatorFile.ts';
import type { AnnotateSnapshot } from '../../protocol/annotate.ts';
import type { DeskStudy, DeskTrace } from './labelDesk.ts';
import { shownItem, shownTrace } from './shownItem.ts';

export interface DeskParts {
  readonly study: DeskStudy | undefined;
  readonly trace: DeskTrace | undefined;
  readonly showing: 'study' | 'trace';
  readonly paused: boolean;
  readonly problem: AnnotateSnapshot['problem'];
  /** Prepared studies in the workspace. */
  readonly studies: number;
}

/** All that the panel shows of a desk. */
export function deskSnapshot({ study, trace, showing, paused, problem, studies }: DeskParts): AnnotateSnapshot {
  const base = {
    title: '',
    instructions: '',
    guessQuestion: '',
    confidence: false,
    rater: '',
    progress: { done: 0, total: 0, at: 0 },
    paused: false,
    canUndo: false,
    unsaved: 0,
    notices: [] as string[],
    studies,
    hasStudy: study !== undefined,
    hasTrace: trace !== undefined,
    ...(problem === undefined ? {} : { problem }),
  };
  if (showing === 'trace' && trace !== undefined) {
    const { file, target, trajectory } = trace;
    const labels = foldLabels(file.records(), undefined);
    const own = labels.targets.get(targetKey(target));
    return {
      ...base,
      mode: 'trace',
      title: target.item,
      rater: file.rater,
      canUndo: labels.undoable.some((r) => 'target' in r && targetKey(r.target) === targetKey(target)),
      unsaved: file.unsaved,
      notices: faultsOf(file),
      item: shownTrace(trace.question, trajectory, own, trace.focus),
    };
  }
  const at = study?.session.find(study.place.presentation);
  if (study === undefined || at === undefined) return { ...base, mode: 'empty' };
  const { session, file, place } = study;
  const labels = foldLabels(file.records(), session.plan.name);
  const { done, total, paceMs, leftMs } = session.progress(labels);
  return {
    ...base,
    mode: done === total && session.isDone(at, labels) ? 'finished' : 'study',
    title: session.plan.name,
    instructions: session.plan.instructions,
    guessQuestion: session.plan.audit,
    confidence: session.plan.confidence,
    rater: session.rater,
    progress: {
      done,
      total,
      at: session.list.indexOf(at) + 1,
      ...(paceMs === undefined ? {} : { paceMs }),
      ...(leftMs === undefined ? {} : { leftMs }),
    },
    paused: paused,
    canUndo: labels.undoable.length > 0,
    unsaved: file.unsaved,
    notices: faultsOf(file),
    item: shownItem(session, at, labels, place.focus),
  };
}

function faultsOf(file: AnnotatorFile): string[] {
  const { damaged, newer } = file.faults;
  return [
    ...(damaged.length === 0
      ? []
      : [
          l10n.t(
            'Line {0} of {1}.jsonl cannot be read and is left out. All other labels are here.',
            damaged.join(', '),
            file.rater,
          ),
        ]),
    ...(newer === 0
      ? []
      : [l10n.t('{0} labels were written by a newer version of the extension and are not shown.', newer)]),
  ];
}
