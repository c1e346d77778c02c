import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { RowRefused } from '../../core/data/dataset.ts';
import { ImportLog, type ImportReport } from '../../core/data/importReport.ts';
import {
  PublishedScore,
  PublishedTrajectory,
  readPublishedLine,
  renderPublishedLine,
  type PublishedRow,
} from '../../core/data/publishedTrajectory.ts';
import { TaskError } from '../store/taskError.ts';
import { LineWriter } from './lineWriter.ts';
import { inNewFolder } from './newFolder.ts';
import { readRecords } from './records.ts';
import { describeSource } from './sourceFile.ts';

/**
 * A folder of imported trajectories: `trajectories.jsonl` without gold, `scores.jsonl` with it, and `import.json`.
 */
const Source = z.object({
  file: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  rows: z.number().int(),
  endsWithNewline: z.boolean(),
  /** Exporting gives the file's bytes again. */
  exact: z.boolean(),
});
const Manifest = z.object({
  version: z.literal(1),
  format: z.literal('autoact-trajectories'),
  sources: z.array(Source),
  report: z.unknown(),
});

export interface TrajectoryImport {
  readonly sources: readonly z.infer<typeof Source>[];
  readonly report: ImportReport;
}

/**
 * Imports trajectories of the published AutoAct code, one JSON object a line.
 * @param check is shown every row, for a replay; what it returns is noted in the report
 * @throws TaskError `data`
 */
export async function importTrajectories(
  files: readonly string[],
  out: string,
  check: (row: PublishedRow) => string | undefined = () => undefined,
  signal?: AbortSignal,
): Promise<TrajectoryImport> {
  const names = files.map((file) => basename(file));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new TaskError('data', `Two files are called ${twice}.`, 'Import them into folders of their own.');
  return inNewFolder(out, async (folder) => {
    const log = new ImportLog();
    const trajectories = new LineWriter(join(folder, 'trajectories.jsonl'));
    const scores = new LineWriter(join(folder, 'scores.jsonl'));
    const sources: z.infer<typeof Source>[] = [];
    try {
      for (const file of files) {
        const stem = basename(file).replace(/\.jsonl?$/, '');
        const again = createHash('sha256');
        let rows = 0;
        let read = 0;
        const newline = endsWithNewline(file);
        for await (const record of readRecords(file, 'jsonl', signal)) {
          log.read();
          try {
            read++;
            if (record.refused !== undefined) throw new RowRefused(record.refused);
            const row = readPublishedLine(record.line ?? '', `${stem}/${read}`);
            if (row.score.line !== undefined)
              log.noted('written by another program: the line is kept as it is', record.place);
            const found = check(row);
            if (found !== undefined) log.noted(found, record.place);
            again.update(`${rows === 0 ? '' : '\n'}${renderPublishedLine(row)}`);
            trajectories.write(row.trajectory);
            scores.write(row.score);
            rows++;
            log.kept();
          } catch (error) {
            if (!(error instanceof RowRefused)) throw error;
            log.refused(error.reason, record.place);
          }
        }
        const description = await describeSource(file);
        again.update(newline && rows > 0 ? '\n' : '');
        const exact = again.digest('hex') === description.sha256;
        if (!exact)
          log.noted(
            'the file cannot be exported to the same bytes: lines were refused, empty, or end otherwise',
            basename(file),
          );
        sources.push({ ...description, rows, endsWithNewline: newline, exact });
      }
    } finally {
      trajectories.close();
      scores.close();
    }
    const report = log.report();
    if (report.kept === 0)
      throw new TaskError(
        'data',
        `None of ${report.read} lines is a published trajectory: ${report.refused[0]?.reason ?? 'the files are empty'}.`,
        'Name JSON Lines that a run of the published AutoAct code has written.',
      );
    const manifest = new LineWriter(join(folder, 'import.json'));
    manifest.writeLine(JSON.stringify({ version: 1, format: 'autoact-trajectories', sources, report }, null, 2));
    manifest.close();
    return { sources, report };
  });
}

/** Writes the files that were imported again, under their names, into a new folder. @throws TaskError `data` */
export async function exportTrajectories(
  folder: string,
  out: string,
): Promise<{ file: string; rows: number; same: boolean }[]> {
  const manifest = Manifest.safeParse(readJson(join(folder, 'import.json')));
  if (!manifest.success)
    throw new TaskError(
      'data',
      `There are no imported trajectories in ${folder}.`,
      'Make them with autoact import trajectories.',
    );
  const rows = readRows(folder);
  return inNewFolder(out, async (target) => {
    const written: { file: string; rows: number; same: boolean }[] = [];
    for (const source of manifest.data.sources) {
      // The folder may have been edited by hand: a name must stay a name.
      const path = join(target, basename(source.file));
      const lines: string[] = [];
      for (let n = 0; n < source.rows; n++) {
        const next = await rows.next();
        if (next.done === true)
          throw new TaskError(
            'data',
            `${folder} holds fewer trajectories than import.json says.`,
            'Import them again.',
          );
        lines.push(renderPublishedLine(next.value));
      }
      const text = lines.join('\n') + (source.endsWithNewline && lines.length > 0 ? '\n' : '');
      const writer = new LineWriter(path);
      writer.writeText(text);
      writer.close();
      written.push({
        file: source.file,
        rows: lines.length,
        same: createHash('sha256').update(text).digest('hex') === source.sha256,
      });
    }
    return written;
  });
}

/** Trajectories with their scores, in order. */
export async function* readRows(folder: string): AsyncGenerator<PublishedRow> {
  const scores = readRecords(join(folder, 'scores.jsonl'), 'jsonl');
  for await (const { value } of readRecords(join(folder, 'trajectories.jsonl'), 'jsonl')) {
    const score = await scores.next();
    const row = {
      trajectory: PublishedTrajectory.safeParse(value),
      score: PublishedScore.safeParse(score.done === true ? undefined : score.value.value),
    };
    if (!row.trajectory.success || !row.score.success || row.trajectory.data.id !== row.score.data.id)
      throw new TaskError(
        'data',
        `trajectories.jsonl and scores.jsonl in ${folder} do not belong together.`,
        'Import them again.',
      );
    yield { trajectory: row.trajectory.data, score: row.score.data };
  }
}

function endsWithNewline(file: string): boolean {
  try {
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const last = Buffer.alloc(1);
      return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 10;
    } finally {
      closeSync(fd);
    }
  } catch {
    throw new TaskError('data', `The file ${file} cannot be read.`, 'Check its path and whether you may read it.');
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
