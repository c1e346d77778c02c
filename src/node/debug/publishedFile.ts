import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DebugError } from '../../core/debug/debugError.ts';
import {
  PublishedScore,
  PublishedTrajectory,
  readPublishedLine,
  type PublishedRow,
} from '../../core/data/publishedTrajectory.ts';

/**
 * One trajectory of the published code: of a file of theirs, or of a folder that was imported.
 * @param line counting from 1
 * @throws DebugError `launch`
 */
export async function readPublished(path: string, line: number): Promise<PublishedRow> {
  const name = basename(path);
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch {
    throw new DebugError('launch', `There are no trajectories at ${path}.`);
  }
  try {
    if (!isFolder) return readPublishedLine(await lineOf(path, line), `${name.replace(/\.jsonl?$/, '')}/${line}`);
    return {
      trajectory: PublishedTrajectory.parse(JSON.parse(await lineOf(join(path, 'trajectories.jsonl'), line))),
      score: PublishedScore.parse(JSON.parse(await lineOf(join(path, 'scores.jsonl'), line))),
    };
  } catch (error) {
    if (DebugError.is(error)) throw error;
    throw new DebugError(
      'launch',
      `Line ${line} of ${name} is no trajectory of the published code: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** A file of trajectories as `readPublished` wants it: of what was imported, the folder, since gold stands apart there. */
export function publishedPlace(file: string): string {
  const isImported = basename(file) === 'trajectories.jsonl' && existsSync(join(dirname(file), 'scores.jsonl'));
  return isImported ? dirname(file) : file;
}

/** How many trajectories a file or folder holds. */
export async function countPublished(path: string): Promise<number> {
  const file = statSync(path).isDirectory() ? join(path, 'trajectories.jsonl') : path;
  let count = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity }))
    if (text.trim() !== '') count++;
  return count;
}

async function lineOf(file: string, wanted: number): Promise<string> {
  const stream = createReadStream(file, 'utf8');
  try {
    let number = 0;
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity }))
      if (++number === wanted) return text;
  } finally {
    stream.destroy();
  }
  throw new DebugError('launch', `${basename(file)} has no line ${wanted}.`);
}
