import * as z from 'zod';
import type { Document } from '../tools/documentSet.ts';
import { RowRefused, type ImportedRow } from './dataset.ts';

/**
 * HotpotQA rows in the forms that are about: the official JSON (`_id`, list pairs), JSON Lines with `id`, and the form
 * of parallel lists that dataset hubs use (research: methods 8.2).
 */

const Text = z.string();
const Pairs = z.array(z.tuple([Text, z.array(Text)]));
const Parallel = z.object({ title: z.array(Text), sentences: z.array(z.array(Text)) });
const Facts = z.union([
  z.array(z.tuple([Text, z.number()])),
  z.object({ title: z.array(Text), sent_id: z.array(z.number()) }),
]);

const Row = z.object({
  _id: Text.optional(),
  id: Text.optional(),
  question: Text,
  answer: Text.optional(),
  type: Text.optional(),
  level: Text.optional(),
  context: z.union([Pairs, Parallel]).optional(),
  supporting_facts: Facts.optional(),
});

/** @throws RowRefused */
export function readHotpotQaRow(value: unknown): ImportedRow {
  const parsed = Row.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RowRefused(`not a HotpotQA row: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const row = parsed.data;
  const question = row.question.trim();
  const answer = row.answer?.trim() ?? '';
  if (question === '') throw new RowRefused('empty question');
  if (answer === '') throw new RowRefused('no gold answer (a test split without answers?)');
  const repaired: string[] = [];
  const noted: string[] = [];
  if (question !== row.question || answer !== row.answer) repaired.push('spaces around question or answer removed');
  if ((answer.match(/"/g)?.length ?? 0) % 2 === 1) noted.push('the gold answer has a lone quotation mark');
  const id = row._id ?? row.id;
  if (id === undefined) repaired.push('no id: the question stands for it');
  if (row.level === undefined) repaired.push('no level: counted as "all"');

  const documents: Document[] = [];
  for (const [title, sentences] of contextOf(row.context)) {
    // Sentences of the official files carry their own leading space.
    const text = sentences.join('').replace(/\s+/g, ' ').trim();
    if (title.trim() === '' || text === '') noted.push('a paragraph without title or text was left out');
    else documents.push({ title: title.trim(), paragraphs: [text] });
  }
  const titles = new Set(documents.map((d) => d.title));
  const supporting = [...new Set(factTitles(row.supporting_facts))];
  if (supporting.some((title) => !titles.has(title)) && documents.length > 0)
    noted.push('a supporting paragraph is not among the context paragraphs');
  return {
    question: {
      id: id ?? question,
      question,
      answer,
      level: row.level ?? 'all',
      ...(row.type === undefined ? {} : { type: row.type }),
      ...(supporting.length === 0 ? {} : { supporting }),
    },
    documents,
    repaired,
    noted,
  };
}

function contextOf(context: z.infer<typeof Row>['context']): readonly (readonly [string, readonly string[]])[] {
  if (context === undefined) return [];
  if (Array.isArray(context)) return context;
  return context.title.map((title, i) => [title, context.sentences[i] ?? []] as const);
}

function factTitles(facts: z.infer<typeof Row>['supporting_facts']): string[] {
  if (facts === undefined) return [];
  return (Array.isArray(facts) ? facts.map(([title]) => title) : facts.title).map((title) => title.trim());
}
