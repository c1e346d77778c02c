import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { diskError } from '../store/logFile.ts';
import { TaskError } from '../store/taskError.ts';

/**
 * Fills a folder that nobody sees before it is complete. What stands at its place already is left alone.
 * @throws TaskError `data` when there is something, RunError `disk`
 */
export async function inNewFolder<T>(path: string, fill: (folder: string) => Promise<T>): Promise<T> {
  if (existsSync(path) && readdirSync(path).length > 0)
    throw new TaskError(
      'data',
      `There is something in ${path} already.`,
      'Name another folder with --out, or remove this one.',
    );
  const temporary = `${path}.${process.pid}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
  } catch (error) {
    throw diskError(temporary, error);
  }
  try {
    const result = await fill(temporary);
    if (existsSync(path)) rmdirSync(path);
    renameSync(temporary, path);
    return result;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
