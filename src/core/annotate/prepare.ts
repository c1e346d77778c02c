import * as z from 'zod';
import { createRandom, type Random } from '../run/random.ts';
import type { Trajectory } from '../trajectory/trajectory.ts';
import { latinOrders } from './latinSquare.ts';
import { neutralise } from './neutral.ts';
import { Aspect, StudyError, type Study } from './study.ts';

/**
 * Blind preparation (research: methods 5.3). Three things come of it: the items, which hold trajectories under names
 * that mean nothing; the plan, which says who judges what in which order; and the key, which says whose each
 * trajectory is. The key stays with the researcher; its hash is written down before the first label.
 */

/** A run's trajectory that a candidate was made of. */
export const Origin = z.object({
  run: z.string(),
  item: z.string(),
  hash: z.string(),
  /** Which of its steps, from 1 on, each step of the candidate was: reflection is left out. */
  steps: z.array(z.number().int().positive()),
});
export type Origin = z.infer<typeof Origin>;

/** A method's trajectory for a question, with what the automatic evaluation said of it. */
export interface SourceTrajectory {
  readonly method: string;
  /** The question as asked; methods are matched by it. */
  readonly question: string;
  readonly level: string;
  /** Where it comes from: a run's item, or a line of an imported file. */
  readonly source: string;
  readonly trajectory: Trajectory;
  readonly correct?: boolean;
  readonly score?: number;
  /** Where a run's trajectory is, and the hash of its content, so that labels can go back to it. */
  readonly origin?: Omit<Origin, 'steps'>;
}

const NeutralStepRecord = z.object({
  thought: z.string(),
  action: z.string(),
  argument: z.string(),
  observation: z.string(),
  continued: z.literal(true).optional(),
});

/** A line of `items.jsonl`. */
export const StudyItem = z.object({
  id: z.string(),
  question: z.string(),
  candidates: z.array(z.object({ id: z.string(), finished: z.boolean(), steps: z.array(NeutralStepRecord) })),
});
export type StudyItem = z.infer<typeof StudyItem>;

/** One thing to judge: a question with the candidates that are compared. */
export const Presentation = z.object({
  id: z.string(),
  /** What is the same thing for every annotator: labels of one unit are compared with each other. */
  unit: z.string(),
  item: z.string(),
  /** Candidates by position: the first is shown as A. */
  order: z.array(z.string()),
  /** Only these aspects, in adjudication. */
  aspects: z.array(z.string()).optional(),
});
export type Presentation = z.infer<typeof Presentation>;

/** `plan.json`: all that a panel needs, and nothing that tells a method. */
export const StudyPlan = z.object({
  version: z.literal(1),
  name: z.string(),
  instructions: z.string(),
  design: z.enum(['n-way', 'pairwise', 'single']),
  aspects: z.array(Aspect),
  confidence: z.boolean(),
  audit: z.string(),
  adjudicator: z.string().optional(),
  raters: z.array(z.object({ name: z.string(), presentations: z.array(Presentation), guesses: z.array(Presentation) })),
});
export type StudyPlan = z.infer<typeof StudyPlan>;

/** The sealed part, revealed when the labels are in. Its text's SHA-256 is the commitment. */
export const StudyKey = z.object({
  version: z.literal(1),
  name: z.string(),
  seed: z.string(),
  itemsSha256: z.string(),
  planSha256: z.string(),
  methods: z.array(z.object({ id: z.string(), title: z.string() })),
  auditMethod: z.string(),
  /** The study as it was when it was sealed; keys of old versions have none. */
  study: z.unknown().optional(),
  candidates: z.record(
    z.string(),
    z.object({
      method: z.string(),
      item: z.string(),
      source: z.string(),
      finished: z.boolean(),
      correct: z.boolean().optional(),
      score: z.number().optional(),
      origin: Origin.optional(),
    }),
  ),
  levels: z.record(z.string(), z.string()),
});
export type StudyKey = z.infer<typeof StudyKey>;

export interface PreparedStudy {
  readonly items: readonly StudyItem[];
  readonly plan: StudyPlan;
  /** Without the hashes, which whoever writes the files adds. */
  readonly key: Omit<StudyKey, 'itemsSha256' | 'planSha256'>;
  readonly report: {
    readonly questions: number;
    /** Questions that some method did not answer. */
    readonly incomplete: number;
    readonly unfinished: number;
    readonly tellsRemoved: number;
  };
}

