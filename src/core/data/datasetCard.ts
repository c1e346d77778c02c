import type * as z from 'zod';
import type { TaskCard } from '../task/taskCard.ts';
import type { ToolList } from '../tools/toolConfig.ts';
import type { DatasetManifest } from './dataset.ts';

/** A task card as it is written to a file: fields with a default may be left out. */
export type CardDraft = Omit<TaskCard, 'levels' | 'dataset' | 'tools'> & {
  readonly tools?: z.input<typeof ToolList>;
  readonly levels?: readonly string[];
  readonly dataset: { readonly folder: string; readonly selection: string };
};

/** Examples of our own, in the style of a data set: none of its questions may show the way to its answers. */
const examples: Readonly<Record<string, TaskCard['examples']>> = {
  hotpotqa: [
    {
      question: 'Which river flows through the capital of the country whose flag shows a cedar?',
      answer: 'Beirut River',
    },
    { question: 'Were the composers of The Four Seasons and The Magic Flute born in the same country?', answer: 'no' },
  ],
  scienceqa: [
    {
      question: 'Which of these is a solid at room temperature?',
      choices: ['milk', 'a nail', 'air'],
      answer: 'B',
    },
    {
      question: 'Which word would be on a dictionary page with the guide words lake and lion?',
      choices: ['lamp', 'loud'],
      answer: 'A',
    },
  ],
};

const descriptions: Readonly<Record<string, string>> = {
  hotpotqa: 'You answer questions that need facts from more than one page of an encyclopedia.',
  scienceqa: 'You answer multiple-choice questions of school science; some come with an image.',
};

/**
 * A task card that points at an imported dataset.
 * @param folder of the dataset, relative to the card
 * @param images folder of the image files, relative to the card, where the questions come with any
 * @param given examples for a data set that we have none for: the questions that a selection leaves out
 */
export function cardFor(
  manifest: DatasetManifest,
  folder: string,
  given: TaskCard['examples'],
  images?: string,
): CardDraft {
  const selection = manifest.selections.find((s) => s.exclude !== undefined && s.only === undefined)?.id ?? 'all';
  return {
    name: manifest.name,
    description: descriptions[manifest.format] ?? `You answer questions of the data set ${manifest.name}.`,
    examples: examples[manifest.format] ?? given,
    metric: manifest.metric,
    ...(manifest.levels.length > 1 ? { levels: manifest.levels } : {}),
    dataset: { folder, selection },
    ...((manifest.images ?? 0) > 0 ? { tools: imageTools(images) } : {}),
    settings: {
      selfInstruct: {
        // The data's questions are public, and models have read them: nothing near them may be trained on.
        decontaminate: 'overlap',
        ...(manifest.documents > 0 ? { passages: 2 } : {}),
      },
    },
  };
}

/** Stored captions first; text recognition where there are none and the files are there. */
function imageTools(images: string | undefined): NonNullable<CardDraft['tools']> {
  const captions = { tool: 'Image2Text', provider: 'captions', offer: true } as const;
  return images === undefined ? [captions] : [captions, { tool: 'Image2Text', provider: 'ocr', images, offer: true }];
}
