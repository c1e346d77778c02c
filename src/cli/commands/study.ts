import { Option, type Command } from 'commander';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { exchangeFormats, type ExchangeFormat } from '../../core/annotate/exchange/common.ts';
import { prepareStudy } from '../../core/annotate/prepare.ts';
import { StudySession } from '../../core/annotate/session.ts';
import { foldLabels } from '../../core/annotate/labels.ts';
import { parseStudy, StudyError, type StudyMethod } from '../../core/annotate/study.ts';
import { points } from '../../core/evaluate/reportText.ts';
import { exportLabelsTo, importLabelsFrom } from '../../node/annotate/exchangeFiles.ts';
import { writeAnalysis } from '../../node/annotate/studyAnalysis.ts';
import { useForTraining } from '../../node/annotate/studyForTraining.ts';
import { StudyFolder, studySuffix } from '../../node/annotate/studyFolder.ts';
import { readSources } from '../../node/annotate/studySources.ts';
import { writeFileAtomic } from '../../node/store/atomicFile.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';
import { exitCodes } from '../exitCodes.ts';
import { runsFolder } from '../session.ts';
import { collect } from './run.ts';

/** Blind comparisons by people: everything but the labelling itself, which the editor's side panel does. */
export function addStudy(program: Command): void {
  const group = program.command('study');
  group
    .command('new')
    .description('Write a study file.')
    .argument('<name>', 'name of the study; its file is NAME.study.json')
    .requiredOption(
      '-m, --method <id=source>',
      'a method: ID=RUN:SYSTEM of a run, or ID=FOLDER of imported trajectories; give it again for each',
      collect,
      [],
    )
    .requiredOption('-r, --rater <name>', 'an annotator; give it again for each', collect, [])
    .addOption(new Option('--design <design>').choices(['n-way', 'pairwise', 'single']).default('n-way'))
    .option('--per-level <n>', 'questions of each level', Number)
    .option('-w, --workspace <folder>', 'where to write it', '.')
    .option('--json', 'print JSON')
    .action((name: string, options: NewOptions) => act(options, () => Promise.resolve(newStudy(name, options))));
  study(
    group,
    'prepare',
    'Draw questions, take out what tells the method, make each annotator’s order, seal the key.',
  ).action((file: string, options: PlaceOptions) => act(options, () => prepare(file, options)));
  study(group, 'status', 'How far each annotator is.').action((file: string, options: PlaceOptions) =>
    act(options, () => Promise.resolve(status(file, options))),
  );
  study(group, 'analyse', 'Win rates, agreement and checks; writes report.md, report.json and figure-6.svg.').action(
    (file: string, options: PlaceOptions) => act(options, () => Promise.resolve(analyse(file, options))),
  );
  study(group, 'reveal', 'Put the key beside the labels, so that others can check that the study was blind.').action(
    (file: string, options: PlaceOptions) => act(options, () => Promise.resolve(reveal(file, options))),
  );
  study(
    group,
    'use',
    'Put the verdicts of a study of single trajectories where filter.annotations of a task card finds them.',
  ).action((file: string, options: PlaceOptions) => act(options, () => useLabels(file, options)));
  study(group, 'export', 'Write the labels for another tool.')
    .requiredOption('-o, --out <file>', 'file to write')
    .addOption(new Option('--format <format>', 'of the file').choices(exchangeFormats).default('csv'))
    .action((file: string, options: ExchangeOptions & { out: string }) =>
      act(options, () => Promise.resolve(exportLabels(file, options))),
    );
  study(group, 'import', 'Take labels over that were made in another tool from what export wrote.')
    .requiredOption('--from <file>', 'file to read')
    .addOption(new Option('--format <format>', 'of the file').choices(exchangeFormats).default('csv'))
    .action((file: string, options: ExchangeOptions & { from: string }) =>
      act(options, () => Promise.resolve(importLabels(file, options))),
    );
}

