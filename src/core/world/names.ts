import { createRandom, type Random } from '../run/random.ts';
import { chance } from './draw.ts';

const onsets = 'b br c d dr f g gr h j k kr l m n p r s sk st t th tr v w z'.split(' ');
const vowels = 'a e i o u a e i o u ae ei ia'.split(' ');
const inner = ['n', 'r', 'l', 's', 'm'];
const codas = ['', '', 'n', 'r', 'l', 's', 'm', 'k', 'd', 'th', 'nd', 'sh', 'v', 'lt', 'x'];

/** Words of all worlds for what has a page, and for what is only mentioned; a world uses most of the first. */
const poolSizes = { titles: 1300, mentions: 500 } as const;

/** Gives the words that the names of one world are made of. */
export interface Namer {
  /** A capitalised word, unlike any that this namer gave before. `syllables`: 2 or 3; either unless told. */
  word(syllables?: number): string;
}

interface Word {
  readonly text: string;
  readonly syllables: number;
}

let pools: Readonly<Record<keyof typeof poolSizes, readonly Word[]>> | undefined;

/**
 * Draws names from a list of invented words that is the same for all worlds: a small model's tokenizer can then hold
 * whole words, and to copy a name is to copy one token or two. Which word names what, and every fact about it, differs
 * from world to world, so names still cannot be guessed. When the list is used up, new words are invented.
 */
export function createNamer(random: Random, of: keyof typeof poolSizes = 'titles'): Namer {
  pools ??= inventPools();
  const free = random.shuffle(pools[of]);
  const used = new Set<string>();
  return {
    word(syllables) {
      const at = free.findIndex((word) => syllables === undefined || word.syllables === syllables);
      const [found] = at < 0 ? [] : free.splice(at, 1);
      const text = found?.text ?? invent(random, used, syllables ?? 3).text;
      used.add(text);
      return text;
    },
  };
}

function inventPools(): Record<keyof typeof poolSizes, readonly Word[]> {
  const random = createRandom('names of all worlds');
  const used = new Set<string>();
  const pool = (size: number): Word[] =>
    Array.from({ length: size }, () => invent(random, used, chance(random, 0.65) ? 2 : 3));
  return { titles: pool(poolSizes.titles), mentions: pool(poolSizes.mentions) };
}

function invent(random: Random, used: Set<string>, syllables: number): Word {
  const syllable = (first: boolean, last: boolean): string => {
    const onset = first && chance(random, 0.12) ? '' : random.pick(onsets);
    const coda = last ? random.pick(codas) : chance(random, 0.3) ? random.pick(inner) : '';
    return onset + random.pick(vowels) + coda;
  };
  for (;;) {
    let word = '';
    for (let i = 0; i < syllables; i++) word += syllable(i === 0, i === syllables - 1);
    const text = word.charAt(0).toUpperCase() + word.slice(1);
    if (text.length < 4 || text.length > 9 || used.has(text)) continue;
    used.add(text);
    return { text, syllables };
  }
}
