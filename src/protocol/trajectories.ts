import * as z from 'zod';
import { TrajectorySummary } from '../core/trajectory/summary.ts';
import { ResponseEnvelope } from './surface.ts';
import type { Params, RequestShape, Result } from './surface.ts';

/** What a table of trajectories and the host say to each other. Filtering and sorting are the host's work. */

export const sortKeys = [
  'order',
  'title',
  'group',
  'level',
  'outcome',
  'reward',
  'steps',
  'tools',
  'tokens',
  'ms',
  'disagreement',
] as const;
export const SortKey = z.enum(sortKeys);
export type SortKey = z.infer<typeof SortKey>;

/** What is kept over a reload of the window: where the trajectories come from, and how they are looked at. */
export const TableState = z.object({
  sources: z.array(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('run'), id: z.string() }),
      z.object({ kind: z.literal('file'), path: z.string() }),
    ]),
  ),
  query: z.string().max(2000),
  sort: SortKey,
  descending: z.boolean(),
  first: z.string(),
  second: z.string(),
});
export type TableState = z.infer<typeof TableState>;
export type TableSource = TableState['sources'][number];

/** A row with its place in the whole list, by which it is opened. */
export const TableRow = TrajectorySummary.extend({
  row: z.number().int().nonnegative(),
  /** Of which source, as its title is shown. */
  source: z.string(),
  disagreement: z.number().nullable(),
});
export type TableRow = z.infer<typeof TableRow>;

export const TableGroup = z.object({ id: z.string(), title: z.string(), count: z.number() });

const WonLostRow = z.object({
  level: z.string(),
  bothRight: z.number(),
  onlyFirst: z.number(),
  onlySecond: z.number(),
  bothWrong: z.number(),
  p: z.number(),
});
export const cellNames = ['bothRight', 'onlyFirst', 'onlySecond', 'bothWrong'] as const;

export const TableSnapshot = z.object({
  title: z.string(),
  /** Raised whenever rows may have changed, so that the panel asks again. */
  revision: z.number(),
  sources: z.array(z.object({ title: z.string(), problem: z.string().optional() })),
  total: z.number(),
  /** Only the first rows are here yet; the others follow with another revision. */
  partial: z.boolean(),
  groups: z.array(TableGroup),
  levels: z.array(z.string()),
  /** Those that occur. */
  outcomes: z.array(TrajectorySummary.shape.outcome),
  /** Columns that every row leaves empty are not shown. */
  columns: z.array(SortKey),
});
export type TableSnapshot = z.infer<typeof TableSnapshot>;

const nothing = z.null();
const View = z.object({
  query: z.string().max(2000),
  sort: SortKey,
  descending: z.boolean(),
  /** A cell of the matrix of two groups; left out: all questions. */
  cell: z.object({ first: z.string(), second: z.string(), cell: z.enum(cellNames), level: z.string() }).optional(),
});
export type TableView = z.infer<typeof View>;

export const trajectoriesRequests = {
  /** A stretch of the rows that the view finds, in its order. */
  rows: {
    params: View.extend({ offset: z.number().int().nonnegative(), count: z.number().int().positive().max(500) }),
    result: z.object({
      rows: z.array(TableRow),
      total: z.number(),
      /** Parts of the query that were not understood. */
      problems: z.array(z.string()),
      /** Text was looked for and the search was stopped at its limit. */
      cut: z.boolean(),
    }),
  },
  matrix: {
    params: z.object({ first: z.string(), second: z.string() }),
    result: z.object({ rows: z.array(WonLostRow), unpaired: z.number() }),
  },
  open: { params: z.object({ row: z.number().int().nonnegative(), query: z.string().max(2000) }), result: nothing },
  /** The row beside its question's trajectory in the other group, or beside one that is chosen. */
  compare: { params: z.object({ row: z.number().int().nonnegative(), with: z.string() }), result: nothing },
  addSource: { params: nothing, result: nothing },
  keep: { params: TableState.omit({ sources: true }), result: nothing },
} as const satisfies Record<string, RequestShape>;

export type TrajectoriesRequests = typeof trajectoriesRequests;
export type TrajectoriesMethod = keyof TrajectoriesRequests;
export type TrajectoriesParams<M extends TrajectoriesMethod> = Params<TrajectoriesRequests[M]>;
export type TrajectoriesResult<M extends TrajectoriesMethod> = Result<TrajectoriesRequests[M]>;

export const TrajectoriesHostMessage = z.union([
  z.object({ type: z.literal('snapshot'), version: z.number(), snapshot: TableSnapshot, state: TableState }),
  ResponseEnvelope,
]);
export type TrajectoriesHostMessage = z.infer<typeof TrajectoriesHostMessage>;
