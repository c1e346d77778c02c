import { quantileSorted } from '../evaluate/describe.ts';
import { wilson, type RandomSource } from '../evaluate/intervals.ts';
import { holm, mcnemarExact } from '../evaluate/significance.ts';
import { fleissKappa, krippendorffAlpha, withInterval, type Agreement, type ItemRatings } from './agreement.ts';
import {
  blindingAudit,
  positionBias,
  repeatConsistency,
  type Audit,
  type Consistency,
  type PositionBias,
} from './checks.ts';
import { evenWinsTest } from './distributions.ts';
import type { Labels } from './labels.ts';
import type { Presentation, StudyKey, StudyPlan } from './prepare.ts';
import type { Aspect, TiePolicy } from './study.ts';
import { withStrengths } from './studyRanking.ts';
import { decide, type Outcome, type Vote } from './votes.ts';

/** What came of a study: winners, win rates, agreement, and whether the labels can be believed. */

export interface WinRate {
  readonly method: string;
  readonly title: string;
  /** May have a fraction under the policy split. */
  readonly wins: number;
  /** Units that were decided and in which this method was compared. */
  readonly decided: number;
  readonly all: number;
  /** wins / decided, and over all units. Undefined where nothing was decided. */
  readonly rate: number | undefined;
  readonly rateOfAll: number | undefined;
  readonly low?: number;
  readonly high?: number;
  /** Units in which it had more votes than any other. */
  readonly plurality: number;
  /** Where more than two methods are compared: its share of all strength by Luce's choice axiom, from single votes. */
  readonly strength?: Strength;
}

