/**
 * Answer normalisation and the two string metrics of HotpotQA's official evaluation script, written to agree with
 * Python's string functions on all of Unicode (research: methods 1.6).
 */

/** Python's `string.punctuation`. */
const punctuation = /[!-/:-@[-`{-~]/g;
/**
 * An article as a whole word. JavaScript's `\b` knows ASCII only, Python's knows every letter: with `\b` the "a" of
 * "São" would stand alone.
 */
const article = /(?<![\p{L}\p{N}_])(?:an|a|the)(?![\p{L}\p{N}_])/gu;
/** What Python's `str.split()` splits at; JavaScript's `\s` lacks U+001C..1F and U+0085 and has U+FEFF. */
const space = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** Lower case, no ASCII punctuation, no articles, single spaces. */
export function normaliseAnswer(text: string): string {
  return words(text).join(' ');
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .replace(punctuation, '')
    .replace(article, ' ')
    .split(space)
    .filter((word) => word !== '');
}

/** Equality after normalisation. */
export function exactMatch(prediction: string, gold: string): boolean {
  return normaliseAnswer(prediction) === normaliseAnswer(gold);
}

const verdicts = new Set(['yes', 'no', 'noanswer']);

/**
 * Token F1 in 0..1. A yes, no or "noanswer" on either side scores nothing unless both sides are equal, so that
 * "yes, it is" earns no part of "yes". Two empty answers match exactly and still have F1 0, as in the original.
 */
export function tokenF1(prediction: string, gold: string): number {
  const predicted = words(prediction);
  const expected = words(gold);
  const predictedText = predicted.join(' ');
  const expectedText = expected.join(' ');
  if (predictedText !== expectedText && (verdicts.has(predictedText) || verdicts.has(expectedText))) return 0;

  const left = new Map<string, number>();
  for (const word of expected) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of predicted) {
    const count = left.get(word) ?? 0;
    if (count > 0) {
      shared += 1;
      left.set(word, count - 1);
    }
  }
  if (shared === 0) return 0;
  const precision = shared / predicted.length;
  const recall = shared / expected.length;
  return (2 * precision * recall) / (precision + recall);
}

/**
 * Reduces an answer to its leading yes or no ("Yes, both are" becomes "yes"). Only with the flag `lenientYesNo`, and
 * only where gold is yes or no: a title like "No Country for Old Men" must stay whole.
 */
export function leadingYesNo(prediction: string, gold: string): string {
  if (!/^(?:yes|no)$/.test(normaliseAnswer(gold))) return prediction;
  return /^\W*(yes|no)\b/i.exec(prediction)?.[1] ?? prediction;
}
