import {
  amount,
  cellAt,
  differenceText,
  interval,
  levelColumns,
  metricTitles,
  oneLine,
  overallFirst,
  pValue,
  points,
  scoreText,
} from './reportText.ts';
import { overallLevel } from './summarise.ts';
import type { Comparison } from './compare.ts';
import type { Report, SystemReport } from './report.ts';
import type { RetriedScores } from './retried.ts';

/** `report.md`: a function of the report alone, so that it can be written again from `report.json` at any time. */
export function renderReport(report: Report): string {
  return `${[
    `# ${line(report.title)}`,
    introduction(report),
    '## Scores',
    scores(report),
    ...comparisons(report),
    '## How the answers came about',
    counts(report),
    ...repeated(report),
    ...retried(report),
    ...cutAtLimit(report),
    '## Provenance',
    provenance(report),
    ...(report.notes.length === 0 ? [] : ['## Notes', report.notes.map((note) => `- ${line(note)}`).join('\n')]),
  ].join('\n\n')}\n`;
}

function introduction(report: Report): string {
  return [
    `- Task: ${line(report.task)}; metric: ${metricTitles[report.metric]}. ${report.metricNotes.join(' ')}`,
    `- Protocol: ${report.protocolTitle}; k = ${report.samples}.`,
    `- Scores and differences are in points (0 to 100) with 95 % intervals: percentile bootstrap over questions, stratified by level, ${report.resamples} resamples, seed ${report.statisticsSeed}.`,
    '- Errors of servers and tools are not answers: they are left out of the scores, counted below, and a second score counts them and missing answers as wrong.',
  ].join('\n');
}

function scores(report: Report): string {
  const columns = levelColumns(report);
  return table(
    ['System', ...columns.map(({ title }) => title)],
    report.systems.map((system) => [
      line(system.title),
      ...columns.map(({ level }) => {
        const cell = cellAt(system.cells, level);
        if (cell === undefined) return '–';
        return cell.n < cell.questions ? `${scoreText(cell)}, n=${cell.n}` : scoreText(cell);
      }),
    ]),
  );
}

function comparisons(report: Report): string[] {
  const others = report.systems.filter(({ comparisons }) => comparisons !== undefined);
  if (others.length === 0) return [];
  const reference = report.systems.find(({ id }) => id === report.reference)?.title ?? report.reference;
  const row = (system: SystemReport, comparison: Comparison): string[] => [
    line(system.title),
    comparison.level,
    String(comparison.n),
    differenceText(comparison),
    `${comparison.better} / ${comparison.worse}`,
    comparison.n === 0 ? '–' : comparison.test,
    comparison.n === 0 ? '–' : pValue(comparison.p),
    pValue(comparison.holm),
  ];
  const head = ['System', 'Level', 'n', 'Difference', 'Better / worse', 'Test', 'p', 'Holm p'];
  const sections = [
    `## Against ${line(reference)}`,
    'Paired on identical questions; difference = system minus reference. Holm’s correction runs over the comparisons over all questions, and separately over those by level.',
    table(
      head,
      others.flatMap((system) => overallFirst(system.comparisons ?? []).map((comparison) => row(system, comparison))),
    ),
  ];
  const exact = others.flatMap((system) => (system.exactMatch === undefined ? [] : [row(system, system.exactMatch)]));
  if (exact.length > 0) sections.push('Exact match instead of F1:', table(head, exact));
  const wrong = others.flatMap((system) =>
    system.missingWrong === undefined ? [] : [row(system, system.missingWrong)],
  );
  if (wrong.length > 0) sections.push('With errors and missing answers counted as wrong:', table(head, wrong));
  const expected = others.flatMap(({ title, expected, comparisons }) => {
    const measured = comparisons?.at(-1);
    if (expected === undefined || measured === undefined) return [];
    return [
      `- ${line(title)}: ${line(expected)} Measured here: ${differenceText(measured)}, Holm p ${pValue(measured.holm)}.`,
    ];
  });
  if (expected.length > 0) sections.push('Expected from the paper, and measured:', expected.join('\n'));
  return sections;
}

