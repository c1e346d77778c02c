import type { Random } from '../run/random.ts';
import { chance } from './draw.ts';
import { mention } from './entities.ts';
import type { Entity } from './entities.ts';
import { isList, valueEntity } from './factBase.ts';
import type { FactBase } from './factBase.ts';
import { relationNamed, relations } from './relations.ts';
import type { Ordering } from './relations/relation.ts';
import type { Hop, SupportingFact, WorldQuestion } from './types.ts';
import { valueText } from './world.ts';
import type { Fact } from './world.ts';
import { known } from './known.ts';

/**
 * A question that has no identity yet. `hops` and `supporting` run in parallel; where the answer is none of the
 * values found but is worked out from them, one more hop at the end says how: `least`, `greatest`, `check least`,
 * `check greatest`, `same`, `count` (its subject is what is counted) or `both`.
 */
export type DraftQuestion = Omit<WorldQuestion, 'id' | 'level'>;

/** How a question names an entity: a shared name is told apart by what the entity is. */
export function asked(entity: Entity): string {
  return entity.title === entity.name ? mention(entity) : `the ${entity.noun} ${entity.name}`;
}

/** Facts of a page's lead come more often than those behind Lookup. */
const leadShare = 0.7;

export function buildEasy(random: Random, base: FactBase): DraftQuestion | undefined {
  const wantLead = chance(random, leadShare);
  const fact = random.pick(base.facts);
  if (isList(fact) || (fact.paragraph === 0) !== wantLead) return undefined;
  return easyFrom(random, fact);
}

export function easyFrom(random: Random, fact: Fact): DraftQuestion | undefined {
  const question = random.pick(relationNamed(fact.relation).ask).replace('{s}', asked(fact.subject));
  return draft('attribute', question, valueText(fact.value), [fact]);
}

export function buildBridge(random: Random, base: FactBase): DraftQuestion | undefined {
  const path = walk(random, base, 2);
  return path && pathFrom(random, path);
}

export function buildChain(random: Random, base: FactBase): DraftQuestion | undefined {
  const path = walk(random, base, 3);
  return path && pathFrom(random, path);
}

/** Facts that lead from one page to the next, no page twice; at most one of them needs Lookup. */
function walk(random: Random, base: FactBase, length: number): Fact[] | undefined {
  const detail = chance(random, 0.55) ? random.int(length) : -1;
  const path: Fact[] = [];
  let subject = random.pick(base.facts).subject;
  for (let at = 0; at < length; at++) {
    const last = at === length - 1;
    const options = base
      .of(subject)
      .filter((fact) => !isList(fact) && (last || valueEntity(fact)) && fact.paragraph > 0 === (at === detail));
    if (options.length === 0) return undefined;
    const fact = random.pick(options);
    path.push(fact);
    const next = valueEntity(fact);
    if (next && path.some((one) => one.subject === next)) return undefined;
    if (!last) subject = known(next);
  }
  return path;
}

/** Two or three facts, each about the value of the one before, as one question. */
export function pathFrom(random: Random, path: readonly Fact[]): DraftQuestion | undefined {
  let subject = asked(known(path[0]).subject);
  for (const fact of path.slice(0, -1)) {
    const refer = relationNamed(fact.relation).refer;
    if (refer.length === 0) return undefined;
    subject = random.pick(refer).replace('{s}', subject);
  }
  const last = known(path.at(-1));
  const question = random.pick(relationNamed(last.relation).ask).replace('{s}', subject);
  return draft(path.length > 2 ? 'chain' : 'bridge', question, valueText(last.value), path);
}

export function buildComparison(random: Random, base: FactBase): DraftQuestion | undefined {
  const relation = random.pick(relations.filter((one) => one.orderings ?? one.same));
  const facts = base.named(relation.name).filter((fact) => fact.paragraph === 0);
  if (facts.length < 2) return undefined;
  const first = random.pick(facts);
  const others = facts.filter((fact) => fact !== first);
  // Half of the questions about sameness shall be answered yes, which chance alone would make rare.
  const partners = relation.same && chance(random, 0.6) ? others.filter((fact) => fact.value === first.value) : others;
  return partners.length === 0 ? undefined : comparisonFrom(random, [first, random.pick(partners)]);
}

/** Two facts of one relation set against each other: which one, or yes or no. */
export function comparisonFrom(random: Random, [first, second]: readonly [Fact, Fact]): DraftQuestion | undefined {
  const relation = relationNamed(first.relation);
  const equal = first.value === second.value;
  const name = (template: string): string =>
    template.replace('{a}', asked(first.subject)).replace('{b}', asked(second.subject));
  if (relation.orderings && (!relation.same || chance(random, 0.8))) {
    if (equal) return undefined;
    const ordering = random.pick(relation.orderings);
    const winner = best([first, second], ordering);
    if (chance(random, 0.3)) {
      return conclude(
        'comparison',
        name(random.pick(ordering.check)),
        winner === first ? 'yes' : 'no',
        [first, second],
        `check ${ordering.order}`,
      );
    }
    return conclude(
      'comparison',
      name(random.pick(ordering.two)),
      winner.subject.name,
      [first, second],
      ordering.order,
    );
  }
  return (
    relation.same &&
    conclude('comparison', name(random.pick(relation.same)), equal ? 'yes' : 'no', [first, second], 'same')
  );
}

