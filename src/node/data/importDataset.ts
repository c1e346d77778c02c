import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { RowRefused, type DatasetManifest, type ImportedRow, type Selection } from '../../core/data/dataset.ts';
import { readHotpotQaRow } from '../../core/data/hotpotqa.ts';
import { ImportLog } from '../../core/data/importReport.ts';
import { readMappedRow, type Mapping } from '../../core/data/mapping.ts';
import { readScienceQaRow, scienceQaLevels, splitOf, type ScienceQaExtras } from '../../core/data/scienceqa.ts';
import { all, hotpotQaSelections, scienceQaSelections, type Known } from '../../core/data/selections.ts';
import { TaskError } from '../store/taskError.ts';
import { LineWriter } from './lineWriter.ts';
import { inNewFolder } from './newFolder.ts';
import { detectFormat, readRecords, type RecordFormat } from './records.ts';
import { describeSource } from './sourceFile.ts';

/** What is imported; each kind knows how its rows are read. */
export type DatasetKind =
  | { readonly kind: 'hotpotqa' }
  | {
      readonly kind: 'scienceqa';
      readonly captions?: string;
      readonly ocr?: string;
      readonly splits?: string;
      readonly split?: string;
    }
  | { readonly kind: 'table'; readonly mapping: Mapping };

export interface ImportOptions {
  readonly files: readonly string[];
  /** Folder to make. */
  readonly out: string;
  readonly name: string;
  readonly source: DatasetKind;
  /** Of the files; seen from their names and first bytes when left out. */
  readonly format?: RecordFormat;
  readonly signal?: AbortSignal;
  readonly onProgress?: (read: number) => void;
}

/**
 * Imports a dataset into a folder of its own: questions, documents and a manifest with the report. Rows stream from
 * source to folder; in memory are their ids and the documents' titles.
 * @throws TaskError `data` when a file cannot be read or nothing could be used
 */
export async function importDataset(options: ImportOptions): Promise<DatasetManifest> {
  const extras = options.source.kind === 'scienceqa' ? readExtras(options.source) : undefined;
  return inNewFolder(options.out, async (folder) => {
    const log = new ImportLog();
    const questions = new LineWriter(join(folder, 'questions.jsonl'));
    const documents = new LineWriter(join(folder, 'documents.jsonl'));
    const known = new Map<string, Known & { readonly text: string }>();
    const titles = new Map<string, string>();
    const first: string[] = [];
    let number = 0;
    try {
      for (const file of options.files)
        for await (const record of readRecords(file, options.format ?? detectFormat(file), options.signal)) {
          if (skipped(options.source, extras, record.key, record.value)) continue;
          log.read();
          number++;
          if (number % 1000 === 0) options.onProgress?.(number);
          if (record.refused !== undefined) {
            log.refused(record.refused, record.place);
            continue;
          }
          try {
            const row = readRow(options.source, record.value, record.key, extras, number);
            const { id, repaired } = idFor(row, known);
            if (record.repaired !== undefined) log.repaired(record.repaired, record.place);
            for (const what of [...row.repaired, ...repaired]) log.repaired(what, record.place);
            for (const what of row.noted) log.noted(what, record.place);
            known.set(id, { id, level: row.question.level, text: hash(row.question.question) });
            if (first.length < examplesTaken) first.push(id);
            questions.write({ ...row.question, id });
            for (const document of row.documents) {
              const text = hash(document.paragraphs.join('\n'));
              const before = titles.get(document.title);
              if (before === undefined) {
                titles.set(document.title, text);
                documents.write(document);
              } else if (before !== text)
                log.noted('another text under a title that is there already: the first is kept', record.place);
            }
            log.kept();
          } catch (error) {
            if (!(error instanceof RowRefused)) throw error;
            log.refused(error.reason, record.place);
          }
        }
    } finally {
      questions.close();
      documents.close();
    }
    const report = log.report();
    if (report.kept === 0)
      throw new TaskError(
        'data',
        `None of ${report.read} rows of ${options.files.join(', ')} could be used: ${report.refused[0]?.reason ?? 'the file is empty'}.`,
        'Check the kind of data set that you named, and for a table its mapping.',
      );
    const list = [...known.values()];
    const manifest: DatasetManifest = {
      version: 1,
      name: options.name,
      format: options.source.kind,
      metric:
        options.source.kind === 'scienceqa' ||
        (options.source.kind === 'table' && options.source.mapping.choices !== undefined)
          ? 'choice'
          : 'f1',
      levels: levelsOf(options.source.kind, list),
      questions: list.length,
      documents: titles.size,
      ...licenceOf(options.source.kind),
      sources: await Promise.all(options.files.map(describeSource)),
      ...(options.source.kind === 'table' ? { mapping: options.source.mapping } : {}),
      selections: selectionsOf(options.source.kind, list, first),
      report: {
        ...report,
        repaired: [...report.repaired],
        refused: [...report.refused],
        noted: [...report.noted],
      } as DatasetManifest['report'],
    };
    const writer = new LineWriter(join(folder, 'dataset.json'));
    writer.writeLine(JSON.stringify(manifest, null, 2));
    writer.close();
    return manifest;
  });
}