interface PlaceOptions extends CommonOptions {
  readonly workspace: string;
}
interface NewOptions extends PlaceOptions {
  readonly method: readonly string[];
  readonly rater: readonly string[];
  readonly design: 'n-way' | 'pairwise' | 'single';
  readonly perLevel?: number;
}
interface ExchangeOptions extends PlaceOptions {
  readonly format: ExchangeFormat;
}

function study(group: Command, name: string, description: string): Command {
  return group
    .command(name)
    .description(description)
    .argument('<file>', `the study, NAME${studySuffix}`)
    .option('-w, --workspace <folder>', 'folder that holds .autoact/', '.')
    .option('--json', 'print JSON');
}

function newStudy(name: string, options: NewOptions): number | undefined {
  const file = join(resolve(options.workspace), `${name}${studySuffix}`);
  if (existsSync(file)) throw new StudyError('study', `There is a study ${file} already.`, 'Choose another name.');
  const written = {
    name,
    design: options.design,
    methods: options.method.map((text) => methodOf(text, dirname(file))),
    ...(options.perLevel === undefined ? {} : { questions: { perLevel: options.perLevel } }),
    raters: [...options.rater],
  };
  parseStudy(written, file, 'Nothing was written. Correct the options: autoact study new --help.');
  writeFileAtomic(file, `${JSON.stringify(written, null, 2)}\n`);
  if (options.json === true) printJson({ file });
  else
    process.stdout.write(
      `Study: ${file}\nAspects are the paper's five until it names others.\nPrepare it with: autoact study prepare ${file}\n`,
    );
  return undefined;
}

/** `ID=RUN:SYSTEM` or `ID=FOLDER`. */
function methodOf(text: string, folder: string): StudyMethod {
  const at = text.indexOf('=');
  const [id, source] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || source === '') throw new UsageError(`"${text}" is no method. Write ID=RUN:SYSTEM or ID=FOLDER.`);
  if (existsSync(join(resolve(folder, source), 'trajectories.jsonl'))) return { id, folder: source };
  const colon = source.lastIndexOf(':');
  if (colon < 1)
    throw new UsageError(
      `"${source}" is no folder of imported trajectories, and names no system of a run (RUN:SYSTEM).`,
    );
  return { id, run: source.slice(0, colon), system: source.slice(colon + 1) };
}

async function prepare(file: string, options: PlaceOptions): Promise<number | undefined> {
  const folder = new StudyFolder(resolve(file));
  const definition = folder.study();
  const sources = await readSources(definition, folder.file, runsFolder(resolve(options.workspace)));
  const prepared = prepareStudy(definition, sources, randomBytes(16).toString('hex'));
  const { commitment } = folder.write(prepared, new Date());
  const { report, plan } = prepared;
  if (options.json === true) printJson({ folder: folder.path, commitment, key: folder.sealedKey, ...report });
  else
    process.stdout.write(
      [
        `${report.questions} questions (${report.incomplete} were not answered by every method${report.unfinished === 0 ? '' : `, ${report.unfinished} not finished by all`}); ${report.tellsRemoved} tells taken out.`,
        ...plan.raters.map(
          (r) => `  ${r.name}: ${r.presentations.length} items, ${r.guesses.length} guesses at the end`,
        ),
        `Sealed: ${commitment}`,
        `Give annotators ${folder.path}; keep ${folder.sealedKey} to yourself until the labels are in.`,
        '',
      ].join('\n'),
    );
  return undefined;
}

