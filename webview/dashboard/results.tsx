import * as l10n from '@vscode/l10n';
import type { RunStatus, SystemScore } from '../../src/core/run/status.ts';
import { integer, percent, points, pValue } from '../kit/format.ts';

const plotWidth = 160;
const plotHeight = 20;
const x = (share: number): number => 4 + share * (plotWidth - 8);

/** Scores by level: the figures, and beside each its interval on a common scale. */
export function Results({ status }: { readonly status: RunStatus }) {
  const levels = [...new Set(status.results.flatMap((result) => result.levels.map((level) => level.level)))];
  return (
    <section class="card results-card" aria-labelledby="results-title">
      <h2 id="results-title">{l10n.t('Results')}</h2>
      {status.earlierResults === true ? (
        <p class="banner">
          {l10n.t(
            'These are the results of the earlier report. Stages have been run again since; new results replace these when Evaluation and Report are done again.',
          )}
        </p>
      ) : null}
      {status.results.length === 0 ? (
        <p class="muted">{l10n.t('Scores appear when the evaluation is done, with intervals and a paired test.')}</p>
      ) : (
        <div class="scroll" role="region" aria-label={l10n.t('Results table')} tabIndex={0}>
          <table class="results">
            <caption class="visually-hidden">
              {l10n.t('Score ({0}) by level and system, in percent, with 95 % intervals', status.metric)}
            </caption>
            <thead>
              <tr>
                <th scope="col">{l10n.t('System')}</th>
                <th scope="col">{l10n.t('Score and 95 % interval, %')}</th>
                <th scope="col" class="plot">
                  <Axis />
                </th>
              </tr>
            </thead>
            {levels.map((level) => (
              <tbody key={level}>
                <tr class="level">
                  <th scope="rowgroup" colSpan={3}>
                    {levelTitle(level, status.results)}
                  </th>
                </tr>
                {status.results.map((result) => (
                  <Row
                    key={result.system}
                    result={result}
                    level={level}
                    sameN={countsOf(level, status.results).length === 1}
                  />
                ))}
              </tbody>
            ))}
          </table>
        </div>
      )}
      {status.results.some((result) => result.paired !== undefined || result.errors > 0) ? (
        <Paired results={status.results} />
      ) : null}
    </section>
  );
}

/** How many questions each system answered of a level; they are the same unless some failed. */
function countsOf(level: string, results: readonly SystemScore[]): number[] {
  return [
    ...new Set(results.flatMap((result) => result.levels.filter((each) => each.level === level).map((each) => each.n))),
  ];
}

function levelTitle(level: string, results: readonly SystemScore[]): string {
  const counts = countsOf(level, results);
  const name = level === 'all' ? l10n.t('All levels') : level.charAt(0).toUpperCase() + level.slice(1);
  return counts.length === 1 && counts[0] !== undefined ? `${name} (n = ${integer(counts[0])})` : name;
}

interface RowProps {
  readonly result: SystemScore;
  readonly level: string;
  readonly sameN: boolean;
}

function Row({ result, level, sameN }: RowProps) {
  const score = result.levels.find((each) => each.level === level);
  return (
    <tr class={level === 'all' ? 'overall' : ''}>
      <th scope="row">{result.title}</th>
      {score === undefined ? (
        <td colSpan={2} class="muted">
          {l10n.t('not evaluated')}
        </td>
      ) : (
        <>
          <td class="score">
            <strong>{percent(score.score)}</strong>{' '}
            <span>{l10n.t('{0} to {1}', percent(score.low), percent(score.high))}</span>
            {sameN ? null : <span class="muted">{` n = ${integer(score.n)}`}</span>}
          </td>
          <td class="plot">
            <svg
              class="interval"
              width={plotWidth}
              height={plotHeight}
              viewBox={`0 0 ${plotWidth} ${plotHeight}`}
              aria-hidden="true"
            >
              {[0, 0.25, 0.5, 0.75, 1].map((at) => (
                <line key={at} class="grid" x1={x(at)} x2={x(at)} y1="0" y2={plotHeight} />
              ))}
              <line class="range" x1={x(score.low)} x2={x(score.high)} y1={plotHeight / 2} y2={plotHeight / 2} />
              <line class="cap" x1={x(score.low)} x2={x(score.low)} y1="6" y2="14" />
              <line class="cap" x1={x(score.high)} x2={x(score.high)} y1="6" y2="14" />
              <circle class="point" cx={x(score.score)} cy={plotHeight / 2} r="4" />
            </svg>
          </td>
        </>
      )}
    </tr>
  );
}

function Axis() {
  return (
    <svg
      class="axis"
      width={plotWidth}
      height="14"
      viewBox={`0 0 ${plotWidth} 14`}
      role="img"
      aria-label={l10n.t('Plot of the intervals from 0 to 100 percent')}
    >
      <text x={x(0)} y="11" text-anchor="start">
        0
      </text>
      <text x={x(0.5)} y="11" text-anchor="middle">
        50
      </text>
      <text x={x(1)} y="11" text-anchor="end">
        100
      </text>
    </svg>
  );
}

function Paired({ results }: { readonly results: readonly SystemScore[] }) {
  return (
    <ul class="paired">
      {results.map((result) => {
        const { paired } = result;
        return paired === undefined && result.errors === 0 ? null : (
          <li key={result.system}>
            <strong>{result.title}</strong>
            {paired === undefined
              ? null
              : `: ${l10n.t('{0} points against the reference, 95 % interval {1} to {2}, p {3} ({4})', points(paired.difference), points(paired.low), points(paired.high), pValue(paired.p), paired.test)}`}
            {result.errors === 0 ? null : (
              <span class="stage-error">
                {paired === undefined ? ': ' : '; '}
                {result.errors === 1
                  ? l10n.t('1 question failed and is not scored')
                  : l10n.t('{0} questions failed and are not scored', integer(result.errors))}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
