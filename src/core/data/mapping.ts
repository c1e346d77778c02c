import * as z from 'zod';
import type { Document } from '../tools/documentSet.ts';
import { RowRefused, type ImportedRow } from './dataset.ts';

const Field = z.string().min(1);

/** Which column of a table holds what. A column is a name, or a path of names with dots for nested JSON. */
export const Mapping = z
  .object({
    question: Field.describe('The question.'),
    answer: Field.describe('The gold answer.'),
    id: Field.optional().describe('An id; the row’s number when left out.'),
    level: Field.optional().describe('A difficulty level.'),
    type: Field.optional().describe('A kind of question.'),
    choices: z
      .union([Field, z.array(Field).min(2)])
      .optional()
      .describe('One column with a list of options, or one column for each option.'),
    /** Where the options stand in one column as text. */
    separator: z.string().min(1).default('|'),
    /** How the answer names its option. */
    answerIs: z.enum(['text', 'letter', 'index0', 'index1']).default('text'),
    title: Field.optional().describe('Title of a document that belongs to the row.'),
    text: Field.optional().describe('Text of that document.'),
  })
  .strict()
  .refine((m) => (m.title === undefined) === (m.text === undefined), {
    message: 'A document needs both "title" and "text".',
  });
export type Mapping = z.infer<typeof Mapping>;

/** The columns that a mapping can name, for dialogues and help. */
export const mappingFields = ['question', 'answer', 'id', 'level', 'type', 'choices', 'title', 'text'] as const;

/** @param number of the row, from 1. @throws RowRefused */
export function readMappedRow(value: unknown, mapping: Mapping, number: number): ImportedRow {
  const text = (field: string | undefined): string => (field === undefined ? '' : textOf(at(value, field)));
  const question = text(mapping.question);
  const given = text(mapping.answer);
  if (question === '') throw new RowRefused(`nothing under "${mapping.question}"`);
  if (given === '') throw new RowRefused(`nothing under "${mapping.answer}"`);
  const choices = mapping.choices === undefined ? undefined : choicesOf(value, mapping.choices, mapping.separator);
  if (choices !== undefined && choices.length < 2) throw new RowRefused('fewer than two options');
  const repaired: string[] = [];
  const id = text(mapping.id);
  if (mapping.id !== undefined && id === '') repaired.push('no id: the row’s number stands for it');
  const title = text(mapping.title);
  const body = text(mapping.text);
  const documents: Document[] =
    title === '' || body === ''
      ? []
      : [
          {
            title,
            paragraphs: body
              .split(/\n\s*\n/)
              .map((p) => p.replace(/\s+/g, ' ').trim())
              .filter((p) => p !== ''),
          },
        ];
  const type = text(mapping.type);
  const noted = (['level', 'type', 'title', 'text'] as const).flatMap((field) => {
    const column = mapping[field];
    return column === undefined || text(column) !== '' ? [] : [`nothing under "${column}" (${field})`];
  });
  return {
    question: {
      id: id === '' ? `row-${number}` : id,
      question,
      answer: answerOf(given, choices, mapping.answerIs),
      level: text(mapping.level) || 'all',
      ...(type === '' ? {} : { type }),
      ...(choices === undefined ? {} : { choices }),
      ...(documents.length === 0 ? {} : { supporting: [title] }),
    },
    documents,
    repaired,
    noted,
  };
}

/** Guesses a mapping from column names, as a start for a dialogue. Names no column that it is not sure of. */
export function guessMapping(columns: readonly string[]): Partial<Record<(typeof mappingFields)[number], string>> {
  const known: Readonly<Record<string, readonly string[]>> = {
    question: ['question', 'query', 'prompt', 'input', 'q'],
    answer: ['answer', 'gold', 'target', 'output', 'label', 'a'],
    id: ['id', '_id', 'qid', 'uid', 'pid'],
    level: ['level', 'difficulty', 'grade'],
    type: ['type', 'category', 'subject'],
    choices: ['choices', 'options'],
    title: ['title'],
    text: ['text', 'passage', 'paragraph', 'context'],
  };
  const lower = new Map(columns.map((c) => [c.trim().toLowerCase(), c]));
  return Object.fromEntries(
    mappingFields.flatMap((field) => {
      const found = known[field]?.find((name) => lower.has(name));
      return found === undefined ? [] : [[field, lower.get(found) ?? found]];
    }),
  );
}

function at(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path];
  let here: unknown = value;
  for (const name of path.split('.')) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // Data sets with several accepted answers list them; the first is the canonical one.
  return Array.isArray(value) && value.length > 0 ? textOf(value[0]) : '';
}

function choicesOf(row: unknown, field: string | readonly string[], separator: string): string[] {
  const raw = typeof field === 'string' ? at(row, field) : field.map((f) => at(row, f));
  const list: unknown[] = Array.isArray(raw) ? raw : typeof raw === 'string' ? raw.split(separator) : [];
  return list.map(textOf).filter((c) => c !== '');
}

function answerOf(given: string, choices: readonly string[] | undefined, form: Mapping['answerIs']): string {
  if (choices === undefined) return given;
  const index =
    form === 'letter'
      ? given.toUpperCase().charCodeAt(0) - 65
      : form === 'text'
        ? choices.findIndex((c) => c.toLowerCase() === given.toLowerCase())
        : Number(given) - (form === 'index1' ? 1 : 0);
  if (!Number.isInteger(index) || index < 0 || index >= choices.length)
    throw new RowRefused(`the answer names none of the options (${form})`);
  return String.fromCharCode(65 + index);
}
