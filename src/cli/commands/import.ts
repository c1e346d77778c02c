import { Option, type Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import type { DatasetManifest } from '../../core/data/dataset.ts';
import { renderImportReport } from '../../core/data/importReport.ts';
import { Mapping } from '../../core/data/mapping.ts';
import {
  promptFile,
  publishedTasks,
  readPublishedPrompts,
  type PublishedTask,
} from '../../core/prompts/publishedPrompts.ts';
import { importDataset, type DatasetKind } from '../../node/data/importDataset.ts';
import { imagesOf, writeDatasetCard } from '../../node/data/datasetCard.ts';
import { recordFormats, type RecordFormat } from '../../node/data/records.ts';
import { replayCheck } from '../../node/data/replayCheck.ts';
import { exportTrajectories, importTrajectories } from '../../node/data/trajectoryFolder.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { writeFileAtomic } from '../../node/store/atomicFile.ts';
import { readText } from '../../node/store/readText.ts';
import { TaskError } from '../../node/store/taskError.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';
import { collect } from './run.ts';

interface DatasetOptions extends CommonOptions {
  readonly out: string;
  readonly name?: string;
  readonly card: boolean;
}

export function addImport(program: Command): void {
  const group = program.command('import');
  dataset(group.command('hotpotqa'), 'HotpotQA: the official JSON, or JSON Lines with the same fields').action(
    (files: string[], options: DatasetOptions) =>
      act(options, (signal) => importInto(files, options, { kind: 'hotpotqa' }, signal)),
  );
  dataset(group.command('scienceqa'), 'ScienceQA: problems.json')
    .option('--captions <file>', 'captions of the images, by problem id')
    .option('--ocr <file>', 'words in the images, by problem id')
    .option('--images <folder>', 'the images themselves, as the data set ships them: split/id/image.png')
    .option('--splits <file>', 'pid_splits.json; left out, the problems name their split themselves')
    .option('--split <name>', 'only this split: train, val, test, …')
    .action((files: string[], options: DatasetOptions & Omit<Extract<DatasetKind, { kind: 'scienceqa' }>, 'kind'>) =>
      act(options, (signal) => {
        const { captions, ocr, images, splits, split } = options;
        if (splits !== undefined && split === undefined) throw new UsageError('Name a split of --splits with --split.');
        return importInto(
          files,
          options,
          {
            kind: 'scienceqa',
            ...(captions === undefined ? {} : { captions }),
            ...(ocr === undefined ? {} : { ocr }),
            ...(images === undefined ? {} : { images: resolve(images) }),
            ...(splits === undefined ? {} : { splits }),
            ...(split === undefined ? {} : { split }),
          },
          signal,
        );
      }),
    );
  dataset(group.command('table'), 'any CSV, TSV, JSON or JSON Lines, by a mapping of its columns')
    .option(
      '-m, --map <field=column>',
      'question=…, answer=…, id, level, type, choices, title, text; may be given again',
      collect,
      [],
    )
    .option('--mapping <file>', 'the same as a JSON file; --map wins')
    .addOption(
      new Option('--format <format>', 'of the files; seen from their names when left out').choices(recordFormats),
    )
    .action((files: string[], options: DatasetOptions & { map: string[]; mapping?: string; format?: RecordFormat }) =>
      act(options, (signal) =>
        importInto(files, options, { kind: 'table', mapping: mappingOf(options) }, signal, options.format),
      ),
    );
  group
    .command('trajectories')
    .description('Trajectories of the published AutoAct code, without loss; each is replayed in reference mode.')
    .argument('<files...>', 'its JSON Lines')
    .requiredOption('-o, --out <folder>', 'folder to make')
    .option('--json', 'print JSON')
    .action((files: string[], options: CommonOptions & { out: string }) =>
      act(options, (signal) => trajectories(files, options, signal)),
    );
  group
    .command('prompts')
    .description('Prompts out of your own clone of the published AutoAct repository, as overrides for a workspace.')
    .argument('<clone>', 'folder of the clone')
    .addOption(new Option('--for <task>', 'which of its tasks').choices(publishedTasks).default('hotpotqa'))
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--force', 'replace prompts that are there')
    .option('--json', 'print JSON')
    .action((clone: string, options: PromptOptions) =>
      act(options, () => {
        prompts(clone, options);
        return Promise.resolve(undefined);
      }),
    );
  program
    .command('export')
    .argument('<folder>', 'what autoact import trajectories has made')
    .requiredOption('-o, --out <folder>', 'folder to make')
    .option('--json', 'print JSON')
    .action((folder: string, options: CommonOptions & { out: string }) =>
      act(options, async () => {
        const written = await exportTrajectories(resolve(folder), resolve(options.out));
        if (options.json === true) printJson({ out: resolve(options.out), files: written });
        else
          for (const { file, rows, same } of written)
            process.stdout.write(
              `${file}: ${rows} trajectories, ${same ? 'the same bytes as imported' : 'not the bytes that were imported'}\n`,
            );
        return undefined;
      }),
    );
}

function dataset(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<files...>', 'files to read')
    .requiredOption('-o, --out <folder>', 'folder to make')
    .option('--name <name>', 'name of the data set; the folder’s when left out')
    .option('--no-card', 'write no task card beside the folder')
    .option('--json', 'print JSON');
}

async function importInto(
  files: readonly string[],
  options: DatasetOptions,
  source: DatasetKind,
  signal: AbortSignal,
  format?: RecordFormat,
): Promise<undefined> {
  const out = resolve(options.out);
  const manifest = await importDataset({
    files: files.map((file) => resolve(file)),
    out,
    name: options.name ?? basename(out),
    source,
    signal,
    ...(format === undefined ? {} : { format }),
    onProgress: (read) => {
      if (options.json !== true && process.stderr.isTTY) process.stderr.write(`\r${read} rows`);
    },
  });
  const card = options.card ? await writeDatasetCard(out, manifest, imagesOf(source)) : undefined;
  if (options.json === true) printJson({ folder: out, ...(card === undefined ? {} : { card }), manifest });
  else process.stdout.write(`${describe(manifest, out)}\n${card === undefined ? '' : howToRun(card)}`);
  return undefined;
}

function howToRun(card: string): string {
  return [
    `Task card: ${card}`,
    'Name a server of yours in it, under "settings", then run it with:',
    `  autoact run --task ${card}`,
    'The starter model was made for another world. It only shows the way, with --setting preset=starter\n',
  ].join('\n');
}

function describe(manifest: DatasetManifest, folder: string): string {
  return [
    renderImportReport(manifest.report),
    `${manifest.questions} questions and ${manifest.documents} documents in ${folder}${manifest.licence === undefined ? '' : ` (${manifest.licence})`}`,
    ...manifest.selections.map((s) => `  selection ${s.id}: ${s.count} questions. ${s.note}`),
  ].join('\n');
}

/** @throws UsageError, TaskError */
function mappingOf(options: { readonly map: readonly string[]; readonly mapping?: string }): Mapping {
  let fromFile: unknown = {};
  if (options.mapping !== undefined)
    try {
      fromFile = JSON.parse(readFileSync(options.mapping, 'utf8'));
    } catch {
      throw new TaskError(
        'data',
        `The mapping ${options.mapping} cannot be read as JSON.`,
        'It is an object: {"question": "column", "answer": "column", …}.',
      );
    }
  const given = options.map.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`"${text}" maps nothing. Write field=column, for example question=Query.`);
    const [field, column] = [text.slice(0, at), text.slice(at + 1)];
    // One column for each option: choices=A,B,C,D
    return [field, field === 'choices' && column.includes(',') ? column.split(',') : column] as const;
  });
  const merged = {
    ...(z.record(z.string(), z.unknown()).safeParse(fromFile).data ?? {}),
    ...Object.fromEntries(given),
  };
  const mapping = Mapping.safeParse(merged);
  if (mapping.success) return mapping.data;
  const lines = mapping.error.issues.map((issue) => `${issue.path.join('.') || '(mapping)'}: ${issue.message}`);
  throw new UsageError(
    `The mapping is not complete: ${lines.join('; ')}. At least --map question=… and --map answer=… are needed.`,
  );
}

