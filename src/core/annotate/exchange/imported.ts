import type * as z from 'zod';
import type { Presentation, StudyPlan } from '../prepare.ts';
import { recordVersion, type Choice, type LabelRecord } from '../records.ts';
import { StudyError } from '../study.ts';

/** A choice as another tool gives it. */
export interface Given {
  readonly rater: string;
  readonly unit: string;
  /** Where it is known, for repeats. */
  readonly presentation?: string;
  readonly aspect: string;
  readonly best: readonly string[];
  readonly reason?: string;
  readonly confidence?: Choice['confidence'];
  readonly t: number;
}

export interface Imported {
  readonly records: ReadonlyMap<string, readonly LabelRecord[]>;
  readonly choices: number;
  /** What was left out, by reason. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Other tools know people by their address. */
export const shortName = (user: string): string => user.split('@')[0] ?? user;

export function notThat(what: string, error: z.ZodError): StudyError {
  const issue = error.issues[0];
  return new StudyError('data', `This is not ${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`);
}

export function toRecords(plan: StudyPlan, given: readonly Given[], hash: (text: string) => string): Imported {
  const records = new Map<string, LabelRecord[]>();
  const refused = new Map<string, number>();
  let choices = 0;
  const refuse = (reason: string): void => {
    refused.set(reason, (refused.get(reason) ?? 0) + 1);
  };
  const finished = new Map<string, { rater: string; presentation: Presentation; aspects: Set<string>; t: number }>();
  const add = (rater: string, record: LabelRecord): void => {
    records.set(rater, [...(records.get(rater) ?? []), record]);
  };
  for (const label of given) {
    const own = plan.raters.find((r) => r.name === label.rater);
    if (own === undefined) {
      refuse(`"${label.rater}" is no rater of the study`);
      continue;
    }
    const presentation = own.presentations.find((p) => p.unit === label.unit && (label.presentation ?? p.id) === p.id);
    if (presentation === undefined) {
      refuse('not on the rater’s list');
      continue;
    }
    if (!plan.aspects.some((a) => a.id === label.aspect)) {
      refuse(`no aspect "${label.aspect}"`);
      continue;
    }
    if (label.best.some((c) => !presentation.order.includes(c))) {
      refuse('a candidate that was not compared');
      continue;
    }
    choices++;
    const { rater, t, best } = label;
    const content = JSON.stringify([
      plan.name,
      presentation.id,
      label.aspect,
      best,
      label.reason ?? '',
      label.confidence ?? '',
    ]);
    add(rater, {
      v: recordVersion,
      id: `${rater}-import-${hash(content).slice(0, 20)}`,
      t,
      rater,
      kind: 'choice',
      study: plan.name,
      presentation: presentation.id,
      unit: presentation.unit,
      aspect: label.aspect,
      best: [...best],
      positions: best.map((c) => presentation.order.indexOf(c)).sort((a, b) => a - b),
      ...(label.confidence === undefined ? {} : { confidence: label.confidence }),
      ...(label.reason === undefined || label.reason === '' ? {} : { reason: label.reason }),
    });
    const state = finished.get(presentation.id) ?? { rater, presentation, aspects: new Set<string>(), t };
    state.aspects.add(label.aspect);
    state.t = Math.max(state.t, t);
    finished.set(presentation.id, state);
  }
  for (const { rater, presentation, aspects, t } of finished.values())
    if (aspects.size === plan.aspects.length)
      add(rater, {
        v: recordVersion,
        id: `${rater}-import-${hash(JSON.stringify([plan.name, presentation.id, 'done'])).slice(0, 20)}`,
        t,
        rater,
        kind: 'done',
        study: plan.name,
        presentation: presentation.id,
        ms: 0,
      });
  return { records, choices, refused };
}
