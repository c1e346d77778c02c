import { withDisagreement } from '../../core/trajectory/disagreement.ts';
import { outcomes } from '../../core/trajectory/summary.ts';
import type { Outcome, TrajectorySummary } from '../../core/trajectory/summary.ts';
import { parseTrajectoryQuery } from '../../core/trajectory/trajectoryQuery.ts';
import type { QueryRow } from '../../core/trajectory/trajectoryQuery.ts';
import { allLevels, wonLost } from '../../core/trajectory/wonLost.ts';
import type { WonLostResult } from '../../core/trajectory/wonLost.ts';
import { sortKeys } from '../../protocol/trajectories.ts';
import type { SortKey, TableSnapshot, TableView } from '../../protocol/trajectories.ts';

/** What a table shows of its rows: pure, so that it is tested without an editor. */

export interface ModelRow extends TrajectorySummary {
  readonly source: string;
}

const outcomeOrder = new Map(outcomes.map((outcome, i) => [outcome, i]));
const values: Readonly<Record<Exclude<SortKey, 'order'>, (row: QueryRow) => number | string | null>> = {
  title: (row) => row.title,
  group: (row) => row.group,
  level: (row) => row.level,
  outcome: (row) => outcomeOrder.get(row.outcome) ?? 0,
  reward: (row) => row.reward,
  steps: (row) => row.steps,
  tools: (row) => row.tools.join(' '),
  tokens: (row) => row.tokens,
  ms: (row) => row.ms,
  disagreement: (row) => row.disagreement,
};
/** Shown whether or not any row has a value. */
const always: ReadonlySet<SortKey> = new Set<SortKey>(['order', 'title', 'outcome', 'steps', 'tools']);

export class TableModel<T extends ModelRow> {
  readonly rows: readonly (T & QueryRow)[];
  private readonly matrices = new Map<string, WonLostResult>();

  constructor(rows: readonly T[]) {
    this.rows = withDisagreement(rows);
  }

  /** Groups are told apart by source where there are several: two runs both have a system `autoact`. */
  groups(): TableSnapshot['groups'] {
    const several = new Set(this.rows.map(({ source }) => source)).size > 1;
    const found = new Map<string, { title: string; count: number }>();
    for (const row of this.rows) {
      const id = groupId(row);
      const known = found.get(id);
      if (known === undefined) found.set(id, { title: several ? `${row.group} (${row.source})` : row.group, count: 1 });
      else known.count++;
    }
    return [...found].map(([id, group]) => ({ id, ...group }));
  }

  levels(): string[] {
    const found = new Set(this.rows.map(({ level }) => level));
    found.delete('');
    const known = ['easy', 'medium', 'hard'];
    return [
      ...known.filter((level) => found.has(level)),
      ...[...found].filter((level) => !known.includes(level)).sort(),
    ];
  }

  outcomes(): Outcome[] {
    const found = new Set(this.rows.map(({ outcome }) => outcome));
    return outcomes.filter((outcome) => found.has(outcome));
  }

  columns(): SortKey[] {
    const groups = this.groups().length;
    return sortKeys.filter((key) => {
      if (key === 'order' || always.has(key)) return true;
      if (key === 'group') return groups > 1;
      return this.rows.some((row) => {
        const value = values[key](row);
        return value !== null && value !== '';
      });
    });
  }

  /**
   * Indexes of the rows that a view shows, in its order.
   * @param found those in which the query's text was found; undefined when it has none
   */
  select(view: TableView, found: ReadonlySet<number> | undefined): number[] {
    const query = parseTrajectoryQuery(view.query);
    const cell = view.cell;
    const cells = cell === undefined ? undefined : this.matrix(cell.first, cell.second).cells;
    const own = cell === undefined ? undefined : new Set([cell.first, cell.second]);
    const rows: number[] = [];
    for (const [index, row] of this.rows.entries()) {
      if (found !== undefined && !found.has(index)) continue;
      if (!query.accepts(row)) continue;
      if (cell !== undefined) {
        if (cells?.get(row.question) !== cell.cell || own?.has(groupId(row)) !== true) continue;
        if (cell.level !== allLevels && row.level !== cell.level) continue;
      }
      rows.push(index);
    }
    return this.sort(rows, view.sort, view.descending);
  }

  matrix(first: string, second: string): WonLostResult {
    const key = JSON.stringify([first, second]);
    let result = this.matrices.get(key);
    if (result === undefined) {
      const of = (group: string): ModelRow[] => this.rows.filter((row) => groupId(row) === group);
      result = wonLost(of(first), of(second));
      this.matrices.set(key, result);
    }
    return result;
  }

  /** Rows of the same question in another group. */
  counterparts(row: number, group: string): number[] {
    const own = this.rows[row];
    return own === undefined || own.question === ''
      ? []
      : this.rows.flatMap((other, i) =>
          other.question === own.question && groupId(other) === group && i !== row ? [i] : [],
        );
  }

  /** Empty values stand last in either direction; equal ones keep the order of the source. */
  private sort(rows: number[], key: SortKey, descending: boolean): number[] {
    if (key === 'order') return descending ? rows.reverse() : rows;
    const sign = descending ? -1 : 1;
    const keyed = rows.map((index) => {
      const row = this.rows[index];
      const value = row === undefined ? null : values[key](row);
      return { index, value: value === '' ? null : value };
    });
    keyed.sort((a, b) => {
      if (a.value === null || b.value === null)
        return a.value === b.value ? a.index - b.index : a.value === null ? 1 : -1;
      if (a.value === b.value) return a.index - b.index;
      return a.value < b.value ? -sign : sign;
    });
    return keyed.map(({ index }) => index);
  }
}

export function groupId({ source, group }: ModelRow): string {
  return JSON.stringify([source, group]);
}