async function trajectories(
  files: readonly string[],
  options: CommonOptions & { out: string },
  signal: AbortSignal,
): Promise<undefined> {
  const check = replayCheck(join(packageRoot(), 'prompts'));
  let alike = 0;
  const { sources, report } = await importTrajectories(
    files.map((file) => resolve(file)),
    resolve(options.out),
    (row) => {
      const differs = check(row);
      if (differs === undefined) alike++;
      return differs;
    },
    signal,
  );
  if (options.json === true) printJson({ folder: resolve(options.out), sources, report, replayedAlike: alike });
  else
    process.stdout.write(
      `${renderImportReport(report)}\n${alike} of ${report.kept} replayed step for step in reference mode to the same halts, verdicts and scores\n` +
        sources
          .map(
            (s) =>
              `  ${s.file}: ${s.rows} trajectories, ${s.exact ? 'can be exported to the same bytes' : 'cannot be exported to the same bytes'}\n`,
          )
          .join('') +
        `In ${resolve(options.out)}: trajectories.jsonl without gold answers, scores.jsonl with them\n`,
    );
  return undefined;
}

interface PromptOptions extends CommonOptions {
  readonly for: PublishedTask;
  readonly workspace: string;
  readonly force?: boolean;
}

function prompts(clone: string, options: PromptOptions): void {
  const read = (path: string): string => {
    try {
      return readText(join(clone, path));
    } catch {
      throw new TaskError('data', `There is no ${path} in ${clone}.`, 'Name the folder of a clone of zjunlp/AutoAct.');
    }
  };
  const folder = join(resolve(options.workspace), '.autoact', 'prompts');
  const found = readPublishedPrompts(options.for, read).map((prompt) => ({
    prompt,
    path: join(folder, `${prompt.name}.md`),
  }));
  const there = found.find(({ path }) => existsSync(path));
  if (there !== undefined && options.force !== true)
    throw new TaskError('data', `There is a prompt ${there.path} already.`, 'Replace it with --force, or remove it.');
  for (const { prompt, path } of found) writeFileAtomic(path, promptFile(prompt, options.for));
  if (options.json === true) printJson({ folder, prompts: found.map(({ prompt }) => prompt.name) });
  else
    process.stdout.write(
      `${found.map(({ path }) => `${path}\n`).join('')}Runs of this workspace use them; with --mode reference they come near the published code.\n`,
    );
}
