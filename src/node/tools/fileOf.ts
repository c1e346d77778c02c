import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { ToolError } from '../../core/tools/toolError.ts';

/** A file or folder that the task card names, relative to the card. @throws ToolError when it is not there */
export function fileOf(folder: string, path: string): string {
  const full = isAbsolute(path) ? path : resolve(folder, path);
  if (existsSync(full)) return full;
  throw new ToolError(
    'not-configured',
    `${full} is not there.`,
    'Correct its path in the task card; it is relative to the card.',
  );
}

/** A file that a model names: only within the folder, whatever dots and links it is written with. */
export function fileWithin(folder: string, name: string): string | undefined {
  const full = resolve(folder, name.replace(/\0/g, ''));
  if (!existsSync(full)) return undefined;
  const real = realpathSync(full);
  const inside = relative(realpathSync(folder), real);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? undefined : real;
}
