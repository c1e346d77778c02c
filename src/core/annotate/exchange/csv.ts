import * as z from 'zod';
import type { StudyPlan } from '../prepare.ts';
import { StudyError } from '../study.ts';
import { rows, type ExchangeInput } from './common.ts';
import { toRecords, type Given, type Imported } from './imported.ts';

export const csvColumns = [
  'rater',
  'presentation',
  'unit',
  'aspect',
  'best',
  'order',
  'repeat',
  'confidence',
  'reason',
  'time',
] as const;

/** RFC 4180. `best` and `order` are names with a space between; an empty `best`: none was acceptable. */
export function toCsv(input: ExchangeInput): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows(input).map(({ rater, presentation, repeat, choice }) =>
    [
      rater,
      presentation.id,
      presentation.unit,
      choice.aspect,
      choice.best.join(' '),
      presentation.order.join(' '),
      repeat ? 'yes' : 'no',
      choice.confidence ?? '',
      choice.reason ?? '',
      new Date(choice.t).toISOString(),
    ]
      .map(cell)
      .join(','),
  );
  return `${[csvColumns.join(','), ...lines].join('\r\n')}\r\n`;
}

const CsvRow = z.object({
  rater: z.string().min(1),
  unit: z.string().min(1),
  presentation: z.string().optional(),
  aspect: z.string().min(1),
  best: z.string(),
  confidence: z.string().optional(),
  reason: z.string().optional(),
  time: z.string().optional(),
});

/** @param table rows of a CSV file by column */
export function fromCsv(
  plan: StudyPlan,
  table: readonly unknown[],
  now: number,
  hash: (text: string) => string,
): Imported {
  const given = table.map((row, i): Given => {
    const parsed = CsvRow.safeParse(row);
    if (!parsed.success)
      throw new StudyError(
        'data',
        `Row ${i + 1} is no label: ${parsed.error.issues[0]?.path.join('.') ?? ''} is missing.`,
        `The columns are ${csvColumns.join(', ')}.`,
      );
    const { best, confidence, reason, time, presentation, ...rest } = parsed.data;
    const t = Date.parse(time ?? '');
    return {
      ...rest,
      ...(presentation === undefined || presentation === '' ? {} : { presentation }),
      best: best.split(' ').filter((c) => c !== ''),
      t: Number.isNaN(t) ? now : t,
      ...(reason === undefined || reason === '' ? {} : { reason }),
      ...(confidence === 'low' || confidence === 'medium' || confidence === 'high' ? { confidence } : {}),
    };
  });
  return toRecords(plan, given, hash);
}
