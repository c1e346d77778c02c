import {
  effective,
  targetKey,
  type Choice,
  type Comment,
  type Correction,
  type Done,
  type Guess,
  type Judgement,
  type LabelRecord,
  type Verdict,
} from './records.ts';

/** What holds after all records of one annotator for one study, or for trajectories of runs. */
export interface Labels {
  /** The commitment that was there when the annotator began. */
  readonly opened: string | undefined;
  /** By presentation, then by aspect. */
  readonly choices: ReadonlyMap<string, ReadonlyMap<string, Choice>>;
  readonly done: ReadonlyMap<string, Done>;
  readonly guesses: ReadonlyMap<string, Guess>;
  readonly targets: ReadonlyMap<string, TargetLabels>;
  /** Records that `undo` can take back, oldest first. */
  readonly undoable: readonly LabelRecord[];
}

export interface TargetLabels {
  /** By step. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
  readonly judgement: Judgement | undefined;
  /** By step. */
  readonly corrections: ReadonlyMap<number, Correction>;
  readonly comments: readonly Comment[];
}

interface Building {
  verdicts: Map<number, Verdict>;
  judgement: Judgement | undefined;
  corrections: Map<number, Correction>;
  comments: Comment[];
}

/** @param study only what belongs to this study; undefined for what belongs to runs */
export function foldLabels(records: readonly LabelRecord[], study: string | undefined): Labels {
  const choices = new Map<string, Map<string, Choice>>();
  const done = new Map<string, Done>();
  const guesses = new Map<string, Guess>();
  const targets = new Map<string, Building>();
  const undoable: LabelRecord[] = [];
  let opened: string | undefined;
  for (const record of effective(records)) {
    if (studyOf(record) !== study) continue;
    if (record.kind !== 'opened' && record.kind !== 'comment') undoable.push(record);
    switch (record.kind) {
      case 'opened':
        opened ??= record.commitment;
        break;
      case 'choice': {
        const ofItem = choices.get(record.presentation) ?? new Map<string, Choice>();
        choices.set(record.presentation, ofItem.set(record.aspect, record));
        break;
      }
      case 'done':
        done.set(record.presentation, record);
        break;
      case 'guess':
        guesses.set(record.presentation, record);
        break;
      case 'undo':
        break;
      default: {
        const key = targetKey(record.target);
        const of: Building = targets.get(key) ?? {
          verdicts: new Map(),
          judgement: undefined,
          corrections: new Map(),
          comments: [],
        };
        targets.set(key, of);
        if (record.kind === 'verdict') of.verdicts.set(record.step, record);
        else if (record.kind === 'judgement') of.judgement = record;
        else if (record.kind === 'correction') of.corrections.set(record.step, record);
        else of.comments.push(record);
      }
    }
  }
  return {
    opened,
    choices,
    done,
    guesses,
    targets,
    undoable,
  };
}

function studyOf(record: LabelRecord): string | undefined {
  if ('study' in record) return record.study;
  return 'target' in record && 'study' in record.target ? record.target.study : undefined;
}
