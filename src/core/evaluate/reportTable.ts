import {
  cellAt,
  differenceText,
  levelColumns,
  metricTitles,
  oneLine,
  pValue,
  points,
  scoreText,
} from './reportText.ts';
import { overallLevel } from './summarise.ts';
import type { Report } from './report.ts';

/**
 * The results as a table for a terminal: plain text in columns, with colour where the terminal has it.
 * @param options.width columns of the terminal; a table that would be wider gives intervals for all levels together only,
 * and systems without what their titles have in brackets
 */
export function renderReportTable(
  report: Report,
  options: { readonly colour: boolean; readonly width?: number },
): string {
  const full = drawTable(report, options.colour, true);
  const widest = full.split('\n').find((text) => text.startsWith('─'))?.length ?? 0;
  return options.width === undefined || widest <= options.width ? full : drawTable(report, options.colour, false);
}

/** A system's title without the explanation in brackets at its end. */
const brief = (title: string): string => oneLine(title).replace(/ \([^()]*\)$/, '');

function drawTable(report: Report, colour: boolean, allIntervals: boolean): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const columns = levelColumns(report).map(({ level, title }) => ({
    level,
    title: allIntervals || level === overallLevel ? title : level,
  }));
  const reference = report.systems.find(({ id }) => id === report.reference)?.title ?? report.reference;
  const lost = report.systems.some(
    ({ cells }) => (cellAt(cells, overallLevel)?.errors ?? 0) + (cellAt(cells, overallLevel)?.missing ?? 0) > 0,
  );

  const head = [
    '',
    ...columns.map(({ title }) => title),
    `vs ${brief(reference)}`,
    'p (Holm)',
    ...(lost ? ['errors', 'missing', 'missing = wrong'] : []),
  ];
  const rows = report.systems.map((system) => {
    const overall = cellAt(system.cells, overallLevel);
    const comparison = system.comparisons?.at(-1);
    return [
      allIntervals ? oneLine(system.title) : brief(system.title),
      ...columns.map(({ level }) => {
        const cell = cellAt(system.cells, level);
        if (cell === undefined) return '–';
        return allIntervals || level === overallLevel ? scoreText(cell) : points(cell.score);
      }),
      comparison === undefined ? '' : differenceText(comparison),
      comparison === undefined ? '' : pValue(comparison.holm),
      ...(lost
        ? [String(overall?.errors ?? 0), String(overall?.missing ?? 0), points(overall?.scoreMissingWrong)]
        : []),
    ];
  });

  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const pad = (cells: readonly string[]): string[] =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  const body = rows.map((row, index) => {
    const cells = pad(row);
    const comparison = report.systems[index]?.comparisons?.at(-1);
    if (comparison !== undefined && comparison.holm !== null && comparison.holm < 0.05) {
      const column = columns.length + 1;
      cells[column] = paint(comparison.difference > 0 ? 32 : 31, cells[column] ?? '');
    }
    return cells.join('  ').trimEnd();
  });
  const tests = [...new Set(report.systems.flatMap(({ comparisons }) => comparisons?.at(-1)?.test ?? []))];
  return `${[
    paint(1, oneLine(report.title)),
    `${oneLine(report.task)}, ${metricTitles[report.metric]} in points with 95 % intervals; ${report.protocolTitle.split(':')[0] ?? ''}, k = ${report.samples}`,
    '',
    paint(1, pad(head).join('  ').trimEnd()),
    rule,
    ...body,
    rule,
    ...(tests.length === 0
      ? []
      : [
          `Paired on identical questions: ${tests.join(', ')}; Holm’s correction over ${report.systems.length - 1} comparison${report.systems.length === 2 ? '' : 's'}.`,
        ]),
  ].join('\n')}\n`;
}
