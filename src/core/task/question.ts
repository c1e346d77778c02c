import * as z from 'zod';

/** What a method may know of a question. Has no room for the answer, so a method cannot be handed one by accident. */
export interface PublicQuestion {
  readonly id: string;
  readonly question: string;
  /** Difficulty level, one of the task card's; `all` where the task has none. */
  readonly level: string;
  /** Kind of question as the data set names it: bridge, comparison, … */
  readonly type?: string;
  /** Options of a multiple-choice question, in the order A, B, C, … */
  readonly choices?: readonly string[];
  /** The question's image, in words and as a file; it has none where this is left out. */
  readonly image?: QuestionImage;
}

export interface QuestionImage {
  readonly caption: string;
  /** Words that stand in the image. */
  readonly ocr: readonly string[];
  /** Path of the image below the folder of images that a tool is configured with. */
  readonly file?: string;
}

/** A question with its gold answer. Only data files and the judge hold these. */
export interface GoldQuestion extends PublicQuestion {
  readonly answer: string;
}

/** Drops the answer. Copies field by field: a spread would let every future gold field through. */
export function toPublic(question: PublicQuestion): PublicQuestion {
  return {
    id: question.id,
    question: question.question,
    level: question.level,
    ...(question.type === undefined ? {} : { type: question.type }),
    ...(question.choices === undefined ? {} : { choices: [...question.choices] }),
    ...(question.image === undefined ? {} : { image: publicImage(question.image) }),
  };
}

const publicImage = ({ caption, ocr, file }: Readonly<z.infer<typeof ImageRow>> | QuestionImage): QuestionImage => ({
  caption,
  ocr: [...ocr],
  ...(file === undefined ? {} : { file }),
});

/** The question as agents read it: options of a multiple-choice question stand behind it, lettered as in the data set. */
export function questionText(question: Pick<PublicQuestion, 'question' | 'choices'>): string {
  const { choices } = question;
  return choices === undefined || choices.length === 0
    ? question.question
    : `${question.question} Options: ${lettered(choices)}`;
}

export function lettered(choices: readonly string[]): string {
  return choices.map((c, i) => `(${String.fromCharCode(65 + i)}) ${c}`).join(' ');
}

const ImageRow = z.object({
  caption: z.string(),
  ocr: z.array(z.string()),
  file: z.string().min(1).max(1000).optional(),
});

/** One line of a question file. Unknown columns (paragraphs, supporting facts, …) are dropped. */
export const QuestionRow = z.object({
  id: z
    .union([z.string().min(1), z.number()])
    .transform(String)
    .optional(),
  question: z.string().min(1),
  answer: z.string(),
  level: z.string().default('all'),
  type: z.string().optional(),
  choices: z.array(z.string()).optional(),
  image: ImageRow.optional(),
});

/** Reads one object of a question file. A row without an id is known by its question. @throws z.ZodError */
export function parseQuestion(row: unknown): GoldQuestion {
  const { id, question, answer, level, type, choices, image } = QuestionRow.parse(row);
  return {
    id: id ?? question,
    question,
    answer,
    level,
    ...(type === undefined ? {} : { type }),
    ...(choices === undefined ? {} : { choices }),
    ...(image === undefined ? {} : { image: publicImage(image) }),
  };
}
