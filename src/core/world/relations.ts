import { companies } from './relations/companies.ts';
import { countries } from './relations/countries.ts';
import { eventsAndAwards } from './relations/eventsAndAwards.ts';
import { people } from './relations/people.ts';
import { places } from './relations/places.ts';
import type { Relation } from './relations/relation.ts';
import { works } from './relations/works.ts';

/** Every relation. The order is part of what a seed means: worlds and questions draw from this list. */
export const relations: readonly Relation[] = [
  ...people,
  ...places,
  ...countries,
  ...companies,
  ...works,
  ...eventsAndAwards,
];

const byName = new Map(relations.map((relation) => [relation.name, relation]));

/** @throws RangeError for a name that is no relation. */
export function relationNamed(name: string): Relation {
  const relation = byName.get(name);
  if (!relation) throw new RangeError(`There is no relation "${name}".`);
  return relation;
}