export interface Strength {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

export interface PairTest {
  readonly first: string;
  readonly second: string;
  readonly firstWins: number;
  readonly secondWins: number;
  readonly p: number;
  readonly holm?: number;
}

export interface AspectResult {
  readonly aspect: string;
  readonly title: string;
  readonly units: number;
  readonly decided: number;
  readonly undecided: number;
  readonly winRates: readonly WinRate[];
  /** Whether wins are spread as by chance; undefined where nothing was decided by one winner. */
  readonly evenP: number | undefined;
  readonly pairs: readonly PairTest[];
  readonly kappa: Agreement;
  readonly alpha: Agreement;
  /** Win rates where the automatic score found every compared trajectory right. */
  readonly allCorrect: { readonly units: number; readonly winRates: readonly WinRate[] } | undefined;
}

export interface Disagreement {
  readonly unit: string;
  readonly item: string;
  readonly aspect: string;
  /** Votes by candidate: whoever adjudicates stays blind. */
  readonly votes: Readonly<Record<string, number>>;
}

export interface StudyAnalysis {
  readonly name: string;
  readonly design: StudyPlan['design'];
  readonly ties: TiePolicy;
  readonly raters: readonly {
    readonly name: string;
    readonly done: number;
    readonly total: number;
    readonly paceMs: number | undefined;
  }[];
  readonly methods: StudyKey['methods'];
  readonly aspects: readonly AspectResult[];
  readonly positions: readonly PositionBias[];
  readonly consistency: Consistency;
  readonly audit: Audit;
  readonly disagreements: readonly Disagreement[];
  readonly warnings: readonly string[];
}

export interface AnalysisInput {
  readonly plan: StudyPlan;
  readonly key: StudyKey;
  readonly ties: TiePolicy;
  /** Labels by rater; the adjudicator's among them. */
  readonly labels: ReadonlyMap<string, Labels>;
  /** An independent stream for each purpose. */
  readonly random: (purpose: string) => RandomSource;
  readonly resamples?: number;
}

/** What one unit's raters said on one aspect. */
export interface UnitVotes {
  readonly unit: Presentation;
  readonly methods: readonly string[];
  readonly ratings: readonly Vote[];
  readonly outcome: Outcome;
}

export function analyseStudy(input: AnalysisInput): StudyAnalysis {
  const { plan, key, labels } = input;
  const compared = plan.design !== 'single';
  const aspects = compared ? plan.aspects.map((aspect) => ({ aspect, units: unitVotes(input, aspect.id) })) : [];
  const results = aspects.map(({ aspect, units }) => aspectResult(input, aspect, units));
  const tests = results.flatMap((r) => r.pairs);
  const adjusted = holm(tests.map((t) => (t.firstWins + t.secondWins === 0 ? undefined : t.p)));
  let at = 0;
  return {
    name: plan.name,
    design: plan.design,
    ties: input.ties,
    raters: plan.raters.map(({ name, presentations }) => {
      const done = [...(labels.get(name)?.done.values() ?? [])];
      const times = done.map((d) => d.ms).sort((a, b) => a - b);
      return { name, done: done.length, total: presentations.length, paceMs: quantileSorted(times, 0.5) };
    }),
    methods: key.methods,
    aspects: results.map((r) => ({
      ...r,
      pairs: r.pairs.map((pair) => {
        const p = adjusted[at++];
        return p === undefined ? pair : { ...pair, holm: p };
      }),
    })),
    positions: compared ? positionBias(plan, labels) : [],
    consistency: repeatConsistency(plan, labels),
    audit: blindingAudit(plan, key, labels),
    disagreements: aspects.flatMap(({ aspect, units }) =>
      units
        .filter((u) => u.outcome.majority === undefined && u.ratings.length > 1)
        .map((u) => disagreement(aspect.id, u, key)),
    ),
    warnings: warningsOf(input),
  };
}

/** Units without a majority on an aspect, for adjudication. Needs no key, so that the adjudicator's editor can make it. */
export function openDisagreements(
  plan: StudyPlan,
  labels: ReadonlyMap<string, Labels>,
): readonly {
  readonly unit: string;
  readonly item: string;
  readonly order: readonly string[];
  readonly aspects: readonly string[];
}[] {
  return firstPresentations(plan).flatMap((unit) => {
    const aspects = plan.aspects.filter(({ id }) => {
      const ratings = ratingsOf(plan, labels, unit.unit, id, (candidate) => candidate);
      return ratings.length > 1 && decide(unit.order, ratings, 'none').majority === undefined;
    });
    return aspects.length === 0
      ? []
      : [{ unit: unit.unit, item: unit.item, order: unit.order, aspects: aspects.map((a) => a.id) }];
  });
}

/** One presentation of each unit, in the order of the units. */
function firstPresentations(plan: StudyPlan): Presentation[] {
  const units = new Map<string, Presentation>();
  for (const { presentations } of plan.raters)
    for (const p of presentations) if (!units.has(p.unit)) units.set(p.unit, p);
  return [...units.values()].sort((a, b) => (a.unit < b.unit ? -1 : 1));
}

function ratingsOf(
  plan: StudyPlan,
  labels: ReadonlyMap<string, Labels>,
  unit: string,
  aspect: string,
  name: (candidate: string) => string,
): Vote[] {
  return plan.raters.flatMap(({ name: rater, presentations }) => {
    // A repeated unit counts by its first time.
    const first = presentations.find((p) => p.unit === unit);
    const choice = first === undefined ? undefined : labels.get(rater)?.choices.get(first.id)?.get(aspect);
    if (first === undefined || choice === undefined || labels.get(rater)?.done.has(first.id) !== true) return [];
    return [{ rater, best: choice.best.filter((c) => first.order.includes(c)).map(name) }];
  });
}

function unitVotes(input: AnalysisInput, aspect: string): UnitVotes[] {
  const { plan, key, labels, ties } = input;
  const methodOf = (candidate: string): string => key.candidates[candidate]?.method ?? candidate;
  const adjudicated = plan.adjudicator === undefined ? undefined : labels.get(plan.adjudicator);
  return firstPresentations(plan).flatMap((unit) => {
    const ratings = ratingsOf(plan, labels, unit.unit, aspect, methodOf);
    if (ratings.length === 0) return [];
    const methods = unit.order.map(methodOf);
    const ruling = [...(adjudicated?.choices.values() ?? [])]
      .map((byAspect) => byAspect.get(aspect))
      .find((choice) => choice?.unit === unit.unit);
    return [{ unit, methods, ratings, outcome: decide(methods, ratings, ties, ruling?.best.map(methodOf)) }];
  });
}

function aspectResult(input: AnalysisInput, aspect: Aspect, units: readonly UnitVotes[]): AspectResult {
  const { key, random, resamples = 10_000 } = input;
  const decided = units.filter((u) => u.outcome.wins.size > 0);
  const won = decided.filter((u) => u.outcome.wins.size === 1);
  const wins = new Map<string, number>();
  for (const { outcome } of won) for (const [method] of outcome.wins) wins.set(method, (wins.get(method) ?? 0) + 1);
  const items: ItemRatings[] = units.map((u) => u.ratings.map((r) => (r.best.length === 0 ? ['(none)'] : r.best)));
  const correct = units.filter((u) => u.unit.order.every((candidate) => key.candidates[candidate]?.correct === true));
  const scored = units.some((u) => u.unit.order.some((candidate) => key.candidates[candidate]?.correct !== undefined));
  const purpose = (what: string): RandomSource => random(`${aspect.id}/${what}`);
  return {
    aspect: aspect.id,
    title: aspect.title,
    units: units.length,
    decided: decided.length,
    undecided: units.length - decided.length,
    winRates: withStrengths(key, units, winRates(key, units, purpose('win rates'), resamples), purpose('strengths')),
    evenP: evenWinsTest(
      wins,
      won.map((u) => u.methods),
      purpose('even'),
      resamples,
    ),
    pairs: pairTests(key, units),
    kappa: withInterval(items, fleissKappa, purpose('kappa'), Math.min(resamples, 1000)),
    alpha: withInterval(items, krippendorffAlpha, purpose('alpha'), Math.min(resamples, 1000)),
    allCorrect: scored
      ? { units: correct.length, winRates: winRates(key, correct, purpose('all correct'), resamples) }
      : undefined,
  };
}

/** Intervals: questions are drawn again, each with all of its units and raters. */
function winRates(key: StudyKey, units: readonly UnitVotes[], random: RandomSource, resamples: number): WinRate[] {
  const byQuestion = new Map<string, UnitVotes[]>();
  for (const unit of units) byQuestion.set(unit.unit.item, [...(byQuestion.get(unit.unit.item) ?? []), unit]);
  const questions = [...byQuestion.values()];
  return key.methods.map(({ id, title }) => {
    const rows = questions.map((own) => {
      const compared = own.filter((u) => u.methods.includes(id));
      const decided = compared.filter((u) => u.outcome.wins.size > 0);
      return {
        all: compared.length,
        decided: decided.length,
        wins: decided.reduce((sum, u) => sum + (u.outcome.wins.get(id) ?? 0), 0),
        plurality: compared.filter((u) => u.outcome.plurality === id).length,
      };
    });
    const sum = (field: keyof (typeof rows)[number]): number => rows.reduce((total, row) => total + row[field], 0);
    const [wins, decided, all] = [sum('wins'), sum('decided'), sum('all')];
    return {
      method: id,
      title,
      wins,
      decided,
      all,
      rate: decided === 0 ? undefined : wins / decided,
      rateOfAll: all === 0 ? undefined : wins / all,
      plurality: sum('plurality'),
      ...ratioInterval(
        rows.filter((row) => row.decided > 0),
        random,
        resamples,
      ),
    };
  });
}

function ratioInterval(
  rows: readonly { readonly wins: number; readonly decided: number }[],
  random: RandomSource,
  resamples: number,
): { low?: number; high?: number } {
  if (rows.length < 2) return {};
  const wins = rows.reduce((sum, row) => sum + row.wins, 0);
  const decided = rows.reduce((sum, row) => sum + row.decided, 0);
  // Resampling rows that are all alike shows no uncertainty, which is not to say that there is none.
  if (wins === 0 || wins === decided) {
    const { low, high } = wilson(wins, decided);
    return { low, high };
  }
  const rates = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    let [won, of] = [0, 0];
    for (let draw = 0; draw < rows.length; draw++) {
      const row = rows[Math.floor(random.next() * rows.length)];
      won += row?.wins ?? 0;
      of += row?.decided ?? 0;
    }
    rates[i] = won / of;
  }
  rates.sort();
  return { low: quantileSorted(rates, 0.025) as number, high: quantileSorted(rates, 0.975) as number };
}