function counts(report: Report): string {
  return table(
    [
      'System',
      'Level',
      'Answers',
      'Finished',
      'Halted',
      'Errors',
      'Missing',
      'EM',
      'F1',
      'Missing = wrong',
      'Steps',
      'Tool calls',
      'Prompt tokens',
      'Completion tokens',
    ],
    report.systems.flatMap((system) =>
      overallFirst(system.cells).map((cell) => [
        line(system.title),
        cell.level,
        String(cell.answers),
        String(cell.finished),
        cell.halted.length === 0 ? '0' : cell.halted.map(({ reason, count }) => `${count} ${line(reason)}`).join(', '),
        String(cell.errors),
        String(cell.missing),
        points(cell.em),
        points(cell.f1),
        points(cell.scoreMissingWrong),
        amount(cell.steps),
        amount(cell.toolCalls),
        amount(cell.promptTokens, 0),
        amount(cell.completionTokens, 0),
      ]),
    ),
  );
}

function repeated(report: Report): string[] {
  if (report.samples < 2) return [];
  return [
    '## Repeated answers',
    'The oracle chooses between two answers with the gold label; the majority does not. The last column is the standard deviation between whole samples.',
    table(
      ['System', 'Mean', 'Majority', 'Oracle best-of-2', 'SD between samples'],
      report.systems.map((system) => {
        const cell = cellAt(system.cells, overallLevel);
        // Under another protocol the cell's score is not the mean, so the mean is not shown as such.
        const mean = report.protocol === 'mean@k' ? points(cell?.score) : '–';
        return [
          line(system.title),
          mean,
          points(cell?.majority),
          points(cell?.oracleBestOf2),
          points(cell?.sampleDeviation),
        ];
      }),
    ),
  ];
}

function retried({ systems }: Report): string[] {
  const told = systems.flatMap(({ title, retried: of }) => (of === undefined ? [] : [{ title, of }]));
  if (told.length === 0) return [];
  const head = '## Asked again';
  if (told.every(({ of }) => of.again.answers === 0))
    return [head, 'No answer had to be asked for again, so that no score can have moved with it.'];
  const shown = ({ answers, n, score, interval: range }: RetriedScores['again']): string[] => [
    String(answers),
    n === 0 ? '–' : `${points(score)}${interval(range)}, n=${n}`,
  ];
  return [
    head,
    'Scores of answers for which a server or tool was asked again after a failure, beside those that came at once. Questions are not paired here: harder ones may take longer and fail more often.',
    table(
      ['System', 'Asked again', 'Score', 'At once', 'Score'],
      told.map(({ title, of }) => [line(title), ...shown(of.again), ...shown(of.atOnce)]),
    ),
  ];
}

function cutAtLimit({ systems }: Report): string[] {
  const told = systems.flatMap(({ title, cut }) => (cut === undefined ? [] : [{ title, cut }]));
  if (told.length === 0) return [];
  const head = '## Cut at the token limit';
  if (told.every(({ cut }) => cut.completions === 0)) return [head, 'No completion ended at its token limit.'];
  return [
    head,
    'Completions that ended at their token limit (`maxTokens`) are parsed as far as they go, and their answers count like any other.',
    table(
      ['System', 'Completions cut', 'Answers with one', 'Of answers', 'Their score'],
      told.map(({ title, cut }) => [
        line(title),
        String(cut.completions),
        String(cut.answers),
        String(cut.of),
        points(cut.score),
      ]),
    ),
  ];
}

function provenance({ provenance: from, systems }: Report): string {
  const models = from.models.map(
    ({ role, server, model, hash, system }) =>
      `${system === undefined ? '' : `${system}, `}${role}: ${model} on ${server}${hash === undefined ? '' : ` (${hash})`}`,
  );
  const errors = systems.map(({ title, cells }) => `${title} ${cellAt(cells, overallLevel)?.errors ?? 0}`).join(', ');
  const entries: [string, string | undefined][] = [
    ['Run', from.run],
    ['Created', from.createdAt],
    ['Machine', from.machine],
    ['Questions', from.questions],
    ['Mode', from.mode],
    ...models.map((model): [string, string] => ['Model', model]),
    ['Sampling', from.sampling],
    ['Prompts', from.prompts],
    ['Seeds', from.seeds.join(', ')],
    ['Errors', errors],
    ...Object.entries(from.versions ?? {}).map(([name, version]): [string, string] => [name, version]),
  ];
  return entries
    .flatMap(([label, value]) => (value === undefined ? [] : [`- ${line(label)}: ${line(value)}`]))
    .join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const render = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    render(head),
    `|${head.map((_title, column) => (column === 0 ? '---' : '---:')).join('|')}|`,
    ...rows.map(render),
  ].join('\n');
}

/** Names come from files and models: one line, and no markup that a viewer would act on. */
function line(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>]/g, '\\$&');
}
