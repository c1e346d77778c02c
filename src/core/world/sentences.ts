/**
 * Splits running text into sentences: after a full stop, question or exclamation mark, where a space and what may
 * begin a sentence follow. Good enough for Lookup, whose unit is the sentence; generated pages split exactly.
 */
export function splitSentences(paragraph: string): string[] {
  return paragraph.split(/(?<=[.!?]["”’)]?) (?=["“‘(]?[\p{Lu}\p{Lt}\p{N}])/u).filter((sentence) => sentence !== '');
}