/** Exact sign tests on the units that one of the two wins. */
function pairTests(key: StudyKey, units: readonly UnitVotes[]): PairTest[] {
  return key.methods.flatMap((first, i) =>
    key.methods.slice(i + 1).map((second) => {
      const both = units.filter((u) => u.methods.includes(first.id) && u.methods.includes(second.id));
      const wonBy = (id: string): number =>
        both.filter((u) => u.outcome.wins.size === 1 && u.outcome.wins.has(id)).length;
      const [firstWins, secondWins] = [wonBy(first.id), wonBy(second.id)];
      return {
        first: first.title,
        second: second.title,
        firstWins,
        secondWins,
        p: mcnemarExact(firstWins, secondWins),
      };
    }),
  );
}

function disagreement(aspect: string, { unit, ratings }: UnitVotes, key: StudyKey): Disagreement {
  const votes: Record<string, number> = {};
  for (const candidate of unit.order) {
    const method = key.candidates[candidate]?.method ?? candidate;
    votes[candidate] = ratings.reduce((sum, r) => sum + (r.best.includes(method) ? 1 / r.best.length : 0), 0);
  }
  return { unit: unit.unit, item: unit.item, aspect, votes };
}

function warningsOf({ plan, labels }: AnalysisInput): string[] {
  const warnings: string[] = [];
  for (const { name, presentations } of plan.raters) {
    const done = presentations.filter((p) => labels.get(name)?.done.has(p.id) === true).length;
    if (done < presentations.length) warnings.push(`${name} has finished ${done} of ${presentations.length} items.`);
  }
  const strangers = [...labels.keys()].filter(
    (name) => name !== plan.adjudicator && !plan.raters.some((r) => r.name === name),
  );
  for (const name of strangers)
    warnings.push(`There are labels of "${name}", who is no rater of this study; left out.`);
  return warnings;
}
