/** Invented trajectories of methods and a study over them, for tests of everything that works on studies. */
import { foldLabels, type Labels } from '../../../src/core/annotate/labels.ts';
import {
  prepareStudy,
  type PreparedStudy,
  type SourceTrajectory,
  type StudyKey,
} from '../../../src/core/annotate/prepare.ts';
import type { LabelDraft, LabelRecord } from '../../../src/core/annotate/records.ts';
import { StudySession } from '../../../src/core/annotate/session.ts';
import { Study } from '../../../src/core/annotate/study.ts';
import type { Trajectory } from '../../../src/core/trajectory/trajectory.ts';

export const trajectory = (answer: string, steps = 2): Trajectory => ({
  steps: [
    ...Array.from({ length: steps - 1 }, (_unused, i) => ({
      thought: `I need page ${i + 1} of the archive.`,
      tool: 'Retrieve',
      argument: `page ${i + 1}`,
      observation: `Page ${i + 1} names ${answer}.`,
      by: 'plan' as const,
      parse: 'ok' as const,
      outcome: 'hit' as const,
    })),
    {
      thought: `So it is ${answer}.`,
      tool: 'Finish',
      argument: answer,
      observation: 'The answer is noted.',
      by: 'plan' as const,
      parse: 'ok' as const,
      outcome: 'loop' as const,
    },
  ],
  answer,
  answers: [{ text: answer, step: steps }],
  finished: true,
});

export const methods = ['alpha', 'beta', 'gamma', 'delta'];

export function sources(questions: number, of: readonly string[] = methods): SourceTrajectory[] {
  return of.flatMap((method, m) =>
    Array.from({ length: questions }, (_unused, q) => ({
      method,
      question: `Who wrote book ${q}?`,
      level: q % 2 === 0 ? 'easy' : 'hard',
      source: `run/${method}/${q}`,
      trajectory: trajectory(`Person ${(q + m) % 7}`, 2 + ((q + m) % 3)),
      correct: (q + m) % 2 === 0,
      score: (q + m) % 2,
    })),
  );
}

export function study(changes: Record<string, unknown> = {}): Study {
  return Study.parse({
    name: 'demo',
    methods: methods.map((id) => ({ id, run: 'r-1', system: id })),
    raters: ['ann', 'ben', 'cleo', 'dan', 'eve'],
    repeats: 0,
    aspects: [{ id: 'coherence', title: 'Coherence', rubric: 'One line of reasoning.' }],
    ...changes,
  });
}

export function prepared(
  questions: number,
  changes: Record<string, unknown> = {},
  seed = 'secret',
): PreparedStudy & { key: StudyKey } {
  const definition = study(changes);
  const made = prepareStudy(
    definition,
    sources(
      questions,
      definition.methods.map((m) => m.id),
    ),
    seed,
  );
  return { ...made, key: { ...made.key, itemsSha256: '', planSha256: '' } };
}

/** Writes one rater's records as the store would. */
export class Writer {
  readonly rater: string;
  readonly records: LabelRecord[] = [];

  constructor(rater: string) {
    this.rater = rater;
  }

  add(...drafts: LabelDraft[]): this {
    for (const draft of drafts) {
      const n = this.records.length + 1;
      this.records.push({ v: 1, id: `${this.rater}-${n}`, t: n, rater: this.rater, ...draft });
    }
    return this;
  }
}

/** Labels of all raters where `best` says which methods each holds for the best of a question. */
export function labelled(
  made: PreparedStudy & { key: StudyKey },
  best: (rater: string, question: string, repeat: boolean) => readonly string[] | undefined,
): Map<string, Labels> {
  const labels = new Map<string, Labels>();
  for (const { name, presentations } of made.plan.raters) {
    const session = new StudySession(made.plan, made.items, name);
    const writer = new Writer(name);
    presentations.forEach((presentation, i) => {
      const question = session.item(presentation).question;
      const repeat = presentations.slice(0, i).some((p) => p.unit === presentation.unit);
      const chosen = best(name, question, repeat);
      if (chosen === undefined) return;
      for (const { id: aspect } of made.plan.aspects) {
        const positions = presentation.order.flatMap((c, at) =>
          chosen.includes(made.key.candidates[c]?.method ?? '') ? [at] : [],
        );
        const fold = (): Labels => foldLabels(writer.records, made.plan.name);
        if (positions.length === 0) writer.add(session.choose(presentation, fold(), aspect, -1, false));
        for (const [n, at] of positions.entries()) writer.add(session.choose(presentation, fold(), aspect, at, n > 0));
      }
      writer.add(session.finish(presentation, foldLabels(writer.records, made.plan.name), 5000));
    });
    labels.set(name, foldLabels(writer.records, made.plan.name));
  }
  return labels;
}
