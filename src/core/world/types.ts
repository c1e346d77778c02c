/** A fictional encyclopedia and questions over it; see ARCHITECTURE.md, "The starter world". */

export type EntityKind = 'person' | 'place' | 'country' | 'company' | 'work' | 'event' | 'award' | 'disambiguation';

/** A page of the encyclopedia: plain text only. */
export interface Page {
  readonly title: string;
  readonly kind: EntityKind;
  /** Paragraphs of whole sentences; the first is the lead, at most five sentences. */
  readonly paragraphs: readonly string[];
}

/** A fact that a question rests on: the page, and the index of the sentence counted through all its paragraphs. */
export interface SupportingFact {
  readonly title: string;
  readonly sentence: number;
}

export type Level = 'easy' | 'medium' | 'hard';

/** One step of reasoning: `subject` has `value` for `relation`; a program for corpus writers, never shown to a method. */
export interface Hop {
  readonly subject: string;
  readonly relation: string;
  readonly value: string;
}

export interface WorldQuestion {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly level: Level;
  /** e.g. `attribute`, `bridge`, `comparison`, `chain`, `intersection`, `superlative`, `count`. */
  readonly type: string;
  readonly supporting: readonly SupportingFact[];
  readonly hops: readonly Hop[];
}

export interface World {
  readonly seed: number;
  readonly pages: readonly Page[];
}
