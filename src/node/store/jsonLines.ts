import { readText } from './readText.ts';
import { TaskError } from './taskError.ts';

/** The objects of a JSON Lines file with their line numbers; blank lines are skipped. @throws TaskError */
export function readJsonLines(path: string): { value: unknown; line: number }[] {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  return text.split('\n').flatMap((raw, i) => {
    if (raw.trim() === '') return [];
    try {
      return [{ value: JSON.parse(raw) as unknown, line: i + 1 }];
    } catch {
      throw new TaskError(
        'data',
        `Line ${i + 1} of ${path} is not JSON.`,
        'The file must hold one JSON object a line.',
      );
    }
  });
}

/** What to say of a file that `readText` did not read. */
export const unreadable = (path: string, error: unknown): TaskError =>
  error instanceof TaskError
    ? error
    : new TaskError(
        'data',
        `${path} cannot be read.`,
        'Correct its path in the task card; it is relative to the card.',
      );
