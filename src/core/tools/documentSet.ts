/** A document as tools and self-instruct read it. */
export interface Document {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

/** What Search, Retrieve and Lookup ask of a set of documents. */
export interface PageSource {
  /** Upper and lower case are one, and so are runs of blanks. */
  page(title: string): Document | undefined;
  /** Full-text search. Titles, best first; none where nothing matches. */
  search(query: string, limit: number): readonly string[];
  /** Titles that look most like this one, best first. */
  similar(title: string, limit: number): readonly string[];
}

/** What passages are drawn from: documents by their index, and which of them mention which. */
export interface LinkedDocuments {
  readonly count: number;
  document(index: number): Document | undefined;
  /** Documents whose titles occur in the first paragraph of this one. */
  links(index: number): readonly number[];
  /** Documents that mention what this one mentions. */
  siblings(index: number): readonly number[];
}

/** The documents of a task, wherever they are kept: in memory, or in an index on the disk. */
export interface DocumentSet extends PageSource {
  readonly count: number;
  /** SHA-256 of what they say. */
  readonly sha256: string;
  readonly linked: LinkedDocuments;
}

/** Titles are told apart by their words alone; quotation marks around one are the asker's. */
export function titleKey(title: string): string {
  return tidy(title).toLowerCase();
}

export function tidy(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/^["'“”‘’`]+|["'“”‘’`]+$/g, '')
    .trim();
}

/** Letter trigrams of a title. */
export function trigrams(text: string): Set<string> {
  const padded = `  ${titleKey(text)} `;
  const grams = new Set<string>();
  for (let i = 0; i + 3 <= padded.length; i++) grams.add(padded.slice(i, i + 3));
  return grams;
}

/** Dice's coefficient of two sets of trigrams. */
export function alike(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return (2 * shared) / (a.size + b.size);
}

/** Titles in the order of their likeness, equal ones by the alphabet. */
export function mostAlike(
  title: string,
  candidates: Iterable<{ readonly title: string; readonly grams: ReadonlySet<string> }>,
  limit: number,
): string[] {
  const wanted = trigrams(title);
  return [...candidates]
    .map((candidate) => ({ title: candidate.title, score: alike(wanted, candidate.grams) }))
    .sort((a, b) => b.score - a.score || (a.title < b.title ? -1 : 1))
    .slice(0, limit)
    .map((found) => found.title);
}
