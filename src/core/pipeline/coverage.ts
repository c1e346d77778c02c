import { wordsOf } from '../dedupe/vocabulary.ts';

/** What a question asks for, by its opening: the cells over which a database should spread. */
export const questionKinds = [
  'yes or no',
  'who',
  'when',
  'where',
  'how many',
  'which',
  'what',
  'why or how',
  'other',
] as const;
export type QuestionKind = (typeof questionKinds)[number];

const openings: readonly (readonly [QuestionKind, RegExp])[] = [
  ['yes or no', /^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would) /],
  ['how many', /\bhow (?:many|much|long|old|far|large|tall|high)\b/],
  ['when', /^when\b|\b(?:what|which) (?:year|day|date|month|century|decade)\b/],
  ['where', /^where\b|\b(?:what|which) (?:city|country|place|town|state|county|river|village)\b/],
  ['who', /\b(?:who|whom|whose)\b/],
  ['which', /\bwhich\b/],
  ['what', /\bwhat\b/],
  ['why or how', /\b(?:why|how)\b/],
];

export function questionKind(question: string): QuestionKind {
  const text = wordsOf(question).join(' ');
  return openings.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other';
}

/** A question without its names and numbers: `When was Ada Lovelace born?` is `when was * born`. */
export function questionForm(question: string): string {
  const words = question.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const form: string[] = [];
  for (const [i, word] of words.entries()) {
    const named = i > 0 && /^[^\p{L}\p{N}]*[\p{Lu}\p{N}]/u.test(word);
    const part = named ? '*' : wordsOf(word).join(' ');
    if (part !== '*' || form.at(-1) !== '*') form.push(part);
  }
  return form.join(' ');
}

export type AnswerKind = 'yes or no' | 'number' | 'option' | 'one word' | 'few words' | 'long';

export function answerKind(answer: string, options: readonly string[] = []): AnswerKind {
  const words = wordsOf(answer);
  if (options.length > 0) return 'option';
  if (words.length === 1 && /^(?:yes|no)$/.test(words[0] ?? '')) return 'yes or no';
  if (/^[\d\s.,%$€£-]+$/.test(answer.trim())) return 'number';
  return words.length === 1 ? 'one word' : words.length <= 4 ? 'few words' : 'long';
}

/** How well a database covers what could be asked; `coverage.json` of a run. Shares in 0..1. */
export interface CoverageReport {
  readonly questions: number;
  readonly kinds: Readonly<Record<QuestionKind, number>>;
  readonly answers: Readonly<Partial<Record<AnswerKind, number>>>;
  /** Evenness of the kinds: entropy over that of an even spread. */
  readonly evenness: number;
  /** Different forms of question; see {@link questionForm}. */
  readonly forms: number;
  /** Different pairs of neighbouring words, as a share of all. */
  readonly distinctBigrams: number;
  /** Different answers, as a share of the questions. */
  readonly distinctAnswers: number;
  /** Documents that a kept question was written from, of those there are. Absent without documents. */
  readonly documents?: { readonly used: number; readonly of: number };
}

export function coverageOf(
  database: readonly {
    readonly question: string;
    readonly answer: string;
    readonly choices?: readonly string[];
    readonly source: { readonly passages: readonly string[] };
  }[],
  documents: number,
): CoverageReport {
  const kinds = Object.fromEntries(questionKinds.map((kind) => [kind, 0])) as Record<QuestionKind, number>;
  const answers: Partial<Record<AnswerKind, number>> = {};
  const bigrams = new Set<string>();
  const used = new Set<string>();
  let pairs = 0;
  for (const { question, answer, choices, source } of database) {
    kinds[questionKind(question)]++;
    const kind = answerKind(answer, choices);
    answers[kind] = (answers[kind] ?? 0) + 1;
    const words = wordsOf(question);
    for (let i = 1; i < words.length; i++) {
      bigrams.add(`${words[i - 1] ?? ''} ${words[i] ?? ''}`);
      pairs++;
    }
    for (const title of source.passages) used.add(title);
  }
  const n = database.length;
  const entropy = Object.values(kinds).reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / n) * Math.log(count / n)),
    0,
  );
  return {
    questions: n,
    kinds,
    answers,
    evenness: n === 0 ? 0 : entropy / Math.log(questionKinds.length),
    forms: new Set(database.map((i) => questionForm(i.question))).size,
    distinctBigrams: pairs === 0 ? 0 : bigrams.size / pairs,
    distinctAnswers: n === 0 ? 0 : new Set(database.map((i) => wordsOf(i.answer).join(' '))).size / n,
    ...(documents === 0 ? {} : { documents: { used: used.size, of: documents } }),
  };
}