function status(file: string, options: PlaceOptions): number | undefined {
  const folder = new StudyFolder(resolve(file));
  const plan = folder.plan();
  const items = folder.items();
  const raters = plan.raters.map(({ name }) => {
    const annotator = folder.annotator(name);
    const labels = foldLabels(annotator.records(), plan.name);
    const { done, total, paceMs, leftMs } = new StudySession(plan, items, name).progress(labels);
    return {
      name,
      done,
      total,
      paceMs: paceMs ?? null,
      leftMs: leftMs ?? null,
      damagedLines: annotator.faults.damaged,
    };
  });
  if (options.json === true) printJson({ study: plan.name, revealed: folder.revealed, raters });
  else
    for (const r of raters)
      process.stdout.write(
        `${r.name}: ${r.done} of ${r.total}${r.paceMs === null ? '' : `, ${Math.round(r.paceMs / 1000)} s each, about ${Math.ceil((r.leftMs ?? 0) / 60_000)} min left`}${r.damagedLines.length === 0 ? '' : `; line ${r.damagedLines.join(', ')} of the file is damaged and left out`}\n`,
      );
  return undefined;
}

function analyse(file: string, options: PlaceOptions): number | undefined {
  const folder = new StudyFolder(resolve(file));
  const { analysis, sealed, report } = writeAnalysis(folder);
  if (options.json === true) printJson({ report, sealed, analysis });
  else {
    for (const aspect of analysis.aspects)
      process.stdout.write(
        `${aspect.title}: ${aspect.winRates.map((r) => `${r.title} ${points(r.rate)} %`).join(', ')} (${aspect.decided} of ${aspect.units} decided; alpha ${aspect.alpha.value?.toFixed(3) ?? '–'})\n`,
      );
    for (const warning of analysis.warnings) process.stdout.write(`Note: ${warning}\n`);
    process.stdout.write(
      `Report: ${report}\n${sealed ? '' : 'What was sealed is not what is there: see "Blindness" in the report.\n'}`,
    );
  }
  return sealed ? undefined : exitCodes.input;
}

function reveal(file: string, options: PlaceOptions): number | undefined {
  const folder = new StudyFolder(resolve(file));
  folder.reveal();
  const path = join(folder.path, 'key.json');
  if (options.json === true) printJson({ key: path, commitment: folder.commitment().commitment });
  else process.stdout.write(`${path}: its SHA-256 is ${folder.commitment().commitment}, as it was sealed.\n`);
  return undefined;
}

async function useLabels(file: string, options: PlaceOptions): Promise<number | undefined> {
  const used = await useForTraining(new StudyFolder(resolve(file)), resolve(options.workspace));
  if (options.json === true) printJson({ ...used, leftOut: Object.fromEntries(used.leftOut) });
  else {
    const { judgements, verdicts, corrections } = used.counts;
    process.stdout.write(
      `${judgements} trajectories accepted or rejected, ${verdicts} verdicts on steps, ${corrections} corrections: ${used.added} new, ${used.takenBack} taken back.\n`,
    );
    for (const [reason, n] of used.leftOut) process.stdout.write(`  left out ${n}: ${reason}\n`);
    process.stdout.write(
      'Runs look at them with "filter": {"annotations": "filter"} in the settings of a task card.\n',
    );
  }
  return undefined;
}

function exportLabels(file: string, options: ExchangeOptions & { out: string }): number | undefined {
  const written = exportLabelsTo(new StudyFolder(resolve(file)), options.format, resolve(options.out));
  const { out, config } = written;
  if (options.json === true) printJson(written);
  else process.stdout.write(`${out}\n${config === undefined ? '' : `Its labelling interface: ${config}\n`}`);
  return undefined;
}

function importLabels(file: string, options: ExchangeOptions & { from: string }): number | undefined {
  const folder = new StudyFolder(resolve(file));
  const { choices, added, refused } = importLabelsFrom(folder, options.format, resolve(options.from), Date.now());
  if (options.json === true) printJson({ choices, added, refused: Object.fromEntries(refused) });
  else {
    process.stdout.write(`${choices} choices, ${added} new records.\n`);
    for (const [reason, n] of refused) process.stdout.write(`  left out ${n}: ${reason}\n`);
  }
  return choices === 0 ? exitCodes.input : undefined;
}
