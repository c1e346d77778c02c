/** What a relation is: something that can be said of an entity, and every way in which questions and thoughts word it. */

export type Sort =
  'person' | 'settlement' | 'mountain' | 'river' | 'lake' | 'country' | 'company' | 'work' | 'event' | 'award';

/** Wordings that set the values of one relation against each other; `{a}`, `{b}`, `{c}` are entities. */
export interface Ordering {
  readonly order: 'least' | 'greatest';
  readonly two: readonly string[];
  readonly three: readonly string[];
  /** Asks whether {a} comes before {b} in this order; answered yes or no. */
  readonly check: readonly string[];
  /** The word for the winner in a thought: `earliest`. */
  readonly word: string;
}

export interface Relation {
  readonly name: string;
  readonly domain: readonly Sort[];
  readonly range:
    | 'person'
    | 'settlement'
    | 'mountain'
    | 'river'
    | 'country'
    | 'company'
    | 'award'
    | 'year'
    | 'number'
    | 'text'
    | 'list';
  /** Stands in every sentence that tells the relation: what Lookup is asked for. */
  readonly keyword: string;
  /** The relation as a noun: "the birthplace of …". */
  readonly noun: string;
  /** Questions about {s} that the value answers. {s} may be a name or a description. */
  readonly ask: readonly string[];
  /** Descriptions of the value by way of {s}; only where the value has a page. */
  readonly refer: readonly string[];
  /** Says that {s} has {v}. */
  readonly state: readonly string[];
  readonly orderings?: readonly Ordering[];
  /** Asks whether {a} and {b} have the same value. */
  readonly same?: readonly string[];
}

/** Orderings of years: `What was written first …`. */
export const inTime = (what: string, verb: string, who: string): Ordering[] => [
  {
    order: 'least',
    two: [
      `${who} was ${verb} first, {a} or {b}?`,
      `${who} was ${verb} earlier, {a} or {b}?`,
      `Of {a} and {b}, which ${what} was ${verb} earlier?`,
    ],
    three: [`${who} was ${verb} first: {a}, {b} or {c}?`, `Which ${what} was ${verb} earliest, {a}, {b} or {c}?`],
    check: [`Was {a} ${verb} before {b}?`, `Was {a} ${verb} earlier than {b}?`],
    word: 'earliest',
  },
  {
    order: 'greatest',
    two: [`${who} was ${verb} later, {a} or {b}?`, `Of {a} and {b}, which ${what} was ${verb} later?`],
    three: [`${who} was ${verb} last: {a}, {b} or {c}?`, `Which ${what} was ${verb} latest, {a}, {b} or {c}?`],
    check: [`Was {a} ${verb} after {b}?`, `Was {a} ${verb} later than {b}?`],
    word: 'latest',
  },
];

/** Orderings of quantities. */
export const inSize = (what: string, more: string, most: string): Ordering[] => [
  {
    order: 'greatest',
    two: [`Which ${what} is ${more}, {a} or {b}?`, `Of {a} and {b}, which ${what} is ${more}?`],
    three: [`Which ${what} is the ${most}: {a}, {b} or {c}?`, `Of {a}, {b} and {c}, which ${what} is the ${most}?`],
    check: [`Is {a} ${more} than {b}?`],
    word: most,
  },
];

type Draft = Omit<Relation, 'refer'> & { readonly refer?: readonly string[] };
export const define = (draft: Draft): Relation => ({ refer: [], ...draft });
