import { readFileSync } from 'node:fs';
import { inRoot } from '../../scripts/lib/project.mjs';

const read = (file: string): unknown => JSON.parse(readFileSync(inRoot(file), 'utf8'));

/** package.json as it is written, with `%key%` for its words. */
export const writtenManifest = (): unknown => read('package.json');

/** The words by key. */
export const manifestWords = (): Readonly<Record<string, string>> =>
  read('package.nls.json') as Readonly<Record<string, string>>;

/** Key that a text of the manifest stands for; undefined for any other value. */
export const wordKey = (value: unknown): string | undefined =>
  typeof value === 'string' ? /^%([\w.-]+)%$/.exec(value)?.[1] : undefined;

/** The manifest as VS Code sees it: with its words in place. Throws where a key has none. */
export function readManifest(): unknown {
  const words = manifestWords();
  return JSON.parse(readFileSync(inRoot('package.json'), 'utf8'), (_name, value: unknown) => {
    const key = wordKey(value);
    if (key === undefined) return value;
    const text = words[key];
    if (text === undefined) throw new Error(`package.nls.json lacks ${key}`);
    return text;
  });
}
