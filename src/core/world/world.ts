import { createRandom } from '../run/random.ts';
import type { Random } from '../run/random.ts';
import { linkCast } from './attributes.ts';
import { chance } from './draw.ts';
import { inventCast, mention } from './entities.ts';
import type { Cast, Entity } from './entities.ts';
import { splitSentences } from './sentences.ts';
import type { Page, World } from './types.ts';
import { wordings } from './wording.ts';
import { known } from './known.ts';

/** What a page tells, where: the ground on which questions are built and checked. */
export interface Fact {
  readonly subject: Entity;
  readonly relation: string;
  readonly value: Entity | readonly Entity[] | string;
  /** Index of the sentence, counted through all paragraphs of the page. */
  readonly sentence: number;
  readonly paragraph: number;
}

/** A world together with its fact base. Only `seed` and `pages` are ever shown to a method. */
export interface GeneratedWorld extends World {
  readonly facts: readonly Fact[];
  readonly cast: Cast;
}

export interface WorldOptions {
  readonly seed: number;
  /** Number of pages aimed at; 1,000 unless told. */
  readonly size?: number;
}

/** Generates a fictional encyclopedia. The same options give the same world. */
export function generateWorld({ seed, size = 1000 }: WorldOptions): GeneratedWorld {
  const random = createRandom(`world ${seed}`);
  const cast = inventCast(random.fork('cast'), size);
  const renamed = shareNames(random.fork('shared names'), cast, Math.max(2, Math.round(size / 50)));
  linkCast(random.fork('links'), cast);
  retitle(renamed);
  const pages: Page[] = [];
  const facts: Fact[] = [];
  const writing = random.fork('pages');
  for (const entities of Object.values(cast)) {
    for (const entity of entities) pages.push(writePage(writing, cast, entity, facts));
  }
  pages.push(...disambiguationPages(random.fork('surnames'), cast, renamed, Math.max(2, Math.round(size / 40))));
  return { seed, pages: random.fork('order').shuffle(pages), facts, cast };
}

/** Sentences of a page in order, counted as {@link Fact.sentence} counts them. */
export function sentencesOf(page: Page): string[] {
  return page.paragraphs.flatMap(splitSentences);
}

/** The value as an answer gives it: names without their article. */
export function valueText(value: Fact['value']): string {
  if (typeof value === 'string') return value;
  return 'title' in value ? value.name : value.map((one) => one.name).join('; ');
}

/** Lets some works, rivers' towns and companies bear the name of a town, as encyclopedias know it. */
function shareNames(random: Random, cast: Cast, count: number): Map<string, Entity[]> {
  const shared = new Map<string, Entity[]>();
  const towns = random.sample(
    cast.settlement.filter((place) => !place.name.includes(' ')),
    count,
  );
  const works = random.sample(cast.work, count);
  towns.forEach((town, i) => {
    const work = works[i];
    if (!work) return;
    Object.assign(work, { name: town.name });
    shared.set(town.name, [town, work]);
  });
  return shared;
}

/** Titles of entities that share a name say in brackets what each is. */
function retitle(shared: ReadonlyMap<string, readonly Entity[]>): void {
  for (const entities of shared.values())
    for (const entity of entities) entity.title = `${entity.name} (${entity.noun})`;
}

function disambiguationPages(
  random: Random,
  cast: Cast,
  shared: ReadonlyMap<string, readonly Entity[]>,
  count: number,
): Page[] {
  const bySurname = new Map<string, Entity[]>();
  for (const person of cast.person) {
    const surname = person.name.split(' ')[1] ?? '';
    bySurname.set(surname, [...(bySurname.get(surname) ?? []), person]);
  }
  const taken = new Set(Object.values(cast).flatMap((entities) => entities.map((entity) => entity.title)));
  const families = [...bySurname].filter(([name, people]) => people.length > 1 && !taken.has(name));
  return [...shared, ...random.sample(families, count)].map(([name, entities]) => ({
    title: name,
    kind: 'disambiguation' as const,
    paragraphs: [`${name} may refer to: ${entities.map((entity) => entity.title).join('; ')}.`],
  }));
}

function writePage(random: Random, cast: Cast, entity: Entity, facts: Fact[]): Page {
  const wording = wordings[entity.sort];
  let count = 0;
  const paragraphs: string[] = [];
  for (const [at, groups] of [wording.lead, ...wording.details].entries()) {
    const sentences: string[] = [];
    // Details come in any order, and a distractor may stand before the fact that shares its keyword.
    for (const group of at === 0 ? groups : random.shuffle(groups)) {
      const gaps = relationGaps(known(group[0]));
      if (gaps.length === 0 ? !chance(random, at === 0 ? 0.3 : 0.5) : gaps.some((gap) => !entity.attributes.has(gap)))
        continue;
      for (const template of random.pick(group).split('|')) {
        for (const relation of relationGaps(template)) {
          facts.push({
            subject: entity,
            relation,
            value: known(entity.attributes.get(relation)),
            sentence: count,
            paragraph: paragraphs.length,
          });
        }
        sentences.push(fill(random, cast, entity, template));
        count++;
      }
    }
    if (sentences.length > 0) paragraphs.push(sentences.join(' '));
  }
  return { title: entity.title, kind: entity.kind, paragraphs };
}

const helpers = new Set(['n', 'pron', 'Pron', 'poss', 'obj', 'noun', 'human', 'anyPerson', 'anyPlace', 'anyYear']);
const relationGaps = (template: string): string[] =>
  [...template.matchAll(/\{(\w+)\}/g)]
    .map((match) => (match[1] === 'River' ? 'river' : known(match[1])))
    .filter((gap) => !helpers.has(gap));

function fill(random: Random, cast: Cast, entity: Entity, template: string): string {
  const person = entity.sort === 'person';
  const text = template.replace(/\{(\w+)\}/g, (_gap, name: string) => {
    switch (name) {
      case 'n':
        return mention(entity);
      case 'pron':
      case 'Pron':
        return person ? (entity.female ? 'she' : 'he') : 'it';
      case 'poss':
        return person ? (entity.female ? 'her' : 'his') : 'its';
      case 'obj':
        return entity.female ? 'her' : 'him';
      case 'human':
        return entity.female ? 'woman' : 'man';
      case 'noun':
        return entity.noun;
      case 'anyPerson':
        return random.pick(cast.person).name;
      case 'anyPlace':
        return random.pick(cast.settlement).name;
      case 'anyYear':
        return String(ownYear(entity) + 20 + random.int(40));
      default:
        return written(known(entity.attributes.get(name === 'River' ? 'river' : name)));
    }
  });
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function written(value: Fact['value']): string {
  if (typeof value === 'string') return value;
  if ('title' in value) return mention(value);
  const names = value.map((one) => one.name);
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Distractors must not contradict the page: their years come after the entity's first. */
function ownYear(entity: Entity): number {
  for (const relation of [
    'birthYear',
    'settled',
    'independence',
    'companyYear',
    'published',
    'eventYear',
    'awardYear',
  ]) {
    const year = entity.attributes.get(relation);
    if (typeof year === 'string') return Number(year);
  }
  return 1750;
}
