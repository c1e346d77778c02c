import { basename, dirname, join } from 'node:path';
import * as l10n from '@vscode/l10n';
import type * as vscode from 'vscode';
import { outcomeOf } from '../../core/trajectory/summary.ts';
import type { TrajectorySummary } from '../../core/trajectory/summary.ts';
import type { IndexRow } from '../../core/trajectory/trajectoryIndex.ts';
import type { TrajectoryQuery } from '../../core/trajectory/trajectoryQuery.ts';
import { withDisagreement } from '../../core/trajectory/disagreement.ts';
import { searchFile } from '../../node/trajectories/searchFile.ts';
import { searchLog } from '../../node/trajectories/runSummaries.ts';
import type { TableSource } from '../../protocol/trajectories.ts';
import { UserError } from '../notify.ts';
import { readLevels } from '../provenance/products.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import { isLive } from '../runs/runRecord.ts';
import { fileTraceUri, traceUri } from '../traces/traceUri.ts';
import type { OpenTrajectories } from './openTrajectories.ts';

/** Hits of a text search, after which it stops: nobody reads more, and the query can say more. */
export const searchLimit = 2000;

export interface SourceRow extends TrajectorySummary {
  readonly source: string;
  /** The row within its source: an item of a run, or a line of a file. */
  readonly key: string;
}

export interface SearchHit {
  readonly key: string;
  /** 0 when it was found in the question or by conditions alone. */
  readonly step: number;
  readonly snippet: string;
}

/** Trajectories of one place: a run, or a file. */
export interface TrajectorySource {
  readonly title: string;
  /** The same list again as long as nothing has changed in a file; of a run, a new one each time. */
  rows(): Promise<readonly SourceRow[]>;
  /** The first rows, when they are there long before all of them; else undefined. */
  head(): Promise<readonly SourceRow[] | undefined>;
  /** The trace of a row. Made when it is wanted: a hundred thousand of them would weigh more than the rows. */
  uriOf(key: string): vscode.Uri;
  /** Those that hold the query's text and fulfil its conditions. Stops when `onHit` says so. */
  search(query: TrajectoryQuery, onHit: (hit: SearchHit) => boolean, signal: AbortSignal): Promise<void>;
}

export interface SourceServices {
  readonly runs: RunIndex;
  readonly trajectories: OpenTrajectories;
}

/** @throws UserError when a run is gone; what reading a file throws comes from the source's methods */
export async function openSource(services: SourceServices, source: TableSource): Promise<TrajectorySource> {
  if (source.kind === 'file') return fileSource(services.trajectories, source.path);
  await services.runs.ready();
  const run = services.runs.find(source.id);
  if (run === undefined) throw new UserError(l10n.t('The run {0} is not in this workspace any more.', source.id));
  const title = run.id;
  const rows = async (): Promise<readonly SourceRow[]> => {
    const [summaries, scores, levels] = await Promise.all([
      services.trajectories.ofRun(run),
      services.runs.scores.of(run.folder),
      readLevels(run.folder),
    ]);
    const current = services.runs.find(run.id) ?? run;
    return summaries.rows.map((summary) => {
      const score = scores.get(summary.id);
      const open = summary.outcome === 'open' && !isLive(current.status);
      return {
        ...summary,
        level: levels.get(summary.id) ?? summary.level,
        ...(score === undefined ? {} : { reward: score, outcome: outcomeOf(score) }),
        ...(open ? { remark: l10n.t('not finished') } : {}),
        source: title,
        key: summary.id,
      };
    });
  };
  return {
    title,
    rows,
    head: () => Promise.resolve(undefined),
    uriOf: (key) => traceUri(run.id, key),
    async search(query, onHit, signal) {
      const known = new Map(withDisagreement(await rows()).map((row) => [row.id, row]));
      const accepted = new Set([...known.values()].filter((row) => query.accepts(row)).map(({ id }) => id));
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      const report = (item: string, step: number, snippet: string): void => {
        if (!both.aborted && !onHit({ key: item, step, snippet })) stop.abort();
      };
      const titled = query.text === '' ? accepted : [...accepted].filter((id) => titleHolds(known.get(id), query.text));
      for (const id of titled) report(id, 0, '');
      const rest = new Set(
        query.text === '' ? [] : [...accepted].filter((id) => !titleHolds(known.get(id), query.text)),
      );
      const log = join(run.folder, 'log.jsonl');
      await searchLog(
        log,
        query.text,
        (item) => rest.has(item),
        (hit) => report(hit.item, hit.step, hit.snippet),
        both,
      ).catch(ignoreStop(stop.signal));
    },
  };
}

function titleHolds(row: TrajectorySummary | undefined, text: string): boolean {
  return row?.title.toLowerCase().includes(text) === true;
}

function ignoreStop(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** An index has a new list of rows when anything in the file is new. */
const rowsOfFiles = new WeakMap<readonly IndexRow[], readonly SourceRow[]>();

function fileSource(files: OpenTrajectories, path: string): TrajectorySource {
  // Every imported folder's file has the same name: the folder says which.
  const title = basename(path) === 'trajectories.jsonl' ? basename(dirname(path)) : basename(path);
  const made = ({ line, summary }: IndexRow): SourceRow => ({ ...summary, source: title, key: String(line) });
  return {
    title,
    head: async () => (await files.head(path))?.map(made),
    async rows() {
      const { rows } = await files.open(path);
      let list = rowsOfFiles.get(rows);
      if (list === undefined) {
        list = rows.map(made);
        rowsOfFiles.set(rows, list);
      }
      return list;
    },
    uriOf: (key) => fileTraceUri(path, Number(key)),
    async search(query, onHit, signal) {
      const file = await files.open(path);
      const rows = withDisagreement(file.rows.map(({ summary }) => summary));
      for await (const { row, hit, snippet } of searchFile(file, query, rows, signal)) {
        const key = String(file.rows[row]?.line ?? 0);
        if (!onHit({ key, step: hit?.step ?? 0, snippet })) return;
      }
    },
  };
}
