import { existsSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { RowRefused, type DatasetManifest, type ImportedRow, type Selection } from '../../core/data/dataset.ts';
import { readHotpotQaRow } from '../../core/data/hotpotqa.ts';
import { ImportLog, type ImportReport } from '../../core/data/importReport.ts';
import { readMappedRow, type Mapping } from '../../core/data/mapping.ts';
import {
  problemId,
  readScienceQaRow,
  scienceQaLevels,
  splitOf,
  type ScienceQaExtras,
} from '../../core/data/scienceqa.ts';
import { all, hotpotQaSelections, scienceQaSelections, type Known } from '../../core/data/selections.ts';
import { readText } from '../store/readText.ts';
import { TaskError } from '../store/taskError.ts';
import { fileWithin } from '../tools/fileOf.ts';
import { LineWriter } from './lineWriter.ts';
import { inNewFolder } from './newFolder.ts';
import { columnsOf, detectFormat, readRecords, type RecordFormat } from './records.ts';
import { describeSource } from './sourceFile.ts';

/** What is imported; each kind knows how its rows are read. */
export type DatasetKind =
  | { readonly kind: 'hotpotqa' }
  | {
      readonly kind: 'scienceqa';
      readonly captions?: string;
      readonly ocr?: string;
      /** Folder of the image files, as the data set ships them: split/id/image.png. */
      readonly images?: string;
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
    /** Of the problems that were not looked at. */
    const splits = new Set<string>();
    let number = 0;
    let images = 0;
    try {
      for (const file of options.files)
        for await (const record of readRecords(file, options.format ?? detectFormat(file), options.signal)) {
          if (skipped(options.source, extras, record.key, record.value)) {
            splits.add(splitOf(record.value) ?? 'another');
            continue;
          }
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
            if (row.question.image !== undefined) images++;
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
    if (report.kept === 0) throw await nothingUsable(options, report, splits);
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
      ...(images === 0 ? {} : { images }),
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

/** Why nothing was taken, with what can be done about it. */
async function nothingUsable(
  { files, source, format }: ImportOptions,
  { read, refused }: ImportReport,
  splits: ReadonlySet<string>,
): Promise<TaskError> {
  const named = files.join(', ');
  if (read > 0 || source.kind === 'table') {
    const said = read > 0 ? `None of ${read} rows of ${named} could be used` : `There are no rows in ${named}`;
    const why = refused[0] === undefined ? '' : `: ${refused[0].reason}`;
    if (source.kind !== 'table')
      return new TaskError('data', `${said}${why}.`, 'Check the kind of data set that you named.');
    const file = files[0] ?? '';
    const columns = await columnsOf(file, format ?? detectFormat(file));
    return new TaskError(
      'data',
      `${said}${why}.`,
      columns.length === 0
        ? 'A table names its columns in its first line.'
        : `${read > 0 ? 'Correct the mapping. ' : ''}The columns are: ${columns.join(', ')}.`,
    );
  }
  if (splits.size > 0 && source.kind === 'scienceqa')
    return new TaskError(
      'data',
      `No problem of ${named} is of the split "${source.split ?? ''}".`,
      source.splits === undefined
        ? `There are the splits ${[...splits].sort().join(', ')}.`
        : `See whether ${source.splits} belongs to it.`,
    );
  return new TaskError(
    'data',
    `There are no rows in ${named}.`,
    'A JSON file is a list or an object of rows; JSON Lines hold one on each line.',
  );
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
    case 'scienceqa': {
      const row = readScienceQaRow(value, key, extras ?? { captions: new Map(), ocr: new Map() });
      if (source.split !== undefined && source.splits === undefined && splitOf(value) === undefined)
        throw new RowRefused('it does not say of which split it is: name pid_splits.json with --splits');
      return row;
    }
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

const Splits = z.record(z.string(), z.array(z.union([z.string(), z.number()]).transform(String)));
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
  const { captions, ocr, images, splits, split } = source;
  let wanted: ReadonlySet<string> | undefined;
  if (split !== undefined && splits !== undefined) {
    const all = parsed(Splits, splits, 'lists of problem ids by split');
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
    ...(images === undefined ? {} : { image: imageIn(images) }),
    captions: new Map(captions === undefined ? [] : Object.entries(parsed(Captions, captions))),
    ocr: ocr === undefined ? new Map() : parsed(Ocr, ocr),
    ...(wanted === undefined ? {} : { wanted }),
  };
}

/** Where ScienceQA keeps the image of a problem; rows of the published code do not name their split. */
function imageIn(folder: string): NonNullable<ScienceQaExtras['image']> {
  if (!existsSync(folder))
    throw new TaskError('data', `There is no folder ${folder}.`, 'Name the folder of the images, or leave it out.');
  return (id, name, split) =>
    (split === undefined ? ['test', 'val', 'train'] : [split])
      .map((part) => `${part}/${id}/${name}`)
      .find((path) => fileWithin(folder, path) !== undefined);
}

function parsed<T>(schema: z.ZodType<T>, path: string, what = 'texts by problem id'): T {
  const result = schema.safeParse(readJson(path));
  if (result.success) return result.data;
  throw new TaskError('data', `${path} does not hold ${what}.`, 'Name the file that belongs to problems.json.');
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path)) as unknown;
  } catch (error) {
    if (error instanceof TaskError) throw error;
    throw new TaskError('data', `The file ${path} cannot be read as JSON.`, 'Check its path.');
  }
}

/** Rows of another split are not looked at; they are neither kept nor refused. */
function skipped(source: DatasetKind, extras: Extras | undefined, key: string | undefined, value: unknown): boolean {
  if (source.kind !== 'scienceqa' || source.split === undefined) return false;
  if (extras?.wanted !== undefined) {
    const id = key ?? problemId(value);
    return id !== undefined && !extras.wanted.has(id);
  }
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
