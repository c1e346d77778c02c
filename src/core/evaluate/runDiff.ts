import * as z from 'zod';
import { mean } from './describe.ts';
import { pairedBootstrap, type RandomSource } from './intervals.ts';
import { oneLine, points, pValue, signedPoints } from './reportText.ts';
import { signFlipTest } from './significance.ts';

/**
 * Two runs beside each other: what was set differently, what went into the training for that, and what came of it. Made
 * to see the effect of one change, people's judgements above all.
 */

export interface RunSide {
  readonly id: string;
  /** Its `run.json`. */
  readonly record: unknown;
  readonly trajectories: readonly SideTrajectory[];
  /** Ids of the training rows of each adapter. */
  readonly training: Readonly<Record<string, readonly string[]>>;
  readonly scores: Readonly<Record<string, readonly SideScore[]>>;
}

/** The part of a line of `trajectories.jsonl` that counts here. */
export const SideTrajectory = z.object({
  id: z.string(),
  kept: z.boolean(),
  reason: z.string().optional(),
  /** What people said of it. */
  human: z.object({ verdict: z.string(), edited: z.unknown().optional() }).optional(),
});
export type SideTrajectory = z.infer<typeof SideTrajectory>;

export interface SideScore {
  readonly question: string;
  readonly level: string;
  /** The task's metric, 0..1; the mean where a question has several samples. */
  readonly score: number;
}

export interface RunDiff {
  readonly first: string;
  readonly second: string;
  /** Fields of the run cards that differ; undefined where a side has none. */
  readonly card: readonly { readonly field: string; readonly first: string; readonly second: string }[];
  readonly kept: {
    readonly both: number;
    readonly onlyFirst: readonly string[];
    readonly onlySecond: readonly string[];
  };
  /** What people's labels did, first run and second. */
  readonly people: readonly [People, People];
  readonly training: readonly {
    readonly adapter: string;
    readonly first: number;
    readonly second: number;
    readonly shared: number;
  }[];
  readonly results: readonly SystemDiff[];
}

export interface People {
  readonly accepted: number;
  readonly rejected: number;
  readonly corrected: number;
  /** Trajectories edited by hand among those that are trained on. */
  readonly editedKept: number;
}

export interface SystemDiff {
  readonly system: string;
  /** Questions that both answered. */
  readonly n: number;
  readonly first: number;
  readonly second: number;
  /** second - first, with a 95 % interval over questions, stratified by level, and a sign-flip test. */
  readonly difference: number;
  readonly interval: { readonly low: number; readonly high: number } | undefined;
  readonly p: number;
}

/** Fields that differ between any two runs and mean nothing. */
const incidental = /^(?:id|createdAt|parent|capabilities|taskFile|questions\.count|prompts\..*\.text)(?:\.|$)/;

export function diffRuns(first: RunSide, second: RunSide, random: (purpose: string) => RandomSource): RunDiff {
  const keptOf = (side: RunSide): Set<string> => new Set(side.trajectories.filter((t) => t.kept).map((t) => t.id));
  const [a, b] = [keptOf(first), keptOf(second)];
  const adapters = [...new Set([...Object.keys(first.training), ...Object.keys(second.training)])];
  return {
    first: first.id,
    second: second.id,
    card: cardDiff(first.record, second.record),
    kept: {
      both: [...a].filter((id) => b.has(id)).length,
      onlyFirst: [...a].filter((id) => !b.has(id)),
      onlySecond: [...b].filter((id) => !a.has(id)),
    },
    people: [peopleOf(first), peopleOf(second)],
    training: adapters.map((adapter) => {
      const [own, other] = [first.training[adapter] ?? [], second.training[adapter] ?? []];
      const known = new Set(own);
      return { adapter, first: own.length, second: other.length, shared: other.filter((id) => known.has(id)).length };
    }),
    results: Object.keys(first.scores).flatMap((system) => {
      const other = second.scores[system];
      return other === undefined ? [] : [systemDiff(system, first.scores[system] ?? [], other, random(system))];
    }),
  };
}

