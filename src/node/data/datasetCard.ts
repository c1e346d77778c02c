import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { basename, dirname, join, relative } from 'node:path';
import type { DatasetManifest } from '../../core/data/dataset.ts';
import { cardFor, type CardDraft } from '../../core/data/datasetCard.ts';
import { parseQuestion } from '../../core/task/question.ts';
import type { DatasetKind } from './importDataset.ts';
import { writeFileAtomic } from '../store/atomicFile.ts';

/** Writes a task card for an imported dataset beside its folder. @returns the card's path */
export async function writeDatasetCard(
  folder: string,
  manifest: DatasetManifest,
  options: { readonly images?: string } = {},
): Promise<string> {
  const card = join(dirname(folder), `${basename(folder)}.task.json`);
  const fromCard = (path: string): string => relative(dirname(card), path).replaceAll('\\', '/');
  const draft: CardDraft = cardFor(
    manifest,
    fromCard(folder),
    await firstQuestions(folder),
    options.images === undefined ? undefined : fromCard(options.images),
  );
  writeFileAtomic(card, `${JSON.stringify(draft, null, 2)}\n`);
  return card;
}

/** What the card says of image files. */
export const imagesOf = (source: DatasetKind): { images?: string } =>
  source.kind === 'scienceqa' && source.images !== undefined ? { images: source.images } : {};

async function firstQuestions(folder: string): Promise<CardDraft['examples']> {
  const found: CardDraft['examples'] = [];
  const lines = createInterface({ input: createReadStream(join(folder, 'questions.jsonl')) });
  for await (const line of lines) {
    const { question, answer, choices } = parseQuestion(JSON.parse(line));
    found.push({ question, answer, ...(choices === undefined ? {} : { choices: [...choices] }) });
    if (found.length === 2) break;
  }
  lines.close();
  return found;
}
