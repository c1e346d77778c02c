import * as z from 'zod';
import { ToolList } from '../tools/toolConfig.ts';

/** A task card, `*.task.json`: what a researcher writes to grow an agent. */

export const Example = z
  .object({
    question: z.string().min(1).describe('A question of the kind that the agent should answer.'),
    answer: z.string().min(1).describe('Its short answer.'),
    choices: z.array(z.string()).optional().describe('Options of a multiple-choice question, in order A, B, C, …'),
    level: z.string().optional().describe('Difficulty level, one of the card’s levels.'),
  })
  .strict();

export const TaskCard = z
  .object({
    $schema: z.string().optional(),
    name: z.string().min(1).max(80).describe('Name of the task, as shown in views and reports.'),
    description: z.string().min(1).describe('What the agent does, in a sentence or two. Every prompt begins with it.'),
    examples: z.array(Example).min(1).describe('A handful of example questions with answers. Two are enough.'),
    metric: z
      .enum(['f1', 'em', 'choice'])
      .describe('How an answer is scored: token F1, exact match, or option letter.'),
    levels: z
      .array(z.string())
      .default([])
      .describe('Difficulty levels, from easy to hard, as they occur in the question file.'),
    tools: ToolList.optional().describe(
      'Tools to use, by name or with their provider. Left out, the Meta-Agent selects them from the library; entries with "offer": true are added to it.',
    ),
    questions: z
      .string()
      .optional()
      .describe(
        'Path of the evaluation questions (JSON Lines with id, question, answer, level), relative to this card.',
      ),
    documents: z
      .string()
      .optional()
      .describe(
        'Path of what Search, Retrieve and Lookup read, relative to this card: a folder of .txt, .md, .json and .jsonl files, or one of them. A JSON page is {"title", "paragraphs"} or {"title", "text"}.',
      ),
    dataset: z
      .object({
        folder: z.string().min(1).describe('Folder of an imported dataset, relative to this card.'),
        selection: z
          .string()
          .min(1)
          .default('all')
          .describe('Which of its questions to evaluate on, as dataset.json names them: all, clean, dev-only, …'),
      })
      .strict()
      .optional()
      .describe(
        'An imported dataset with its questions and documents, instead of files of your own. See autoact import.',
      ),
    world: z
      .object({ seed: z.number().int().nonnegative() })
      .strict()
      .optional()
      .describe('Use the generated starter encyclopedia of this seed instead of documents and questions.'),
    settings: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Run settings that differ from the defaults for this task; see the settings reference.'),
  })
  .strict();
export type TaskCard = z.infer<typeof TaskCard>;