export function buildSuperlative(random: Random, base: FactBase): DraftQuestion | undefined {
  const relation = random.pick(relations.filter((one) => one.orderings));
  const facts = random.sample(base.named(relation.name), 3);
  const ordering = random.pick(known(relation.orderings));
  if (facts.length < 3 || new Set(facts.map((fact) => fact.value)).size < 3) return undefined;
  const question = name3(
    random.pick(ordering.three),
    facts.map((fact) => fact.subject),
  );
  return conclude('superlative', question, best(facts, ordering).subject.name, facts, ordering.order);
}

const counting: Readonly<Record<string, readonly string[]>> = {
  country: ['How many of {a}, {b} and {c} are in {v}?', 'How many of these are in {v}: {a}, {b} and {c}?'],
  birthplace: [
    'How many of {a}, {b} and {c} were born in {v}?',
    'How many of these were born in {v}: {a}, {b} and {c}?',
  ],
  author: ['How many of {a}, {b} and {c} are by {v}?', 'How many of these are by {v}: {a}, {b} and {c}?'],
};

export function buildCount(random: Random, base: FactBase): DraftQuestion | undefined {
  const [relation, templates] = random.pick(Object.entries(counting));
  const facts = base.named(relation);
  const target = random.pick(facts).value;
  const hits = facts.filter((fact) => fact.value === target);
  const wanted = random.int(4);
  const chosen = random.shuffle([
    ...random.sample(hits, wanted),
    ...random.sample(
      facts.filter((fact) => fact.value !== target),
      3 - wanted,
    ),
  ]);
  const value = chosen[0] && target && typeof target !== 'string' && 'title' in target ? target : undefined;
  if (chosen.length < 3 || !value) return undefined;
  const question = name3(
    random.pick(templates),
    chosen.map((fact) => fact.subject),
  ).replace('{v}', mention(value));
  return conclude('count', question, String(wanted), chosen, 'count', value.title);
}

const meetings = [
  'Which work by {a} won {b}?',
  'Which of the works of {a} won {b}?',
  'Which winner of {b} is by {a}?',
  'For which work did {a} receive {b}?',
];

export function buildIntersection(random: Random, base: FactBase): DraftQuestion | undefined {
  const works = random.pick(base.named('works'));
  const list = Array.isArray(works.value) ? (works.value as readonly Entity[]) : [];
  const prized = list.filter((work) => base.find(work, 'prize'));
  if (prized.length === 0) return undefined;
  const work = random.pick(prized);
  const award = valueEntity(known(base.find(work, 'prize')));
  const winners = award && base.find(award, 'winners');
  if (!award || !winners) return undefined;
  const both = list.filter((one) => (winners.value as readonly Entity[]).includes(one));
  // Shared names would make two of the listed works look alike.
  if (both.length !== 1 || both[0] !== work) return undefined;
  const question = random.pick(meetings).replace('{a}', asked(works.subject)).replace('{b}', asked(award));
  return conclude('intersection', question, work.name, [works, winners], 'both');
}

function best(facts: readonly Fact[], ordering: Ordering): Fact {
  const sorted = facts.toSorted((a, b) => numberIn(a) - numberIn(b));
  return ordering.order === 'least' ? known(sorted[0]) : known(sorted.at(-1));
}

const numberIn = (fact: Fact): number => Number(valueText(fact.value).replaceAll(',', ''));

function name3(template: string, subjects: readonly Entity[]): string {
  return ['{a}', '{b}', '{c}'].reduce((text, gap, i) => text.replace(gap, asked(known(subjects[i]))), template);
}

function conclude(
  type: string,
  question: string,
  answer: string,
  facts: readonly Fact[],
  how: string,
  subject = '',
): DraftQuestion | undefined {
  const plain = draft(type, question, answer, facts);
  return plain && { ...plain, hops: [...plain.hops, { subject, relation: how, value: answer }] };
}

function draft(type: string, question: string, answer: string, facts: readonly Fact[]): DraftQuestion | undefined {
  // A question that holds its own answer asks nothing, except where it offers the answers to choose from.
  const offers = facts.some((fact) => fact.subject.name === answer) || answer.length < 4;
  if (!offers && question.includes(answer)) return undefined;
  const supporting: SupportingFact[] = facts.map((fact) => ({ title: fact.subject.title, sentence: fact.sentence }));
  const hops: Hop[] = facts.map((fact) => ({
    subject: fact.subject.title,
    relation: fact.relation,
    value: valueText(fact.value),
  }));
  return { question: question.charAt(0).toUpperCase() + question.slice(1), answer, type, supporting, hops };
}