function cardDiff(first: unknown, second: unknown): RunDiff['card'] {
  const [a, b] = [flat(first), flat(second)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((field) => !incidental.test(field) && a.get(field) !== b.get(field))
    .sort()
    .map((field) => ({ field, first: a.get(field) ?? '(none)', second: b.get(field) ?? '(none)' }));
}

/** Leaves of a JSON value by their path. */
function flat(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0)
    for (const [name, inner] of Object.entries(value)) flat(inner, path === '' ? name : `${path}.${name}`, into);
  else into.set(path, JSON.stringify(value));
  return into;
}

function peopleOf({ trajectories }: RunSide): People {
  const verdicts = (verdict: string): number => trajectories.filter((t) => t.human?.verdict === verdict).length;
  return {
    accepted: verdicts('accepted'),
    rejected: trajectories.filter((t) => t.reason === 'rejected by annotators').length,
    corrected: verdicts('corrected'),
    editedKept: trajectories.filter((t) => t.kept && t.human?.edited !== undefined).length,
  };
}

function systemDiff(
  system: string,
  first: readonly SideScore[],
  second: readonly SideScore[],
  random: RandomSource,
): SystemDiff {
  const before = new Map(first.map((s) => [s.question, s.score]));
  const pairs = second.flatMap(({ question, level, score }) => {
    const own = before.get(question);
    return own === undefined ? [] : [{ level, first: own, second: score }];
  });
  const strata = [...new Set(pairs.map((p) => p.level))].map((level) =>
    pairs.filter((p) => p.level === level).map((p) => p.second - p.first),
  );
  const { overall } = pairedBootstrap(strata, { random });
  return {
    system,
    n: pairs.length,
    first: mean(pairs.map((p) => p.first)) ?? 0,
    second: mean(pairs.map((p) => p.second)) ?? 0,
    difference: mean(strata.flat()) ?? 0,
    interval: overall === undefined ? undefined : { low: overall.low, high: overall.high },
    p: signFlipTest(strata.flat(), { random }).p,
  };
}

/** The difference as Markdown. */
export function renderRunDiff(diff: RunDiff): string {
  const [a, b] = diff.people;
  const shown = (text: string): string =>
    oneLine(text.length > 80 ? `${text.slice(0, 80)} …` : text).replace(/[\\`*_[\]<>|]/g, (c) => `\\${c}`);
  const card =
    diff.card.length === 0
      ? ['The run cards say the same.']
      : [
          table(
            ['Run card', 'First', 'Second'],
            diff.card.map(({ field, first, second }) => [shown(field), shown(first), shown(second)]),
          ),
        ];
  return `${[
    `# ${shown(diff.second)} against ${shown(diff.first)}`,
    '## What was set differently',
    ...card,
    '## What was trained on',
    table(
      ['', 'First', 'Second'],
      [
        [
          'Trajectories kept',
          diff.kept.both + diff.kept.onlyFirst.length,
          diff.kept.both + diff.kept.onlySecond.length,
        ],
        ['… by this run alone', diff.kept.onlyFirst.length, diff.kept.onlySecond.length],
        ['Accepted by people', a.accepted, b.accepted],
        ['Rejected by people', a.rejected, b.rejected],
        ['Corrected by people', a.corrected, b.corrected],
        ['Edited by hand and trained on', a.editedKept, b.editedKept],
        ...diff.training.map((t) => [`Examples for ${shown(t.adapter)} (${t.shared} the same)`, t.first, t.second]),
      ].map((row) => row.map(String)),
    ),
    '## What came of it',
    diff.results.length === 0
      ? 'The runs have no evaluated system in common.'
      : table(
          ['System', 'Questions', 'First', 'Second', 'Second − first', 'p'],
          diff.results.map((r) => [
            shown(r.system),
            String(r.n),
            points(r.first),
            points(r.second),
            `${signedPoints(r.difference)}${r.interval === undefined ? '' : ` [${signedPoints(r.interval.low)}, ${signedPoints(r.interval.high)}]`}`,
            pValue(r.p),
          ]),
        ),
    'Scores in points; in brackets 95 % intervals over the same questions, drawn again within levels; p by sign flips. One training each: another seed differs too, so a difference of one pair of runs is an indication.',
  ].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_cell, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}
