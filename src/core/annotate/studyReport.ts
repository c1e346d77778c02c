import { amount, oneLine, points, pValue } from '../evaluate/reportText.ts';
import type { Agreement } from './agreement.ts';
import type { AspectResult, StudyAnalysis, WinRate } from './analyse.ts';

/** `report.md` of a study: a function of the analysis alone. */

export interface ReportExtras {
  /** In words, whether items, order and key are those that were sealed before the first label. */
  readonly blindness: readonly string[];
  /** File name of the figure beside the report. */
  readonly figure: string;
}

export function renderStudyReport(analysis: StudyAnalysis, extras: ReportExtras): string {
  const compared = analysis.aspects.length > 0;
  return `${[
    `# Study ${line(analysis.name)}`,
    raters(analysis),
    ...(analysis.warnings.length === 0 ? [] : [analysis.warnings.map((w) => `- **Note.** ${line(w)}`).join('\n')]),
    ...(compared
      ? [
          '## Win rates',
          `![Win rates by aspect and method](${extras.figure})`,
          explanation(analysis),
          ...analysis.aspects.flatMap((aspect) => [`### ${line(aspect.title)}`, aspectText(aspect)]),
          '## Agreement of the annotators',
          agreement(analysis),
        ]
      : []),
    '## Can the labels be believed?',
    checks(analysis),
    '## Blindness',
    extras.blindness.map((fact) => `- ${fact}`).join('\n'),
    ...(analysis.disagreements.length === 0 ? [] : ['## To adjudicate', disagreements(analysis)]),
  ].join('\n\n')}\n`;
}

const line = (text: string): string => oneLine(text).replace(/[\\`*_[\]<>|]/g, (c) => `\\${c}`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_cell, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function raters({ raters: all, design }: StudyAnalysis): string {
  const what = {
    'n-way': 'All methods of a question at once',
    pairwise: 'Two methods at a time',
    single: 'One trajectory at a time',
  };
  const each = all.map(
    (r) =>
      `${line(r.name)} ${r.done}/${r.total}${r.paceMs === undefined ? '' : ` (${Math.round(r.paceMs / 1000)} s each)`}`,
  );
  return `${what[design]}. Annotators: ${each.join(', ')}.`;
}

function explanation({ ties, methods }: StudyAnalysis): string {
  const policy = {
    none: 'Without a majority there is no winner.',
    split: 'Without a majority the win is shared by votes.',
    adjudicate: 'Without a majority the adjudicator decides.',
  };
  return [
    '- A method wins where more than half of the annotators hold it for the best; a tie shares a vote.',
    `- ${policy[ties]} Win rate: wins of the decided; in brackets the 95 % interval, questions drawn again with all of their annotators.`,
    '- "Even" tests whether wins are spread as by chance (multinomial, Monte Carlo). Pairs: exact sign test on what one of the two won, Holm-corrected over all pairs and aspects.',
    ...(methods.length > 2
      ? [
          '- Strength: how likely the method is chosen among all of them, from every single vote whatever set it was given on (Bradley–Terry for pairs, Plackett–Luce for more, with a weak prior).',
        ]
      : []),
  ].join('\n');
}

const range = ({ low, high }: WinRate): string =>
  low === undefined || high === undefined ? '' : ` [${points(low)}, ${points(high)}]`;

const strength = ({ strength: s }: WinRate): string =>
  s === undefined
    ? '–'
    : `${points(s.value)}${s.low === undefined || s.high === undefined ? '' : ` [${points(s.low)}, ${points(s.high)}]`}`;

function aspectText(aspect: AspectResult): string {
  const ranked = aspect.winRates.some((r) => r.strength !== undefined);
  const rows = aspect.winRates.map((r) => [
    line(r.title),
    r.wins % 1 === 0 ? String(r.wins) : r.wins.toFixed(2),
    String(r.decided),
    `${points(r.rate)}${range(r)}`,
    points(r.rateOfAll),
    String(r.plurality),
    ...(ranked ? [strength(r)] : []),
  ]);
  const pairs = aspect.pairs.map(
    (p) =>
      `- ${line(p.first)} ${p.firstWins} : ${p.secondWins} ${line(p.second)}, p = ${pValue(p.p)}${p.holm === undefined ? '' : `, corrected ${pValue(p.holm)}`}`,
  );
  const halo =
    aspect.allCorrect === undefined
      ? []
      : [
          `Where the automatic score found all of them right (${aspect.allCorrect.units} units): ${aspect.allCorrect.winRates.map((r) => `${line(r.title)} ${points(r.rate)}${range(r)}`).join(', ')}.`,
        ];
  return [
    table(['Method', 'Wins', 'Decided', 'Win rate', 'Of all', 'Plurality', ...(ranked ? ['Strength'] : [])], rows),
    `${aspect.units} units, ${aspect.undecided} without a decision; even: p = ${pValue(aspect.evenP)}.`,
    ...(pairs.length === 0 ? [] : [pairs.join('\n')]),
    ...halo,
  ].join('\n\n');
}

function figureOf({ value, low, high, items }: Agreement): string {
  if (value === undefined) return `– (${items} items)`;
  const interval = low === undefined || high === undefined ? '' : ` [${amount(low, 2)}, ${amount(high, 2)}]`;
  return `${amount(value, 3)}${interval} (${items} items)`;
}

function agreement(analysis: StudyAnalysis): string {
  return [
    table(
      ['Aspect', 'Fleiss’ kappa', 'Krippendorff’s alpha'],
      analysis.aspects.map((a) => [line(a.title), figureOf(a.kappa), figureOf(a.alpha)]),
    ),
    'Kappa knows single choices with equally many annotators; alpha takes ties as sets (MASI) and missing labels. In brackets 95 % intervals, items drawn again.',
  ].join('\n\n');
}

function checks({ positions, consistency, audit }: StudyAnalysis): string {
  const lines = positions.map(
    (p) =>
      `- Positions chosen by ${line(p.rater)}: ${p.counts.map((n, i) => `${String.fromCharCode(65 + i)} ${n}`).join(', ')}; χ² = ${p.chiSquare.toFixed(2)}, ${p.p === undefined ? 'too few for a test' : `p = ${pValue(p.p)}`}.`,
  );
  lines.push(
    consistency.rate === undefined
      ? '- No repeated item has been judged twice yet.'
      : `- Asked again, annotators said the same ${consistency.same} times of ${consistency.repeats} (${points(consistency.rate)} %, interval ${points(consistency.low)} to ${points(consistency.high)}): ${consistency.byRater.map((r) => `${line(r.rater)} ${r.same}/${r.repeats}`).join(', ')}.`,
  );
  lines.push(
    audit.rate === undefined
      ? '- Nobody has guessed the method yet.'
      : `- Blinding: ${audit.right} of ${audit.guesses} guesses found ${line(audit.method)} (chance ${points(audit.chance)} %, p = ${pValue(audit.p)}). ${(audit.p ?? 1) < 0.05 ? '**The annotators knew more than chance.**' : 'No more than chance explains.'}`,
  );
  return lines.join('\n');
}

function disagreements({ disagreements: all }: StudyAnalysis): string {
  const byUnit = new Map<string, string[]>();
  for (const d of all) byUnit.set(d.unit, [...(byUnit.get(d.unit) ?? []), d.aspect]);
  return [...byUnit].map(([unit, aspects]) => `- ${line(unit)}: ${aspects.map(line).join(', ')}`).join('\n');
}