function readRow(
  source: DatasetKind,
  value: unknown,
  key: string | undefined,
  extras: Extras | undefined,
  number: number,
): ImportedRow {
  switch (source.kind) {
    case 'hotpotqa':
      return readHotpotQaRow(value);
    case 'scienceqa':
      return readScienceQaRow(value, key, extras ?? { captions: new Map(), ocr: new Map() });
    case 'table':
      return readMappedRow(value, source.mapping, number);
  }
}

/** The same question twice is refused; another question under the same id gets an id of its own. */
function idFor(
  { question }: ImportedRow,
  known: ReadonlyMap<string, { readonly text: string }>,
): { id: string; repaired: string[] } {
  const before = known.get(question.id);
  if (before === undefined) return { id: question.id, repaired: [] };
  if (before.text === hash(question.question)) throw new RowRefused('the same question is there already');
  let n = 2;
  while (known.has(`${question.id}-${n}`)) n++;
  return { id: `${question.id}-${n}`, repaired: ['another question had its id: numbered'] };
}

const hash = (text: string): string => createHash('sha1').update(text).digest('base64');

interface Extras extends ScienceQaExtras {
  /** Problem ids of the split that is wanted. */
  readonly wanted?: ReadonlySet<string>;
}

const Captions = z.union([
  z.object({ captions: z.record(z.string(), z.string()) }).transform((c) => c.captions),
  z.record(z.string(), z.string()),
]);
const Ocr = z
  .union([
    z.object({ texts: z.record(z.string(), z.unknown()) }).transform((o) => o.texts),
    z.record(z.string(), z.unknown()),
  ])
  .transform((texts) => new Map(Object.entries(texts).map(([pid, list]) => [pid, ocrTexts(list)])));

function ocrTexts(list: unknown): string[] {
  if (typeof list === 'string') return list.trim() === '' ? [] : [list.trim()];
  // Readers give [box, text, confidence] a line, or plain texts.
  return Array.isArray(list)
    ? list.flatMap((entry: unknown) =>
        typeof entry === 'string'
          ? [entry]
          : Array.isArray(entry)
            ? entry.filter((e): e is string => typeof e === 'string').slice(0, 1)
            : [],
      )
    : [];
}

function readExtras(source: Extract<DatasetKind, { kind: 'scienceqa' }>): Extras {
  const { captions, ocr, splits, split } = source;
  let wanted: ReadonlySet<string> | undefined;
  if (split !== undefined && splits !== undefined) {
    const all = z
      .record(z.string(), z.array(z.union([z.string(), z.number()]).transform(String)))
      .parse(readJson(splits));
    const ids = all[split];
    if (ids === undefined)
      throw new TaskError(
        'data',
        `There is no split "${split}" in ${splits}.`,
        `It has ${Object.keys(all).join(', ')}.`,
      );
    wanted = new Set(ids);
  }
  return {
    captions: new Map(captions === undefined ? [] : Object.entries(parsed(Captions, captions))),
    ocr: ocr === undefined ? new Map() : parsed(Ocr, ocr),
    ...(wanted === undefined ? {} : { wanted }),
  };
}

function parsed<T>(schema: z.ZodType<T>, path: string): T {
  const result = schema.safeParse(readJson(path));
  if (result.success) return result.data;
  throw new TaskError(
    'data',
    `${path} does not hold texts by problem id.`,
    'Name the file that belongs to problems.json.',
  );
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    throw new TaskError('data', `The file ${path} cannot be read as JSON.`, 'Check its path.');
  }
}

/** Rows of another split are not looked at; they are neither kept nor refused. */
function skipped(source: DatasetKind, extras: Extras | undefined, key: string | undefined, value: unknown): boolean {
  if (source.kind !== 'scienceqa' || source.split === undefined) return false;
  if (extras?.wanted !== undefined) return key !== undefined && !extras.wanted.has(key);
  const own = splitOf(value);
  return own !== undefined && own !== source.split;
}

function levelsOf(kind: DatasetKind['kind'], questions: readonly Known[]): string[] {
  const found = new Set(questions.map((q) => q.level));
  const order: readonly string[] =
    kind === 'hotpotqa' ? ['easy', 'medium', 'hard'] : kind === 'scienceqa' ? scienceQaLevels : [];
  return [...order.filter((level) => found.has(level)), ...[...found].filter((level) => !order.includes(level)).sort()];
}

function selectionsOf(kind: DatasetKind['kind'], questions: readonly Known[], first: readonly string[]): Selection[] {
  if (kind === 'hotpotqa') return hotpotQaSelections(questions);
  if (kind === 'scienceqa') return scienceQaSelections(questions);
  return [all(questions), ...withoutExamples(questions, first)];
}

/** Questions that a task card shows as examples, for data sets that we have no examples of our own for. */
const examplesTaken = 2;
export const withoutExamplesId = 'without-examples';

function withoutExamples(questions: readonly Known[], first: readonly string[]): Selection[] {
  if (questions.length <= first.length) return [];
  return [
    {
      id: withoutExamplesId,
      title: 'All but the task card’s examples',
      note: `The first ${first.length} questions are the card’s examples, and no evaluation.`,
      count: questions.length - first.length,
      exclude: [...first],
    },
  ];
}

function licenceOf(kind: DatasetKind['kind']): { licence?: string } {
  if (kind === 'hotpotqa') return { licence: 'HotpotQA: CC BY-SA 4.0' };
  return kind === 'scienceqa' ? { licence: 'ScienceQA: CC BY-NC-SA 4.0, not for commercial use' } : {};
}
