import { mention } from '../../src/core/world/entities.ts';
import type { Entity } from '../../src/core/world/entities.ts';
import { relationNamed } from '../../src/core/world/relations.ts';
import type { Relation } from '../../src/core/world/relations/relation.ts';
import { sentencesOf, valueText } from '../../src/core/world/world.ts';
import type { Fact } from '../../src/core/world/world.ts';
import type { WorldQuestion } from '../../src/core/world/types.ts';
import type { WorldContext } from './context.ts';
import { known } from '../../src/core/world/known.ts';

/** A fact that has to be found before the question can be answered, and where it stands. */
export interface Need {
  readonly subject: Entity;
  readonly relation: Relation;
  readonly value: string;
  /** Behind Lookup, since Retrieve shows the lead only. */
  readonly detail: boolean;
  readonly sentence: string;
}

/** How the needs make the answer: `path` is each about the value of the one before; the rest as in `Hop`. */
export interface Plan {
  readonly needs: readonly Need[];
  readonly how: 'path' | 'least' | 'greatest' | 'check least' | 'check greatest' | 'same' | 'count' | 'both';
  /** What is counted, where something is. */
  readonly target: string;
}

export function planFor(context: WorldContext, question: WorldQuestion): Plan {
  const needs = question.supporting.map((supporting, i) => {
    const subject = known(context.entities.get(supporting.title));
    const relation = known(question.hops[i]).relation;
    return needOf(context, known(context.base.find(subject, relation)));
  });
  const last = question.hops[needs.length];
  return { needs, how: (last?.relation ?? 'path') as Plan['how'], target: last?.subject ?? '' };
}

export function needOf(context: WorldContext, fact: Fact): Need {
  return {
    subject: fact.subject,
    relation: relationNamed(fact.relation),
    value: valueText(fact.value),
    detail: fact.paragraph > 0,
    sentence: known(sentencesOf(known(context.pages.get(fact.subject.title)))[fact.sentence]),
  };
}

/** "the birthplace of Tavor Menshik" */
export const wanted = (need: Need): string => `the ${need.relation.noun} of ${mention(need.subject)}`;

/** "Tavor Menshik was born in Karvel." */
export function stated(need: Need): string {
  return capital(known(need.relation.state[0]).replace('{s}', mention(need.subject)).replace('{v}', need.value));
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
