import { readRecords, detectFormat } from './records.ts';

export type GuessedKind = 'hotpotqa' | 'scienceqa' | 'table' | 'trajectories';

/** Records that are looked at; the first of a file may be damaged. */
const looked = 5;

/** What kind of data a file seems to hold, by the fields of its first records. @throws TaskError when it cannot be read */
export async function guessKind(path: string): Promise<GuessedKind> {
  let seen = 0;
  for await (const { value } of readRecords(path, detectFormat(path))) {
    if (typeof value === 'object' && value !== null) {
      if ('prompt' in value && 'halted' in value && 'question' in value) return 'trajectories';
      if ('supporting_facts' in value && 'context' in value) return 'hotpotqa';
      if ('choices' in value && 'lecture' in value && 'hint' in value) return 'scienceqa';
    }
    if (++seen >= looked) break;
  }
  return 'table';
}
