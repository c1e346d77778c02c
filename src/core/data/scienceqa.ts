import * as z from 'zod';
import type { QuestionImage } from '../task/question.ts';
import { RowRefused, type ImportedRow } from './dataset.ts';

/**
 * ScienceQA: the official `problems.json` (an object by problem id, with captions in a file of their own), and the rows
 * that the published AutoAct code reads (research: methods 8.3).
 */

const Problem = z.object({
  question: z.string(),
  choices: z.array(z.string()).min(2),
  /** Index of the right option. */
  answer: z.number().int().nonnegative(),
  hint: z.string().default(''),
  image: z.string().nullish(),
  grade: z.string().optional(),
  subject: z.string().optional(),
  split: z.string().optional(),
});

const Published = z.object({
  Question: z.string(),
  choices: z.array(z.string()).min(2),
  caption: z.string().default(''),
  orc: z.string().default(''),
  Answer: z.string(),
  metadata: z.object({ has_image: z.boolean(), grade: z.number(), subject: z.string().optional() }),
  pid: z.union([z.string(), z.number()]).transform(String),
});

/** What stands in other files than the problem itself, by problem id. */
export interface ScienceQaExtras {
  readonly captions: ReadonlyMap<string, string>;
  readonly ocr: ReadonlyMap<string, readonly string[]>;
  /** Path of a problem's image below the folder of images; undefined where it is not there. */
  readonly image?: (id: string, name: string, split: string | undefined) => string | undefined;
}

/** The bands in which the paper reports: grades 1–4, 5–8, 9–12. */
export const scienceQaLevels = ['grade 1-4', 'grade 5-8', 'grade 9-12'] as const;

export function gradeBand(grade: number): (typeof scienceQaLevels)[number] | undefined {
  if (grade >= 1 && grade <= 4) return 'grade 1-4';
  if (grade >= 5 && grade <= 8) return 'grade 5-8';
  return grade >= 9 && grade <= 12 ? 'grade 9-12' : undefined;
}

/** The split that a problem names itself; a `pid_splits.json` says the same by id. */
export function splitOf(value: unknown): string | undefined {
  const parsed = Problem.safeParse(value);
  return parsed.success ? parsed.data.split : undefined;
}

/** The problem id that a row of the published code carries. */
export function problemId(value: unknown): string | undefined {
  return Published.safeParse(value).data?.pid;
}

/** @param key the problem id, in `problems.json` the key of the object. @throws RowRefused */
export function readScienceQaRow(value: unknown, key: string | undefined, extras: ScienceQaExtras): ImportedRow {
  const published = Published.safeParse(value);
  if (published.success) return readPublished(published.data, extras);
  const parsed = Problem.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RowRefused(`not a ScienceQA problem: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  if (key === undefined) throw new RowRefused('a problem without its id');
  const p = parsed.data;
  const name = p.image ?? '';
  const grade = Number(/\d+/.exec(p.grade ?? '')?.[0] ?? Number.NaN);
  return finish({
    id: key,
    question: p.hint.trim() === '' ? p.question : `${p.question.trim()}\nContext: ${p.hint.trim()}`,
    choices: p.choices,
    answer: p.answer,
    grade,
    subject: p.subject,
    ...(name === ''
      ? {}
      : {
          image: {
            caption: extras.captions.get(key) ?? '',
            ocr: extras.ocr.get(key) ?? [],
            file: extras.image?.(key, name, p.split),
          },
        }),
  });
}

function readPublished(row: z.infer<typeof Published>, extras: ScienceQaExtras): ImportedRow {
  const letter = row.Answer.trim().toUpperCase();
  if (!/^[A-Z]$/.test(letter)) throw new RowRefused('the gold answer is no option letter');
  const noImage = (text: string): boolean => text === '' || text === 'no img';
  return finish({
    id: row.pid,
    // Options are shown from `choices`; the copy in the text would show them twice.
    question: row.Question.replace(/\n?Options: \(A\)[\s\S]*$/, ''),
    choices: row.choices,
    answer: letter.charCodeAt(0) - 65,
    grade: row.metadata.grade,
    subject: row.metadata.subject,
    ...(row.metadata.has_image
      ? {
          image: {
            caption: noImage(row.caption) ? '' : row.caption,
            ocr: noImage(row.orc) ? [] : readOcrList(row.orc),
            file: extras.image?.(row.pid, 'image.png', undefined),
          },
        }
      : {}),
  });
}

function finish(row: {
  readonly id: string;
  readonly question: string;
  readonly choices: readonly string[];
  readonly answer: number;
  readonly grade: number;
  readonly subject: string | undefined;
  readonly image?: Pick<QuestionImage, 'caption' | 'ocr'> & { readonly file: string | undefined };
}): ImportedRow {
  const question = row.question.trim();
  if (question === '') throw new RowRefused('empty question');
  if (row.answer >= row.choices.length) throw new RowRefused('the gold answer is beyond the options');
  const choices = row.choices.map((c) => c.trim());
  if (choices.some((c) => c === '')) throw new RowRefused('an option is empty');
  const level = gradeBand(row.grade);
  const noted: string[] = [];
  const { image } = row;
  if (image?.caption === '')
    noted.push(
      image.file === undefined
        ? 'an image without a caption or a file: Image2Text has nothing to say about it'
        : 'an image without a caption: only text recognition or a vision model can read it',
    );
  if (new Set(choices.map((c) => c.toLowerCase())).size < choices.length) noted.push('two options read the same');
  return {
    question: {
      id: row.id,
      question,
      answer: String.fromCharCode(65 + row.answer),
      level: level ?? 'all',
      choices,
      ...(row.subject === undefined ? {} : { type: row.subject }),
      ...(image === undefined
        ? {}
        : {
            image: {
              caption: image.caption,
              ocr: image.ocr,
              ...(image.file === undefined ? {} : { file: image.file }),
            },
          }),
    },
    documents: [],
    repaired: level === undefined ? ['no grade from 1 to 12: level "all"'] : [],
    noted,
  };
}

/**
 * The texts of an OCR list as Python prints it, `[([[x, y], …], 'text', 0.98), …]`. Reads string literals and nothing
 * else; nothing is evaluated.
 */
export function readOcrList(literal: string): string[] {
  const texts: string[] = [];
  for (const match of literal.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)) {
    const text = (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1').trim();
    if (text !== '') texts.push(text);
  }
  return texts;
}
