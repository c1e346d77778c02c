import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { basename, dirname, join, relative } from 'node:path';
import type { DatasetManifest } from '../../core/data/dataset.ts';
import { cardFor, type CardDraft } from '../../core/data/datasetCard.ts';
import { parseQuestion } from '../../core/task/question.ts';
import { writeFileAtomic } from '../store/atomicFile.ts';

/** Writes a task card for an imported dataset beside its folder. @returns the card's path */
export async function writeDatasetCard(
  folder: string,
  manifest: DatasetManifest,
  card = join(dirname(folder), `${basename(folder)}.task.json`),
): Promise<string> {
  const draft: CardDraft = cardFor(
    manifest,
    relative(dirname(card), folder).replaceAll('\\', '/'),
    await firstQuestions(folder),
  );
  writeFileAtomic(card, `${JSON.stringify(draft, null, 2)}\n`);
  return card;
}

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
