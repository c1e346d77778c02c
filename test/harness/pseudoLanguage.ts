import { readFileSync } from 'node:fs';
import { bundleFile } from '../../scripts/l10n.mjs';

/** A language that is made up: a text that lacks its brackets was not translated. */
export const pseudo = (text: string): string =>
  `⟦${text.replace(/\{\d+\}|[aeiou]/g, (part) => (part.length > 1 ? part : `${part}\u0301`))}⟧`;

/** What the host and its panels say, by key; in English both are the same. */
export const bundle = JSON.parse(readFileSync(bundleFile, 'utf8')) as Readonly<Record<string, string>>;

/** The bundle of the made-up language. */
export const pseudoBundle = Object.fromEntries(Object.keys(bundle).map((text) => [text, pseudo(text)]));
