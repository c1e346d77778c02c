import type { SystemScore } from '../run/status.ts';
import type { Report } from './report.ts';

/** A report's figures as the run's status carries them to views. Where nothing could be scored, the level is left out. */
export function systemScores(report: Report): SystemScore[] {
  return report.systems.map((system) => {
    const comparison = system.comparisons?.at(-1);
    return {
      system: system.id,
      title: system.title,
      levels: system.cells.flatMap(({ level, n, score, interval }) =>
        // With one question there is a score and no interval: nothing is known about its spread, so it spans all.
        score === null ? [] : [{ level, n, score, low: interval?.low ?? 0, high: interval?.high ?? 1 }],
      ),
      errors: system.cells.at(-1)?.errors ?? 0,
      ...(comparison === undefined || comparison.interval === null
        ? {}
        : {
            paired: {
              difference: comparison.difference,
              low: comparison.interval.low,
              high: comparison.interval.high,
              p: comparison.p,
              test: comparison.test,
            },
          }),
    };
  });
}