/** Repeats come at least this many presentations after the first time, where there are so many. */
const repeatDistance = 8;

/**
 * Draws questions, gives candidates names that mean nothing, and makes each annotator's list. The same seed and sources
 * give the same result, so that whoever holds the seed can make it again.
 * @param seed secret until it is revealed; 128 random bits or more, so that it cannot be guessed
 * @throws StudyError `data`
 */
export function prepareStudy(study: Study, sources: readonly SourceTrajectory[], seed: string): PreparedStudy {
  const random = createRandom(seed).fork(study.name);
  const { chosen, incomplete, unfinished } = chooseQuestions(study, sources, random.fork('questions'));
  const tells = study.methods
    .flatMap((m) => [m.id, m.title, m.run, m.system, m.folder])
    .filter((t) => t !== undefined && isName(t)) as string[];
  const ids = opaqueIds(chosen.length * study.methods.length, random.fork('ids'));
  const items: StudyItem[] = [];
  const candidates: StudyKey['candidates'] = {};
  const levels: Record<string, string> = {};
  let tellsRemoved = 0;
  for (const [at, { question, level, byMethod }] of chosen.entries()) {
    const item = `q${String(at + 1).padStart(3, '0')}`;
    levels[item] = level;
    const made = study.methods.map(({ id: method }) => {
      const source = byMethod.get(method) as SourceTrajectory;
      const neutral = neutralise(source.trajectory, {
        reflections: study.reflections,
        toolNames: study.toolNames,
        tells: [...tells, ...study.tells],
      });
      tellsRemoved += neutral.tellsRemoved;
      const id = ids.pop() as string;
      candidates[id] = {
        method,
        item,
        source: source.source,
        finished: source.trajectory.finished,
        ...(source.correct === undefined ? {} : { correct: source.correct }),
        ...(source.score === undefined ? {} : { score: source.score }),
        ...(source.origin === undefined ? {} : { origin: { ...source.origin, steps: [...neutral.sourceSteps] } }),
      };
      return {
        id,
        finished: neutral.trajectory.finished,
        steps: neutral.trajectory.steps.map((step) => ({ ...step })),
      };
    });
    // In the order of the names that mean nothing: the study's own order would tell the method.
    items.push({ id: item, question, candidates: made.sort((a, b) => (a.id < b.id ? -1 : 1)) });
  }
  const units = unitsOf(study, items, candidates);
  const raters = study.raters.map((name, at) => raterPlan(study, name, at, units, random.fork(`rater/${name}`)));
  return {
    items,
    plan: {
      version: 1,
      name: study.name,
      instructions: study.instructions,
      design: study.design,
      aspects: study.aspects,
      confidence: study.confidence,
      audit: study.audit.question,
      ...(study.adjudicator === undefined ? {} : { adjudicator: study.adjudicator }),
      raters,
    },
    key: {
      version: 1,
      name: study.name,
      seed,
      methods: study.methods.map((m) => ({ id: m.id, title: m.title ?? m.id })),
      auditMethod: study.audit.method ?? study.methods[0]?.id ?? '',
      study,
      candidates,
      levels,
    },
    report: { questions: items.length, incomplete, unfinished, tellsRemoved },
  };
}

/** A plain word ("base", "ours") also occurs in questions and pages, where it tells nothing and must stay. */
function isName(text: string): boolean {
  return !/^[A-Z]?[a-z]+$/.test(text);
}

interface Chosen {
  readonly question: string;
  readonly level: string;
  readonly byMethod: ReadonlyMap<string, SourceTrajectory>;
}

