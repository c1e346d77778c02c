import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fromArgilla, toArgilla } from '../../core/annotate/exchange/argilla.ts';
import type { ExchangeFormat } from '../../core/annotate/exchange/common.ts';
import { fromCsv, toCsv } from '../../core/annotate/exchange/csv.ts';
import type { Imported } from '../../core/annotate/exchange/imported.ts';
import { fromLabelStudio, labelStudioConfig, toLabelStudio } from '../../core/annotate/exchange/labelStudio.ts';
import { foldLabels } from '../../core/annotate/labels.ts';
import { StudyError } from '../../core/annotate/study.ts';
import { writeFileAtomic } from '../store/atomicFile.ts';
import { sha256, type StudyFolder } from './studyFolder.ts';

/** A study's labels as files of other tools. */

export interface Exported {
  readonly out: string;
  /** Label Studio: the labelling interface that goes with the tasks. */
  readonly config?: string;
}

/** @throws StudyError, RunError `disk` */
export function exportLabelsTo(folder: StudyFolder, format: ExchangeFormat, out: string): Exported {
  const input = { plan: folder.plan(), items: folder.items(), labels: folder.labels() };
  const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
  const content = {
    csv: () => toCsv(input),
    'label-studio': () => json(toLabelStudio(input)),
    argilla: () => json(toArgilla(input)),
  };
  writeFileAtomic(out, content[format]());
  if (format !== 'label-studio') return { out };
  const config = `${out.replace(/\.json$/, '')}.config.xml`;
  writeFileAtomic(config, labelStudioConfig(input.plan));
  return { out, config };
}

/** Appends what another tool's file says to the annotators' files; what is there already is not added again. */
export function importLabelsFrom(
  folder: StudyFolder,
  format: ExchangeFormat,
  file: string,
  now: number,
): Pick<Imported, 'choices' | 'refused'> & { readonly added: number } {
  const plan = folder.plan();
  const value = readExchange(format, file);
  const hash = (content: string): string => sha256(content);
  const imported = {
    csv: () => fromCsv(plan, value as unknown[], now, hash),
    'label-studio': () => fromLabelStudio(plan, value, now, hash),
    argilla: () => fromArgilla(plan, value, now, hash),
  }[format]();
  let added = 0;
  for (const [rater, records] of imported.records) {
    const annotator = folder.annotator(rater);
    if (foldLabels(annotator.records(), plan.name).opened === undefined)
      annotator.append({ kind: 'opened', study: plan.name, commitment: folder.commitment().commitment });
    added += annotator.adopt(records);
  }
  return { choices: imported.choices, refused: imported.refused, added };
}

function readExchange(format: ExchangeFormat, file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new StudyError('data', `The file ${file} cannot be read.`, 'Check its path.');
  }
  try {
    return format === 'csv' ? parse(text, { columns: true, bom: true }) : JSON.parse(text);
  } catch (error) {
    throw new StudyError(
      'data',
      `${basename(file)} is no ${format === 'csv' ? 'CSV' : 'JSON'}: ${error instanceof Error ? error.message : ''}.`,
    );
  }
}
