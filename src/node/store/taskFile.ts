import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import { DatasetManifest, selectQuestions } from '../../core/data/dataset.ts';
import { parseQuestion, type GoldQuestion } from '../../core/task/question.ts';
import { TaskCard } from '../../core/task/taskCard.ts';
import { generateQuestions } from '../../core/world/questions.ts';
import type { DocumentSet } from '../../core/tools/documentSet.ts';
import { generateWorld } from '../../core/world/world.ts';
import { HeldDocuments } from '../documents/heldDocuments.ts';
import { openDocuments, type OpenDocumentsOptions } from '../documents/openDocuments.ts';
import { readJsonLines } from './jsonLines.ts';
import { readText } from './readText.ts';
import { schemaFaults } from './schemaFaults.ts';
import { TaskError } from './taskError.ts';

/** Reads a task card. @throws TaskError that lists every fault with its place. */
export function loadTaskCard(path: string): TaskCard {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    if (error instanceof TaskError) throw error;
    throw new TaskError(
      'task-card',
      `There is no task card at ${path}.`,
      'Make one with "AutoAct: New Task Card" in the editor, or copy starter/starter.task.json.',
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TaskError(
      'task-card',
      `The task card ${path} is not JSON: ${error instanceof Error ? error.message : ''}.`,
      'Open it in the editor: the fault is underlined.',
    );
  }
  const parsed = TaskCard.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TaskError(
    'task-card',
    `The task card ${path} has faults:\n${schemaFaults(parsed.error, '(card)')
      .map((line) => `  ${line}`)
      .join('\n')}`,
    'Open it in the editor: each fault is underlined there.',
  );
}

export interface TaskData {
  readonly documents: DocumentSet;
  readonly questions: readonly GoldQuestion[];
  /** In words, for reports. */
  readonly description: string;
}

/** Questions a level that a generated world is evaluated with. */
export const worldQuestionsPerLevel = 100;

/** The task's evaluation questions alone, where its documents are not needed. @throws TaskError */
export function loadTaskQuestions(task: TaskCard, taskFile: string): readonly GoldQuestion[] {
  const folder = dirname(taskFile);
  if (task.world !== undefined) return worldData(task.world.seed).questions;
  if (task.dataset !== undefined)
    return selectedQuestions(locate(folder, task.dataset.folder), task.dataset.selection).questions;
  return task.questions === undefined ? [] : loadQuestions(locate(folder, task.questions));
}

/** The task's documents and evaluation questions: files beside the card, or a generated world. @throws TaskError */
export async function openTaskData(task: TaskCard, taskFile: string, options: OpenDocumentsOptions): Promise<TaskData> {
  if (task.world !== undefined) return worldData(task.world.seed);
  const folder = dirname(taskFile);
  if (task.dataset !== undefined) {
    if (task.questions !== undefined || task.documents !== undefined)
      throw new TaskError(
        'task-card',
        `The task card ${taskFile} names a dataset and files of its own.`,
        'Leave out "questions" and "documents", or "dataset".',
      );
    return openDataset(locate(folder, task.dataset.folder), task.dataset.selection, options);
  }
  return {
    documents:
      task.documents === undefined
        ? new HeldDocuments([])
        : await openDocuments(locate(folder, task.documents), options),
    questions: task.questions === undefined ? [] : loadQuestions(locate(folder, task.questions)),
    description: task.questions ?? 'no questions',
  };
}

/** Reads what `autoact import` has written. @throws TaskError */
export function loadManifest(folder: string): DatasetManifest {
  const path = join(folder, 'dataset.json');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new TaskError(
      'data',
      `There is no imported dataset in ${folder}.`,
      'Make one with autoact import, or correct the folder.',
    );
  }
  const manifest = DatasetManifest.safeParse(value);
  if (manifest.success) return manifest.data;
  throw new TaskError('data', `${path} is not what autoact import writes.`, 'Import the dataset again.');
}

function selectedQuestions(folder: string, selectionId: string) {
  const manifest = loadManifest(folder);
  const selection = manifest.selections.find((s) => s.id === selectionId);
  if (selection === undefined)
    throw new TaskError(
      'data',
      `The dataset in ${folder} has no selection "${selectionId}".`,
      `It has ${manifest.selections.map((s) => `${s.id} (${s.count})`).join(', ')}.`,
    );
  return { manifest, selection, questions: selectQuestions(loadQuestions(join(folder, 'questions.jsonl')), selection) };
}

/** Questions of a selection, and all documents, of an imported dataset. @throws TaskError */
export async function openDataset(
  folder: string,
  selectionId: string,
  options: OpenDocumentsOptions,
): Promise<TaskData> {
  const { manifest, selection, questions } = selectedQuestions(folder, selectionId);
  return {
    documents:
      manifest.documents === 0 ? new HeldDocuments([]) : await openDocuments(join(folder, 'documents.jsonl'), options),
    questions,
    description: `${manifest.name}, selection ${selection.id}: ${questions.length} questions. ${selection.note}`,
  };
}

export function worldData(seed: number): TaskData {
  const world = generateWorld({ seed });
  const questions = generateQuestions(world, { seed, perLevel: worldQuestionsPerLevel });
  return {
    documents: new HeldDocuments(world.pages),
    questions: questions.map(({ id, question, answer, level, type }) => ({ id, question, answer, level, type })),
    description: `generated world, seed ${seed}`,
  };
}

export function loadQuestions(path: string): GoldQuestion[] {
  return readJsonLines(path).map(({ value, line }) => {
    try {
      return parseQuestion(value);
    } catch (error) {
      throw new TaskError(
        'data',
        `Line ${line} of ${path} is no question: ${error instanceof z.ZodError ? (error.issues[0]?.message ?? '') : ''}.`,
        'A question is {"id": …, "question": …, "answer": …, "level": …}.',
      );
    }
  });
}

function locate(folder: string, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}
