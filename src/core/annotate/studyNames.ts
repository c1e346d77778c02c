/** Names in a study: annotators' are names of files, methods' are words in figures, and case alone tells nobody apart. */

export const annotatorPattern = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,39}$/u;
/** What is wrong with a name that does not fit, for English messages. */
export const annotatorRule = 'Letters, digits, . - and _, at most 40.';

export const isAnnotatorName = (text: string): boolean => annotatorPattern.test(text);

/** Upper and lower case are one file on some systems. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The first name that is there twice. */
export const namedTwice = (names: readonly string[]): string | undefined =>
  names.find((name, i) => names.findIndex((other) => sameName(other, name)) !== i);

/** Ids of methods from whatever their folders and systems are called, in the same order, no two of them the same. */
export function methodIds(names: readonly string[]): string[] {
  const ids: string[] = [];
  for (const name of names) {
    const plain = name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^\w-]+/g, '-')
      .replace(/^[^a-z0-9]+/i, '')
      .slice(0, 30);
    const id = plain === '' ? 'method' : plain;
    let own = id;
    for (let n = 2; ids.some((other) => sameName(other, own)); n++) own = `${id}-${n}`;
    ids.push(own);
  }
  return ids;
}
