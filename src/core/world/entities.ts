import type { Random } from '../run/random.ts';
import { between, chance, weighted } from './draw.ts';
import { createNamer } from './names.ts';
import type { Namer } from './names.ts';
import type { Sort } from './relations/relation.ts';
import type { EntityKind } from './types.ts';
import { known } from './known.ts';

/** Something that has a page. */
export interface Entity {
  /** Title of its page; several entities may share a name but never a title. */
  title: string;
  /** What running text calls it, without an article: the title unless other pages have the same name. */
  readonly name: string;
  readonly kind: EntityKind;
  readonly sort: Sort;
  /** What it is in one word: town, novel, composer. */
  readonly noun: string;
  /** Whether running text puts "the" before the name. */
  readonly article: boolean;
  readonly female: boolean;
  /** Values by relation name; a list only where the relation's range is a list. */
  readonly attributes: Map<string, Entity | readonly Entity[] | string>;
}

/** The name as running text gives it. */
export const mention = (entity: Entity): string => (entity.article ? `the ${entity.name}` : entity.name);

const crafts = ['painter', 'composer', 'novelist', 'poet', 'sculptor', 'playwright'] as const;
const trades = [
  'surveyor',
  'botanist',
  'judge',
  'chemist',
  'navigator',
  'historian',
  'printer',
  'clockmaker',
  'physician',
  'merchant',
  'geologist',
  'lawyer',
  'farmer',
  'shipbuilder',
  'soldier',
];
export const madeBy: Readonly<Record<string, readonly string[]>> = {
  painter: ['painting', 'fresco'],
  composer: ['cantata', 'symphony'],
  novelist: ['novel', 'novella'],
  poet: ['poem', 'ballad'],
  sculptor: ['statue', 'monument'],
  playwright: ['play', 'comedy'],
};
const workShapes = ['The {e} of {i}', '{i}', 'The {a} {i}', '{i} and the {e}', 'A {e} for {i}', 'The {e} at {i}'];
const workNouns = [
  'Lantern',
  'Garden',
  'Bridge',
  'Winter',
  'Harbour',
  'Song',
  'Letter',
  'Orchard',
  'Mirror',
  'Journey',
  'Stone',
  'Crown',
  'Window',
  'Night',
];
const workAdjectives = ['Silver', 'Last', 'Quiet', 'Blue', 'Broken', 'Distant', 'Golden', 'Lost'];
const firms = ['Works', 'Mills', 'Shipping', 'Foundry', 'Brewery', 'Company', 'Railway', 'Glassworks'];
const houses = ['Press', 'Books', 'Publishing'];
const gatherings = [
  'Battle of {i}',
  'Siege of {i}',
  'Treaty of {i}',
  '{i} Congress',
  '{i} Fair',
  '{i} Regatta',
  '{i} Expedition',
  '{i} Games',
];
const honours = ['Prize', 'Medal', 'Award'];
const prefixes = ['Lower', 'Upper', 'New', 'Old', 'Little', 'North', 'South'];

export type Cast = { readonly [S in Sort]: readonly Entity[] };

/** Invents who and what the world holds: names and sorts, no facts yet. `size` is the number of pages aimed at. */
export function inventCast(random: Random, size: number): Cast {
  const namer = createNamer(random.fork('names'));
  const share = (perThousand: number): number => Math.max(2, Math.round((perThousand * size) / 1000));
  const cast: Record<Sort, Entity[]> = {
    person: [],
    settlement: [],
    mountain: [],
    river: [],
    lake: [],
    country: [],
    company: [],
    work: [],
    event: [],
    award: [],
  };
  const add = (sort: Sort, kind: EntityKind, name: string, noun: string, article = false): Entity => {
    const female = chance(random, 0.5);
    const entity: Entity = { title: name, name, kind, sort, noun, article, female, attributes: new Map() };
    cast[sort].push(entity);
    return entity;
  };

  for (let i = 0; i < share(16); i++)
    add('country', 'country', namer.word(), random.pick(['republic', 'kingdom', 'federation', 'country']));
  addSettlements(random, namer, share(160), (name, noun) => add('settlement', 'place', name, noun));
  for (let i = 0; i < share(24); i++) add('mountain', 'place', `Mount ${namer.word()}`, 'mountain');
  for (let i = 0; i < share(30); i++) add('river', 'place', `${namer.word(2)} River`, 'river', true);
  for (let i = 0; i < share(16); i++) add('lake', 'place', `Lake ${namer.word()}`, 'lake');
  addPeople(random, namer, share(330), (name, noun) => add('person', 'person', name, noun));
  for (let i = 0; i < share(100); i++) {
    add('company', 'company', `${namer.word()} ${i % 4 === 0 ? random.pick(houses) : random.pick(firms)}`, 'company');
  }
  // Works get their noun from the craft of their author, so they are shaped here and counted out to authors later.
  for (let i = 0; i < share(180); i++) {
    const name = weighted(
      random,
      workShapes.map((shape, at) => [shape, at === 1 ? 2 : 1] as const),
    )
      .replace('{e}', random.pick(workNouns))
      .replace('{a}', random.pick(workAdjectives))
      .replace('{i}', namer.word());
    add('work', 'work', name, 'work');
  }
  for (let i = 0; i < share(70); i++)
    add('event', 'event', random.pick(gatherings).replace('{i}', namer.word()), 'event', true);
  for (let i = 0; i < share(28); i++) add('award', 'award', `${namer.word()} ${random.pick(honours)}`, 'award', true);
  return cast;
}

/** About one in six towns shares its name with another but for a word in front. */
function addSettlements(random: Random, namer: Namer, count: number, add: (name: string, noun: string) => void): void {
  const noun = (): string => random.pick(['town', 'city', 'village', 'port', 'market town']);
  for (let made = 0; made < count;) {
    const stem = namer.word();
    if (chance(random, 0.1)) {
      for (const prefix of random.sample(prefixes, 2)) add(`${prefix} ${stem}`, noun());
      made += 2;
    } else {
      add(stem, noun());
      made += 1;
    }
  }
}

/** Surnames come about twice each and first names about three times, so that only the whole name tells people apart. */
function addPeople(random: Random, namer: Namer, count: number, add: (name: string, noun: string) => void): void {
  const firsts = Array.from({ length: Math.ceil(count / 3) }, () => namer.word(2));
  const lasts = Array.from({ length: Math.ceil(count / 2) }, () => namer.word());
  const used = new Set<string>();
  for (let i = 0; used.size < count; i++) {
    const name = `${random.pick(firsts)} ${known(lasts[i % lasts.length])}`;
    if (used.has(name)) continue;
    used.add(name);
    add(name, i % 3 === 0 ? random.pick(crafts) : random.pick(trades));
  }
}

/** A year, a size: numbers as pages print them. */
export const groupDigits = (value: number): string => (value < 10000 ? String(value) : value.toLocaleString('en-GB'));
export const yearFrom = (random: Random, from: number, to: number): string => String(between(random, from, to));
