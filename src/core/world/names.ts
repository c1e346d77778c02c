import type { Random } from '../run/random.ts';
import { chance } from './draw.ts';

const onsets = 'b br c d dr f g gr h j k kr l m n p r s sk st t th tr v w z'.split(' ');
const vowels = 'a e i o u a e i o u ae ei ia'.split(' ');
const inner = ['n', 'r', 'l', 's', 'm'];
const codas = ['', '', 'n', 'r', 'l', 's', 'm', 'k', 'd', 'th', 'nd', 'sh', 'v', 'lt', 'x'];

/** Invents words that exist nowhere else, so that they must be copied and cannot be guessed. */
export interface Namer {
  /** A capitalised word of `syllables` syllables (two or three unless told), unlike any that this namer gave before. */
  word(syllables?: number): string;
}

export function createNamer(random: Random): Namer {
  const used = new Set<string>();
  const syllable = (first: boolean, last: boolean): string => {
    const onset = first && chance(random, 0.12) ? '' : random.pick(onsets);
    const coda = last ? random.pick(codas) : chance(random, 0.3) ? random.pick(inner) : '';
    return onset + random.pick(vowels) + coda;
  };
  return {
    word(syllables) {
      for (;;) {
        const count = syllables ?? (chance(random, 0.65) ? 2 : 3);
        let word = '';
        for (let i = 0; i < count; i++) word += syllable(i === 0, i === count - 1);
        if (word.length < 4 || word.length > 9 || used.has(word)) continue;
        used.add(word);
        return word.charAt(0).toUpperCase() + word.slice(1);
      }
    },
  };
}
