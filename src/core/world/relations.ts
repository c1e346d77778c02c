/** What can be said of an entity, and every way in which questions and thoughts word it. */

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

const inTime = (what: string, verb: string, who: string): Ordering[] => [
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

const inSize = (what: string, more: string, most: string): Ordering[] => [
  {
    order: 'greatest',
    two: [`Which ${what} is ${more}, {a} or {b}?`, `Of {a} and {b}, which ${what} is ${more}?`],
    three: [`Which ${what} is the ${most}: {a}, {b} or {c}?`, `Of {a}, {b} and {c}, which ${what} is the ${most}?`],
    check: [`Is {a} ${more} than {b}?`],
    word: most,
  },
];

type Draft = Omit<Relation, 'refer'> & { readonly refer?: readonly string[] };
const define = (draft: Draft): Relation => ({ refer: [], ...draft });

export const relations: readonly Relation[] = [
  // People
  define({
    name: 'occupation',
    domain: ['person'],
    range: 'text',
    keyword: 'was a',
    noun: 'occupation',
    ask: ['What was the occupation of {s}?', 'What did {s} do for a living?', 'What was the profession of {s}?'],
    state: ['{s} was a {v}.'],
    same: ['Did {a} and {b} have the same occupation?', 'Were {a} and {b} of the same profession?'],
  }),
  define({
    name: 'birthplace',
    domain: ['person'],
    range: 'settlement',
    keyword: 'born',
    noun: 'birthplace',
    ask: ['Where was {s} born?', 'In which place was {s} born?', 'What is the birthplace of {s}?'],
    refer: ['the birthplace of {s}', 'the place where {s} was born'],
    state: ['{s} was born in {v}.'],
    same: ['Were {a} and {b} born in the same place?', 'Do {a} and {b} share a birthplace?'],
  }),
  define({
    name: 'birthYear',
    domain: ['person'],
    range: 'year',
    keyword: 'born',
    noun: 'year of birth',
    ask: ['In which year was {s} born?', 'When was {s} born?', 'What is the year of birth of {s}?'],
    state: ['{s} was born in {v}.'],
    orderings: inTime('person', 'born', 'Who'),
    same: ['Were {a} and {b} born in the same year?'],
  }),
  define({
    name: 'spouse',
    domain: ['person'],
    range: 'person',
    keyword: 'married',
    noun: 'spouse',
    ask: ['Whom did {s} marry?', 'Who was married to {s}?', 'Who was the spouse of {s}?'],
    refer: ['the spouse of {s}', 'the person who married {s}'],
    state: ['{s} married {v}.'],
  }),
  define({
    name: 'teacher',
    domain: ['person'],
    range: 'person',
    keyword: 'studied',
    noun: 'teacher',
    ask: ['Who taught {s}?', 'Who was the teacher of {s}?', 'With whom did {s} study?'],
    refer: ['the teacher of {s}', 'the person who taught {s}'],
    state: ['{s} studied with {v}.'],
  }),
  define({
    name: 'employer',
    domain: ['person'],
    range: 'company',
    keyword: 'worked for',
    noun: 'employer',
    ask: ['Which company did {s} work for?', 'Who employed {s}?', 'What was the employer of {s}?'],
    refer: ['the employer of {s}', 'the company that {s} worked for'],
    state: ['{s} worked for {v}.'],
  }),
  define({
    name: 'home',
    domain: ['person'],
    range: 'settlement',
    keyword: 'lived in',
    noun: 'home',
    ask: [
      'Where did {s} live in old age?',
      'In which place did {s} spend the last years?',
      'Where was the last home of {s}?',
    ],
    refer: ['the last home of {s}', 'the place where {s} spent the last years'],
    state: ['{s} last lived in {v}.'],
  }),
  define({
    name: 'works',
    domain: ['person'],
    range: 'list',
    keyword: 'works',
    noun: 'works',
    ask: [],
    state: ['The works of {s} are {v}.'],
  }),
  // Places
  define({
    name: 'country',
    domain: ['settlement', 'mountain', 'lake', 'river'],
    range: 'country',
    keyword: 'in',
    noun: 'country',
    ask: [
      'In which country is {s}?',
      'Which country does {s} lie in?',
      'What country is {s} in?',
      'To which country does {s} belong?',
    ],
    refer: ['the country of {s}', 'the country in which {s} lies'],
    state: ['{s} is in {v}.'],
    same: ['Are {a} and {b} in the same country?', 'Do {a} and {b} lie in the same country?'],
  }),
  define({
    name: 'river',
    domain: ['settlement'],
    range: 'river',
    keyword: 'river',
    noun: 'river',
    ask: ['On which river does {s} stand?', 'Which river flows past {s}?', 'What is the name of the river at {s}?'],
    refer: ['the river at {s}', 'the river on which {s} stands'],
    state: ['{s} stands on {v}.'],
    same: ['Do {a} and {b} stand on the same river?'],
  }),
  define({
    name: 'population',
    domain: ['settlement'],
    range: 'number',
    keyword: 'population',
    noun: 'population',
    ask: ['What is the population of {s}?', 'How many people live in {s}?', 'How large is the population of {s}?'],
    state: ['{s} has a population of {v}.'],
  }),
  define({
    name: 'settled',
    domain: ['settlement'],
    range: 'year',
    keyword: 'founded',
    noun: 'year of founding',
    ask: ['When was {s} founded?', 'In which year was {s} founded?', 'What year saw the founding of {s}?'],
    state: ['{s} was founded in {v}.'],
  }),
  define({
    name: 'mayor',
    domain: ['settlement'],
    range: 'person',
    keyword: 'mayor',
    noun: 'mayor',
    ask: [
      'Who was the first mayor of {s}?',
      'Who became the first mayor of {s}?',
      'Which person was first to be mayor of {s}?',
    ],
    refer: ['the first mayor of {s}', 'the person who was first to be mayor of {s}'],
    state: ['The first mayor of {s} was {v}.'],
  }),
  define({
    name: 'height',
    domain: ['mountain'],
    range: 'number',
    keyword: 'metres',
    noun: 'height',
    ask: ['How high is {s}?', 'What is the height of {s}?', 'How many metres high is {s}?'],
    state: ['{s} is {v} metres high.'],
    orderings: inSize('mountain', 'higher', 'highest'),
  }),
  define({
    name: 'length',
    domain: ['river'],
    range: 'number',
    keyword: 'kilometres',
    noun: 'length',
    ask: ['How long is {s}?', 'What is the length of {s}?', 'How many kilometres long is {s}?'],
    state: ['{s} is {v} kilometres long.'],
    orderings: inSize('river', 'longer', 'longest'),
  }),
  define({
    name: 'depth',
    domain: ['lake'],
    range: 'number',
    keyword: 'metres',
    noun: 'depth',
    ask: ['How deep is {s}?', 'What is the depth of {s}?', 'How many metres deep is {s}?'],
    state: ['{s} is {v} metres deep.'],
    orderings: inSize('lake', 'deeper', 'deepest'),
  }),
  define({
    name: 'explorer',
    domain: ['mountain', 'lake', 'river'],
    range: 'person',
    keyword: 'mapped',
    noun: 'mapmaker',
    ask: ['Who first mapped {s}?', 'Who was the first to map {s}?', 'Who drew the first map of {s}?'],
    refer: ['the person who first mapped {s}', 'the first mapmaker of {s}'],
    state: ['{s} was first mapped by {v}.'],
  }),
  // Countries
  define({
    name: 'capital',
    domain: ['country'],
    range: 'settlement',
    keyword: 'capital',
    noun: 'capital',
    ask: [
      'What is the capital of {s}?',
      'Which place is the capital of {s}?',
      'What is the name of the capital of {s}?',
    ],
    refer: ['the capital of {s}'],
    state: ['The capital of {s} is {v}.'],
  }),
  define({
    name: 'currency',
    domain: ['country'],
    range: 'text',
    keyword: 'currency',
    noun: 'currency',
    ask: ['What is the currency of {s}?', 'Which currency is used in {s}?', 'What money is used in {s}?'],
    state: ['The currency of {s} is the {v}.'],
  }),
  define({
    name: 'language',
    domain: ['country'],
    range: 'text',
    keyword: 'language',
    noun: 'language',
    ask: [
      'What is the language of {s}?',
      'Which language is spoken in {s}?',
      'What language do the people of {s} speak?',
    ],
    state: ['The language of {s} is {v}.'],
  }),
  define({
    name: 'independence',
    domain: ['country'],
    range: 'year',
    keyword: 'independent',
    noun: 'year of independence',
    ask: ['When did {s} become independent?', 'In which year did {s} become independent?'],
    state: ['{s} became independent in {v}.'],
  }),
  define({
    name: 'ruler',
    domain: ['country'],
    range: 'person',
    keyword: 'governor',
    noun: 'first governor',
    ask: ['Who was the first governor of {s}?', 'Who became the first governor of {s}?'],
    refer: ['the first governor of {s}'],
    state: ['The first governor of {s} was {v}.'],
  }),
  define({
    name: 'peak',
    domain: ['country'],
    range: 'mountain',
    keyword: 'highest',
    noun: 'highest mountain',
    ask: ['What is the highest mountain of {s}?', 'Which mountain is the highest in {s}?'],
    refer: ['the highest mountain of {s}'],
    state: ['The highest mountain of {s} is {v}.'],
  }),
  // Companies
  define({
    name: 'founder',
    domain: ['company'],
    range: 'person',
    keyword: 'founded',
    noun: 'founder',
    ask: ['Who founded {s}?', 'Who was the founder of {s}?', 'By whom was {s} founded?'],
    refer: ['the founder of {s}', 'the person who founded {s}'],
    state: ['{s} was founded by {v}.'],
  }),
  define({
    name: 'headquarters',
    domain: ['company'],
    range: 'settlement',
    keyword: 'based in',
    noun: 'seat',
    ask: ['Where is {s} based?', 'In which place does {s} have its seat?', 'What is the seat of {s}?'],
    refer: ['the seat of {s}', 'the place where {s} is based'],
    state: ['{s} is based in {v}.'],
    same: ['Are {a} and {b} based in the same place?'],
  }),
  define({
    name: 'companyYear',
    domain: ['company'],
    range: 'year',
    keyword: 'founded',
    noun: 'year of founding',
    ask: ['When was {s} founded?', 'In which year was {s} founded?', 'What year saw the founding of {s}?'],
    state: ['{s} was founded in {v}.'],
    orderings: inTime('company', 'founded', 'Which'),
  }),
  define({
    name: 'product',
    domain: ['company'],
    range: 'text',
    keyword: 'makes',
    noun: 'product',
    ask: ['What does {s} make?', 'What product is {s} known for?', 'Which goods does {s} make?'],
    state: ['{s} makes {v}.'],
  }),
  define({
    name: 'employees',
    domain: ['company'],
    range: 'number',
    keyword: 'employs',
    noun: 'number of employees',
    ask: ['How many people does {s} employ?', 'How many employees does {s} have?'],
    state: ['{s} employs {v} people.'],
  }),
  define({
    name: 'director',
    domain: ['company'],
    range: 'person',
    keyword: 'director',
    noun: 'director',
    ask: ['Who is the director of {s}?', 'Who directs {s}?', 'Which person is director of {s}?'],
    refer: ['the director of {s}', 'the person who directs {s}'],
    state: ['The director of {s} is {v}.'],
  }),
  // Works
  define({
    name: 'author',
    domain: ['work'],
    range: 'person',
    keyword: 'by',
    noun: 'author',
    ask: ['Who is the author of {s}?', 'Who created {s}?', 'By whom is {s}?'],
    refer: ['the author of {s}', 'the person who created {s}'],
    state: ['{s} is by {v}.'],
    same: ['Are {a} and {b} by the same person?', 'Do {a} and {b} have the same author?'],
  }),
  define({
    name: 'published',
    domain: ['work'],
    range: 'year',
    keyword: 'appeared',
    noun: 'year',
    ask: ['When did {s} appear?', 'In which year did {s} appear?', 'From which year is {s}?'],
    state: ['{s} appeared in {v}.'],
    orderings: inTime('work', 'made', 'Which'),
  }),
  define({
    name: 'publisher',
    domain: ['work'],
    range: 'company',
    keyword: 'brought out by',
    noun: 'publisher',
    ask: ['Which company brought out {s}?', 'Who was the publisher of {s}?', 'By which company was {s} brought out?'],
    refer: ['the publisher of {s}', 'the company that brought out {s}'],
    state: ['{s} was brought out by {v}.'],
  }),
  define({
    name: 'setting',
    domain: ['work'],
    range: 'settlement',
    keyword: 'set in',
    noun: 'setting',
    ask: ['Where is {s} set?', 'In which place is {s} set?', 'What is the setting of {s}?'],
    refer: ['the setting of {s}', 'the place where {s} is set'],
    state: ['{s} is set in {v}.'],
  }),
  define({
    name: 'dedicatee',
    domain: ['work'],
    range: 'person',
    keyword: 'dedicated',
    noun: 'dedicatee',
    ask: ['To whom is {s} dedicated?', 'Who is {s} dedicated to?'],
    refer: ['the person to whom {s} is dedicated'],
    state: ['{s} is dedicated to {v}.'],
  }),
  define({
    name: 'prize',
    domain: ['work'],
    range: 'award',
    keyword: 'won',
    noun: 'award',
    ask: ['Which award did {s} win?', 'What award was won by {s}?', 'What did {s} win?'],
    refer: ['the award that {s} won', 'the award won by {s}'],
    state: ['{s} won {v}.'],
  }),
  // Events
  define({
    name: 'venue',
    domain: ['event'],
    range: 'settlement',
    keyword: 'held',
    noun: 'place',
    ask: ['Where did {s} take place?', 'In which place did {s} happen?', 'What was the place of {s}?'],
    refer: ['the place of {s}', 'the place where {s} happened'],
    state: ['{s} took place in {v}.'],
    same: ['Did {a} and {b} happen in the same place?'],
  }),
  define({
    name: 'eventYear',
    domain: ['event'],
    range: 'year',
    keyword: 'in',
    noun: 'year',
    ask: ['When did {s} take place?', 'In which year did {s} happen?', 'What was the year of {s}?'],
    state: ['{s} took place in {v}.'],
    orderings: inTime('event', 'held', 'Which'),
  }),
  define({
    name: 'leader',
    domain: ['event'],
    range: 'person',
    keyword: 'led by',
    noun: 'leader',
    ask: ['Who led {s}?', 'Who was the leader of {s}?', 'By whom was {s} led?'],
    refer: ['the leader of {s}', 'the person who led {s}'],
    state: ['{s} was led by {v}.'],
  }),
  define({
    name: 'attendance',
    domain: ['event'],
    range: 'number',
    keyword: 'took part',
    noun: 'attendance',
    ask: ['How many people took part in {s}?', 'What was the attendance of {s}?'],
    state: ['{v} people took part in {s}.'],
  }),
  // Awards
  define({
    name: 'field',
    domain: ['award'],
    range: 'text',
    keyword: 'given for',
    noun: 'field',
    ask: ['What is {s} given for?', 'In which field is {s} given?', 'What does {s} honour?'],
    state: ['{s} is given for {v}.'],
  }),
  define({
    name: 'namedAfter',
    domain: ['award'],
    range: 'person',
    keyword: 'named after',
    noun: 'namesake',
    ask: ['After whom is {s} named?', 'Who is {s} named after?', 'Whose name does {s} bear?'],
    refer: ['the person after whom {s} is named', 'the namesake of {s}'],
    state: ['{s} is named after {v}.'],
  }),
  define({
    name: 'ceremony',
    domain: ['award'],
    range: 'settlement',
    keyword: 'presented in',
    noun: 'place of presentation',
    ask: ['Where is {s} presented?', 'In which place is {s} presented?'],
    refer: ['the place where {s} is presented'],
    state: ['{s} is presented in {v}.'],
  }),
  define({
    name: 'awardYear',
    domain: ['award'],
    range: 'year',
    keyword: 'first given',
    noun: 'first year',
    ask: ['When was {s} first given?', 'In which year was {s} first given?'],
    state: ['{s} was first given in {v}.'],
  }),
  define({
    name: 'winners',
    domain: ['award'],
    range: 'list',
    keyword: 'winners',
    noun: 'winners',
    ask: [],
    state: ['The winners of {s} are {v}.'],
  }),
];

const byName = new Map(relations.map((relation) => [relation.name, relation]));

/** @throws RangeError for a name that is no relation. */
export function relationNamed(name: string): Relation {
  const relation = byName.get(name);
  if (!relation) throw new RangeError(`There is no relation "${name}".`);
  return relation;
}
