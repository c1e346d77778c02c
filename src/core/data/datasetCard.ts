import type { TaskCard } from '../task/taskCard.ts';
import type { DatasetManifest } from './dataset.ts';

/** A task card as it is written to a file: fields with a default may be left out. */
export type CardDraft = Omit<TaskCard, 'levels' | 'dataset'> & {
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
 * @param given examples for a data set that we have none for: the questions that a selection leaves out
 */
export function cardFor(manifest: DatasetManifest, folder: string, given: TaskCard['examples']): CardDraft {
  const selection = manifest.selections.find((s) => s.exclude !== undefined && s.only === undefined)?.id ?? 'all';
  return {
    name: manifest.name,
    description: descriptions[manifest.format] ?? `You answer questions of the data set ${manifest.name}.`,
    examples: examples[manifest.format] ?? given,
    metric: manifest.metric,
    ...(manifest.levels.length > 1 ? { levels: manifest.levels } : {}),
    dataset: { folder, selection },
    settings: {
      selfInstruct: {
        // The data's questions are public, and models have read them: nothing near them may be trained on.
        decontaminate: 'overlap',
        ...(manifest.documents > 0 ? { passages: 2 } : {}),
      },
    },
  };
}
