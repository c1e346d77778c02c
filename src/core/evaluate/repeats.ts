import { mean, standardDeviation } from './describe.ts';
import { differenceText, pValue, points, signedPoints } from './reportText.ts';
import { overallLevel } from './summarise.ts';
import type { Comparison } from './compare.ts';
import type { Report } from './report.ts';

/** One independent repetition: another seed, another generated world. */
export interface Repeat {
  /** What differs, for people: "seed 3", "world 917". */
  readonly label: string;
  readonly system: number | null;
  readonly reference: number | null;
  readonly comparison: Comparison;
}

/** A claim over repetitions. Each one is judged on its own; nothing is pooled, so a strong one cannot carry a weak one. */
export interface RepeatSummary {
  readonly repeats: readonly Repeat[];
  readonly meanDifference: number;
  /** Between repetitions; undefined for one. */
  readonly deviation: number | undefined;
  readonly smallest: number;
  /** How many repetitions are at or above the margin and significant at 0.05. */
  readonly holding: number;
  readonly margin: number;
}

/** Takes one system's comparison over all questions out of each report. Reports without that system are left out. */
export function summariseRepeats(
  reports: readonly { readonly label: string; readonly report: Report }[],
  system: string,
  margin: number,
): RepeatSummary {
  const repeats = reports.flatMap(({ label, report }): Repeat[] => {
    const own = report.systems.find(({ id }) => id === system);
    const reference = report.systems.find(({ id }) => id === report.reference);
    const comparison = own?.comparisons?.find(({ level }) => level === overallLevel);
    if (own === undefined || comparison === undefined) return [];
    const score = (cells: typeof own.cells): number | null =>
      cells.find(({ level }) => level === overallLevel)?.score ?? null;
    return [
      {
        label,
        system: score(own.cells),
        reference: reference === undefined ? null : score(reference.cells),
        comparison,
      },
    ];
  });
  const differences = repeats.map(({ comparison }) => comparison.difference);
  return {
    repeats,
    meanDifference: mean(differences) ?? 0,
    deviation: standardDeviation(differences),
    smallest: differences.length === 0 ? 0 : Math.min(...differences),
    holding: repeats.filter(({ comparison }) => comparison.difference >= margin && comparison.p < 0.05).length,
    margin,
  };
}

/** Markdown: one row a repetition, and the sentence that follows from them. */
export function renderRepeats(summary: RepeatSummary): string {
  const { repeats, meanDifference, deviation, smallest, holding, margin } = summary;
  return [
    '| Repetition | n | Reference | System | Difference | p | Test |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...repeats.map(
      ({ label, system, reference, comparison }) =>
        `| ${label} | ${comparison.n} | ${points(reference)} | ${points(system)} | ${differenceText(comparison)} | ${pValue(comparison.p)} | ${comparison.test} |`,
    ),
    '',
    `Mean difference ${signedPoints(meanDifference)}${deviation === undefined ? '' : ` (SD ${points(deviation)})`}, smallest ${signedPoints(smallest)}; at least ${signedPoints(margin)} and p < 0.05 in ${holding} of ${repeats.length}.`,
    '',
  ].join('\n');
}
