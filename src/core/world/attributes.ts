import type { Random } from '../run/random.ts';
import { between, chance } from './draw.ts';
import { groupDigits, madeBy, yearFrom } from './entities.ts';
import type { Cast, Entity } from './entities.ts';
import { createNamer } from './names.ts';
import { known } from './known.ts';

const products = [
  'rope',
  'paper',
  'clocks',
  'glass',
  'bricks',
  'sails',
  'ink',
  'soap',
  'lamps',
  'carpets',
  'tea',
  'engines',
  'pianos',
  'wire',
  'salt',
  'boots',
];
const fields = [
  'poetry',
  'music',
  'painting',
  'drama',
  'prose',
  'sculpture',
  'the stage',
  'courage in art',
  'fine craft',
  'new writing',
];

/** Gives every entity its facts. Relations with one value stay so: that is what makes gold answers unique. */
export function linkCast(random: Random, cast: Cast): void {
  const words = createNamer(random.fork('words'), 'mentions');
  const someone = (): Entity => random.pick(cast.person);
  const town = (): Entity => random.pick(cast.settlement);
  linkPlaces(random, cast, () => words.word(), someone);
  for (const person of cast.person) {
    const set = person.attributes;
    set.set('occupation', person.noun);
    set.set('birthplace', town());
    set.set('birthYear', yearFrom(random, 1700, 1899));
    if (chance(random, 0.5)) set.set('home', otherThan(random, cast.settlement, set.get('birthplace')));
    if (chance(random, 0.5)) set.set('teacher', otherThan(random, cast.person, person));
    if (chance(random, 0.45)) set.set('employer', random.pick(cast.company));
  }
  marry(random, cast.person);
  for (const company of cast.company) {
    const founder = someone();
    company.attributes.set('founder', founder);
    company.attributes.set('headquarters', town());
    company.attributes.set('companyYear', String(bornIn(founder) + between(random, 22, 50)));
    company.attributes.set('product', isPublisher(company) ? 'books' : random.pick(products));
    company.attributes.set('employees', groupDigits(between(random, 40, 19000)));
    company.attributes.set('director', otherThan(random, cast.person, founder));
  }
  linkWorks(random, cast, town);
  for (const event of cast.event) {
    event.attributes.set('venue', town());
    event.attributes.set('eventYear', yearFrom(random, 1710, 1960));
    event.attributes.set('leader', someone());
    event.attributes.set('attendance', groupDigits(between(random, 300, 60000)));
  }
}

function linkPlaces(random: Random, cast: Cast, word: () => string, someone: () => Entity): void {
  const country = (): Entity => random.pick(cast.country);
  for (const [sort, measure, from, to] of [
    ['mountain', 'height', 900, 6800],
    ['river', 'length', 40, 1900],
    ['lake', 'depth', 12, 640],
  ] as const) {
    for (const feature of cast[sort]) {
      feature.attributes.set('country', country());
      feature.attributes.set(measure, String(between(random, from, to)));
      if (chance(random, 0.75)) feature.attributes.set('explorer', someone());
    }
  }
  for (const place of cast.settlement) {
    place.attributes.set('country', country());
    if (chance(random, 0.65)) place.attributes.set('river', random.pick(cast.river));
    place.attributes.set('population', groupDigits(between(random, 400, 260000)));
    place.attributes.set('settled', yearFrom(random, 1080, 1690));
    if (chance(random, 0.55)) place.attributes.set('mayor', someone());
  }
  for (const land of cast.country) {
    const inside = cast.settlement.filter((place) => place.attributes.get('country') === land);
    const capital = inside.length > 0 ? random.pick(inside) : random.pick(cast.settlement);
    capital.attributes.set('country', land);
    land.attributes.set('capital', capital);
    land.attributes.set('currency', word().toLowerCase());
    land.attributes.set('language', `${word()}ic`);
    land.attributes.set('independence', yearFrom(random, 1700, 1950));
    land.attributes.set('ruler', someone());
    const mountains = cast.mountain.filter((mountain) => mountain.attributes.get('country') === land);
    const highest = mountains.toSorted(
      (a, b) => Number(b.attributes.get('height')) - Number(a.attributes.get('height')),
    )[0];
    if (highest) land.attributes.set('peak', highest);
  }
}

function linkWorks(random: Random, cast: Cast, town: () => Entity): void {
  const authors = cast.person.filter((person) => person.noun in madeBy);
  const publishers = cast.company.filter(isPublisher);
  const byAuthor = new Map<Entity, Entity[]>();
  for (const work of cast.work) {
    const author = random.pick(authors);
    byAuthor.set(author, [...(byAuthor.get(author) ?? []), work]);
    Object.assign(work, { noun: random.pick(known(madeBy[author.noun])) });
    work.attributes.set('author', author);
    work.attributes.set('published', String(bornIn(author) + between(random, 21, 60)));
    if (chance(random, 0.6)) work.attributes.set('publisher', random.pick(publishers));
    if (chance(random, 0.6)) work.attributes.set('setting', town());
    if (chance(random, 0.35)) work.attributes.set('dedicatee', otherThan(random, cast.person, author));
  }
  for (const [author, works] of byAuthor) if (works.length > 1) author.attributes.set('works', works);
  const open = random.shuffle(cast.work);
  for (const award of cast.award) {
    award.attributes.set('field', random.pick(fields));
    award.attributes.set('namedAfter', random.pick(cast.person));
    award.attributes.set('ceremony', town());
    award.attributes.set('awardYear', yearFrom(random, 1760, 1940));
    const winners = open.splice(0, between(random, 3, 4));
    if (winners.length < 2) continue;
    award.attributes.set('winners', winners);
    for (const work of winners) work.attributes.set('prize', award);
  }
}

/** Marriage is mutual, and everybody marries at most once. */
function marry(random: Random, people: readonly Entity[]): void {
  const single = random.shuffle(people).slice(0, Math.floor(people.length * 0.6));
  for (let i = 0; i + 1 < single.length; i += 2) {
    known(single[i]).attributes.set('spouse', known(single[i + 1]));
    known(single[i + 1]).attributes.set('spouse', known(single[i]));
  }
}

const isPublisher = (company: Entity): boolean => /(Press|Books|Publishing)$/.test(company.name);
const bornIn = (person: Entity): number => Number(person.attributes.get('birthYear'));

function otherThan(random: Random, among: readonly Entity[], not: unknown): Entity {
  for (;;) {
    const one = random.pick(among);
    if (one !== not) return one;
  }
}
