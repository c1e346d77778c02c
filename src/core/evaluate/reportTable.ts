import { cellAt, differenceText, levelColumns, metricTitles, pValue, points, scoreText } from './reportText.ts';
import { overallLevel } from './summarise.ts';
import type { Report } from './report.ts';

/** The results as a table for a terminal: plain text in columns, with colour where the terminal has it. */
export function renderReportTable(report: Report, options: { readonly colour: boolean }): string {
  const paint = (code: number, text: string): string => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const columns = levelColumns(report);
  const reference = report.systems.find(({ id }) => id === report.reference)?.title ?? report.reference;
  const lost = report.systems.some(({ cells }) => (cellAt(cells, overallLevel)?.errors ?? 0) + (cellAt(cells, overallLevel)?.missing ?? 0) > 0);

  const head = ['', ...columns.map(({ title }) => title), `vs ${clean(reference)}`, 'p (Holm)', ...(lost ? ['errors', 'missing', 'missing = wrong'] : [])];
  const rows = report.systems.map((system) => {
    const overall = cellAt(system.cells, overallLevel);
    const comparison = system.comparisons?.at(-1);
    return [
      clean(system.title),
      ...columns.map(({ level }) => {
        const cell = cellAt(system.cells, level);
        return cell === undefined ? '–' : scoreText(cell);
      }),
      comparison === undefined ? '' : differenceText(comparison),
      comparison === undefined ? '' : pValue(comparison.holm),
      ...(lost ? [String(overall?.errors ?? 0), String(overall?.missing ?? 0), points(overall?.scoreMissingWrong)] : []),
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
    paint(1, clean(report.title)),
    `${clean(report.task)}, ${metricTitles[report.metric]} in points with 95 % intervals; ${report.protocolTitle.split(':')[0] ?? ''}, k = ${report.samples}`,
    '',
    paint(1, pad(head).join('  ').trimEnd()),
    rule,
    ...body,
    rule,
    ...(tests.length === 0 ? [] : [`Paired on identical questions: ${tests.join(', ')}; Holm’s correction over ${report.systems.length - 1} comparison${report.systems.length === 2 ? '' : 's'}.`]),
  ].join('\n')}\n`;
}

/** A name from a file must not move the cursor or colour the terminal. */
function clean(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
