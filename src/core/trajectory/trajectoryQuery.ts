import { outcomes, type Outcome, type TrajectorySummary } from './summary.ts';

/**
 * What people type to find trajectories: words, and conditions such as `outcome:wrong tool:Retrieve steps>5
 * level:hard tokens>=2000 time<30 group:autoact reward<1`. Words are looked for in what was thought, called and seen.
 */
export interface TrajectoryQuery {
  /** What is looked for in the text, in lower case; empty when there are only conditions. */
  readonly text: string;
  /** Whether a trajectory fulfils the conditions. */
  accepts(row: QueryRow): boolean;
  readonly hasConditions: boolean;
  /** Parts that look like a condition and are none, with the reason. They are taken for words. */
  readonly problems: readonly string[];
}

export interface QueryRow extends TrajectorySummary {
  /** Share of pairs of the question's trajectories whose answers differ; null when it has only one. */
  readonly disagreement: number | null;
}

const numberFields: Readonly<Record<string, (row: QueryRow) => number | null>> = {
  steps: (row) => row.steps,
  tokens: (row) => row.tokens,
  cost: (row) => row.tokens,
  /** In seconds. */
  time: (row) => (row.ms === null ? null : row.ms / 1000),
  reward: (row) => row.reward,
  disagreement: (row) => row.disagreement,
};
const textFields: Readonly<Record<string, (row: QueryRow) => readonly string[]>> = {
  tool: (row) => row.tools,
  level: (row) => [row.level],
  group: (row) => [row.group],
  system: (row) => [row.group],
  answer: (row) => [row.answer ?? ''],
  id: (row) => [row.id],
  question: (row) => [row.title],
  remark: (row) => [row.remark],
};
const compare: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
  ':': (a, b) => a === b,
};
export const queryFields = ['outcome', ...Object.keys(textFields), ...Object.keys(numberFields)] as const;

const part = /(-?)(?:([a-z]+)(>=|<=|[:<>=]))?(?:"([^"]*)"?|(\S+))/gi;

/** Reads a query. Everything is a query; what is no condition is looked for as text. */
export function parseTrajectoryQuery(query: string): TrajectoryQuery {
  const conditions: ((row: QueryRow) => boolean)[] = [];
  const words: string[] = [];
  const problems: string[] = [];
  for (const [whole, minus = '', name = '', operator = '', quoted, bare = ''] of query.slice(0, 2000).matchAll(part)) {
    const value = quoted ?? bare;
    const condition = name === '' ? undefined : conditionOf(name.toLowerCase(), operator, value);
    if (condition === undefined) {
      words.push(name === '' ? `${minus}${value}` : whole);
      continue;
    }
    if (typeof condition === 'string') {
      problems.push(condition);
      continue;
    }
    conditions.push(minus === '' ? condition : (row) => !condition(row));
  }
  return {
    text: words.join(' ').toLowerCase(),
    accepts: (row) => conditions.every((condition) => condition(row)),
    hasConditions: conditions.length > 0,
    problems,
  };
}

/** The condition; what is wrong with it; or undefined when it is none of ours (`http://…`). */
function conditionOf(name: string, operator: string, value: string): ((row: QueryRow) => boolean) | string | undefined {
  const wanted = value.toLowerCase();
  if (name === 'outcome' && (operator === ':' || operator === '=')) {
    const found = new Set<Outcome>(outcomes.filter((outcome) => outcome.startsWith(wanted)));
    if (wanted === '' || found.size === 0) return `outcome is one of ${outcomes.join(', ')}`;
    return (row) => found.has(row.outcome);
  }
  const texts = Object.hasOwn(textFields, name) ? textFields[name] : undefined;
  if (texts !== undefined && (operator === ':' || operator === '='))
    return operator === '='
      ? (row) => texts(row).some((text) => text.toLowerCase() === wanted)
      : (row) => texts(row).some((text) => text.toLowerCase().includes(wanted));
  const number = Object.hasOwn(numberFields, name) ? numberFields[name] : undefined;
  const holds = compare[operator];
  if (number === undefined || holds === undefined) return undefined;
  const limit = Number(value);
  if (value === '' || !Number.isFinite(limit)) return `${name} is compared with a number`;
  return (row) => {
    const own = number(row);
    return own !== null && holds(own, limit);
  };
}
