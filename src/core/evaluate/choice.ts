/**
 * Multiple choice: from what a model said to the option that it meant (research: methods 1.6).
 */

/** Which rule found the option; stored with every score, since the extraction is part of the result. */
export type ChoiceRule =
  'letter' | 'text' | 'contained' | 'overlap' | 'none' | 'reference-letter' | 'reference-text' | 'reference-overlap';

export interface ChoiceMade {
  /** Index of the option; undefined when none was chosen, which counts as wrong. */
  readonly index: number | undefined;
  readonly rule: ChoiceRule;
}

export type ChoiceMode = 'fixed' | 'reference';

export function extractChoice(prediction: string, choices: readonly string[], mode: ChoiceMode): ChoiceMade {
  return mode === 'reference' ? extractAsPublished(prediction, choices) : extractInOrder(prediction, choices);
}

const letterOf = (text: string, count: number): number | undefined => {
  const index = text.toUpperCase().charCodeAt(0) - 65;
  return index >= 0 && index < count ? index : undefined;
};

/** The ways to name an option by its letter, and nothing else besides. */
const namedLetter = [
  /^["'`*]*\(?([a-z])\)?[.):]?["'`*]*$/i,
  /^\(([a-z])\)\s/i,
  /^([A-Z])[.):]\s/,
  /\b(?:answer|option|choice)\s*(?:is\s*)?:?\s*(?:option\s*)?\(?([A-Z])\)?(?![\w'])/i,
];

/**
 * Ordered extraction: a letter, the option's exact text, the one option that the answer contains, a clear overlap of
 * at least half, else no answer. Unlike the published code it never turns silence into option A.
 */
function extractInOrder(prediction: string, choices: readonly string[]): ChoiceMade {
  const text = prediction.trim();
  const plain = bare(text);
  if (plain === '') return { index: undefined, rule: 'none' };
  const options = choices.map(bare);

  // "A" may itself be the text of option C; then the letter is meant only if no option reads like this.
  const exact = options.indexOf(plain);
  for (const pattern of namedLetter) {
    const found = pattern.exec(text)?.[1];
    // "the answer is a dog": a lower-case article after the words is no letter.
    if (found === undefined || (pattern === namedLetter[3] && found === 'a' && !/\ba\W*$/.test(text))) continue;
    const index = letterOf(found, choices.length);
    if (index !== undefined && (exact === -1 || exact === index)) return { index, rule: 'letter' };
  }
  if (exact !== -1) {
    return options.lastIndexOf(plain) === exact ? { index: exact, rule: 'text' } : { index: undefined, rule: 'none' };
  }

  // The longest option wins over one that it contains: "New York City" over "York".
  const contained = options
    .map((option, index) => ({ option, index }))
    .filter(({ option }) => option !== '' && ` ${plain} `.includes(` ${option} `));
  const widest = contained.filter(
    ({ option }) => !contained.some((other) => other.option !== option && ` ${other.option} `.includes(` ${option} `)),
  );
  const [only, another] = widest;
  if (only !== undefined)
    return another === undefined ? { index: only.index, rule: 'contained' } : { index: undefined, rule: 'none' };

  const overlaps = options.map((option) => overlap(option.split(' '), plain.split(' ')));
  const best = Math.max(0, ...overlaps);
  const index = overlaps.indexOf(best);
  if (best >= 0.5 && overlaps.lastIndexOf(best) === index) return { index, rule: 'overlap' };
  return { index: undefined, rule: 'none' };
}

/** Lower case, punctuation as spaces, single spaces. Keeps articles: options may differ by them. */
function bare(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}+\-−°%$€£.]+/gu, ' ')
    .replace(/(?<!\d)\.|\.(?!\d)/g, ' ')
    .trim()
    .replace(/\s+/g, ' ');
}

/**
 * As the paper's code scores: one upper-case letter from A to E within range, else the lower-cased answer against the
 * lower-cased options by word overlap, ties to the first. So "" and "b" become option A, which is kept on purpose:
 * this mode exists to repeat published numbers.
 */
function extractAsPublished(prediction: string, choices: readonly string[]): ChoiceMade {
  const letter = 'ABCDE'.slice(0, choices.length).indexOf(prediction);
  if (prediction.length === 1 && letter !== -1) return { index: letter, rule: 'reference-letter' };
  const said = prediction.toLowerCase();
  const options = choices.map((choice) => choice.toLowerCase());
  const exact = options.indexOf(said);
  if (exact !== -1) return { index: exact, rule: 'reference-text' };
  const scores = options.map((option) =>
    option.includes(' ') || said.includes(' ') ? overlap(option.split(' '), said.split(' ')) : 0,
  );
  return { index: scores.indexOf(Math.max(...scores)), rule: 'reference-overlap' };
}

/** Shared different words over the longer word count. */
function overlap(a: readonly string[], b: readonly string[]): number {
  const inB = new Set(b);
  return [...new Set(a)].filter((word) => inB.has(word)).length / Math.max(a.length, b.length);
}

/** Gold as a letter or as an option's text. Undefined when it names no option. */
export function goldChoice(gold: string, choices: readonly string[]): number | undefined {
  const text = gold.trim();
  const exact = choices.findIndex((choice) => choice.trim().toLowerCase() === text.toLowerCase());
  if (exact !== -1) return exact;
  return /^\(?[a-z]\)?\.?$/i.test(text) ? letterOf(text.replace(/\W/g, ''), choices.length) : undefined;
}
