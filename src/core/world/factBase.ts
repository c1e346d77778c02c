import type { Entity } from './entities.ts';
import { relationNamed } from './relations.ts';
import type { Fact, GeneratedWorld } from './world.ts';

/** Facts by subject and by relation, the ways in which questions are built. */
export interface FactBase {
  readonly facts: readonly Fact[];
  of(subject: Entity): readonly Fact[];
  named(relation: string): readonly Fact[];
  find(subject: Entity, relation: string): Fact | undefined;
}

const bases = new WeakMap<GeneratedWorld, FactBase>();

export function factBase(world: GeneratedWorld): FactBase {
  const known = bases.get(world);
  if (known) return known;
  const base = indexFacts(world.facts);
  bases.set(world, base);
  return base;
}

/** Indexes any set of facts, such as those of a few passages. */
export function indexFacts(facts: readonly Fact[]): FactBase {
  const bySubject = new Map<Entity, Fact[]>();
  const byRelation = new Map<string, Fact[]>();
  for (const fact of facts) {
    put(bySubject, fact.subject, fact);
    put(byRelation, fact.relation, fact);
  }
  return {
    facts,
    of: (subject) => bySubject.get(subject) ?? [],
    named: (relation) => byRelation.get(relation) ?? [],
    find: (subject, relation) => bySubject.get(subject)?.find((fact) => fact.relation === relation),
  };
}

/** The page that a fact's value has, if it has one. */
export function valueEntity(fact: Fact): Entity | undefined {
  return typeof fact.value !== 'string' && 'title' in fact.value ? fact.value : undefined;
}

export const isList = (fact: Fact): boolean => relationNamed(fact.relation).range === 'list';

function put<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