function chooseQuestions(
  study: Study,
  sources: readonly SourceTrajectory[],
  random: Random,
): { chosen: Chosen[]; incomplete: number; unfinished: number } {
  const byQuestion = new Map<string, { level: string; question: string; byMethod: Map<string, SourceTrajectory> }>();
  for (const source of sources) {
    const name = source.question.trim().replace(/\s+/g, ' ');
    const known = byQuestion.get(name) ?? {
      level: source.level,
      question: source.question.trim(),
      byMethod: new Map(),
    };
    if (!known.byMethod.has(source.method)) known.byMethod.set(source.method, source);
    byQuestion.set(name, known);
  }
  const complete = [...byQuestion.values()].filter(({ byMethod }) => study.methods.every((m) => byMethod.has(m.id)));
  const finished = complete.filter(({ byMethod }) => [...byMethod.values()].every((s) => s.trajectory.finished));
  const usable = study.questions.finishedOnly ? finished : complete;
  if (usable.length === 0)
    throw new StudyError(
      'data',
      `The methods of study "${study.name}" have no question in common.`,
      'Questions are matched by their text: evaluate the methods on the same questions.',
    );
  const { perLevel } = study.questions;
  const names = [...new Set(usable.map((q) => q.level))];
  const drawn = names.flatMap((level) => {
    const ofLevel = usable.filter((q) => q.level === level);
    return perLevel === undefined ? ofLevel : random.fork(level).sample(ofLevel, perLevel);
  });
  return {
    chosen: random.shuffle(drawn),
    incomplete: byQuestion.size - complete.length,
    unfinished: study.questions.finishedOnly ? complete.length - finished.length : 0,
  };
}

/** Distinct names of six letters and digits. */
function opaqueIds(count: number, random: Random): string[] {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const found = new Set<string>();
  while (found.size < count)
    found.add(`t-${Array.from({ length: 6 }, () => alphabet.charAt(random.int(alphabet.length))).join('')}`);
  return [...found];
}

interface Unit {
  readonly id: string;
  readonly item: string;
  /** By method, so that a Latin square balances methods and not names that mean nothing. */
  readonly candidates: readonly string[];
  /** Units of one group compare the same methods. */
  readonly group: string;
}

function unitsOf(study: Study, items: readonly StudyItem[], candidates: StudyKey['candidates']): Unit[] {
  return items.flatMap(({ id, candidates: own }) => {
    const byMethod = study.methods.map((m) => own.find((c) => candidates[c.id]?.method === m.id)?.id as string);
    if (study.design === 'n-way') return [{ id, item: id, candidates: byMethod, group: '' }];
    if (study.design === 'single')
      return byMethod.map((candidate) => ({
        id: `${id}.${candidate.slice(2)}`,
        item: id,
        candidates: [candidate],
        group: '',
      }));
    return byMethod.flatMap((first, i) =>
      byMethod.slice(i + 1).map((second, j) => {
        const [one = '', other = ''] = [first, second].sort();
        const unit = `${id}.${one.slice(2)}.${other.slice(2)}`;
        return { id: unit, item: id, candidates: [first, second], group: `${i}/${i + 1 + j}` };
      }),
    );
  });
}

function raterPlan(
  study: Study,
  name: string,
  at: number,
  units: readonly Unit[],
  random: Random,
): StudyPlan['raters'][number] {
  const count = study.raters.length;
  const overlap = study.overlap ?? count;
  // Units go round the raters, so that each has `overlap` of them and all have the same load.
  const mine = random
    .fork('order')
    .shuffle(units.filter((_unit, i) => (((at - i * overlap) % count) + count) % count < overlap));
  const repeated = random.fork('repeats').sample(mine, Math.round(study.repeats * mine.length));
  const list = [...mine];
  for (const unit of repeated) {
    const first = list.indexOf(unit);
    const earliest = Math.min(first + repeatDistance, list.length);
    list.splice(earliest + random.int(list.length - earliest + 1), 0, unit);
  }
  const orders = ordersOf(list, random.fork('positions'));
  const audited = study.design === 'single' ? [] : random.fork('guesses').sample(mine, study.audit.items);
  const guessOrders = ordersOf(audited, random.fork('guess positions'));
  const present = (prefix: string, chosen: readonly Unit[], of: readonly string[][]): Presentation[] =>
    chosen.map((unit, i) => ({
      id: `${name}-${prefix}${String(i + 1).padStart(3, '0')}`,
      unit: unit.id,
      item: unit.item,
      order: of[i] ?? [],
    }));
  return { name, presentations: present('', list, orders), guesses: present('guess-', audited, guessOrders) };
}

/** Candidates by position; each group has Latin squares of its own. */
function ordersOf(list: readonly Unit[], random: Random): string[][] {
  const rows = new Map<string, number[][]>();
  for (const group of new Set(list.map((unit) => unit.group))) {
    const own = list.filter((unit) => unit.group === group);
    rows.set(group, latinOrders(own.length, own[0]?.candidates.length ?? 0, random.fork(group)));
  }
  return list.map((unit) => (rows.get(unit.group)?.shift() ?? []).map((index) => unit.candidates[index] as string));
}
