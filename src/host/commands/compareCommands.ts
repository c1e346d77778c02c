import * as vscode from 'vscode';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { TableSource } from '../../protocol/trajectories.ts';
import { UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { documentUri, parseFileTraceUri, parseTraceUri } from '../traces/traceUri.ts';
import { trajectoriesOf } from '../data/dataIndex.ts';
import { openSource } from '../trajectories/sources.ts';
import type { SourceRow, TrajectorySource } from '../trajectories/sources.ts';
import { targetTraceUri } from './targets.ts';
import { outcomeName } from '../../protocol/words.ts';
import { counted } from '../counted.ts';
import { pickOne } from '../pickOne.ts';

/** Opens two traces side by side in the diff editor, with their steps aligned. */
export async function openComparison(
  left: vscode.Uri,
  right: vscode.Uri,
  title = `${nameOf(left)} ↔ ${nameOf(right)}`,
): Promise<void> {
  const of = (side: 'left' | 'right'): vscode.Uri =>
    documentUri({ kind: 'compare', left: left.toString(), right: right.toString(), side });
  await vscode.commands.executeCommand('vscode.diff', of('left'), of('right'), title);
}

function nameOf(uri: vscode.Uri): string {
  const stored = parseFileTraceUri(uri);
  if (stored !== undefined) return `${vscode.workspace.asRelativePath(stored.path)}:${stored.line}`;
  return visibleLine(parseTraceUri(uri)?.item ?? uri.path, 80);
}

/** Compares a trajectory with another of its question: of this run, another run, or an import. */
export async function compareTrajectories(services: Services, arg: unknown, other: unknown): Promise<void> {
  const left = await targetTraceUri(services, arg);
  if (other instanceof vscode.Uri) {
    await openComparison(left, other);
    return;
  }
  const address = sourceOf(left);
  const source = await openSource(services, address);
  const rows = await source.rows();
  const own = rows.find(({ key }) => source.uriOf(key).toString() === left.toString());
  if (own === undefined || own.question === '')
    throw new UserError(
      vscode.l10n.t('The question of this trajectory is not known.'),
      vscode.l10n.t('Open one that has begun.'),
    );
  const ofQuestion = (from: TrajectorySource, list: readonly SourceRow[]): Candidate[] =>
    list
      .filter((row) => row.question === own.question && row !== own)
      .map((row) => ({ row, uri: from.uriOf(row.key) }));
  const candidates = ofQuestion(source, rows);
  for (const each of await otherSources(services, address))
    try {
      const other = await openSource(services, each);
      candidates.push(...ofQuestion(other, await other.rows()));
    } catch (error) {
      services.log.warn(`Not looked at for a comparison: ${String(error)}`);
    }
  if (candidates.length === 0)
    throw new UserError(
      vscode.l10n.t('No other trajectory of this question is in the workspace.'),
      vscode.l10n.t('Run another method or seed on it, or import one.'),
    );
  const chosen = await pickOne(
    candidates.map(({ row, uri }) => ({
      label: `${row.outcome === 'right' ? '$(pass)' : row.outcome === 'wrong' ? '$(close)' : '$(circle-outline)'} ${visibleLine(row.group, 60)}`,
      description: [
        outcomeName(row.outcome),
        ...(row.answer === null ? [] : [`“${visibleLine(row.answer, 60)}”`]),
        counted.steps(row.steps),
      ].join(', '),
      detail: vscode.l10n.t('{0} in {1}', visibleLine(row.id, 80), visibleLine(row.source, 60)),
      uri,
    })),
    {
      title: vscode.l10n.t('Compare with which trajectory of “{0}”?', visibleLine(own.title, 80)),
      matchOnDescription: true,
      matchOnDetail: true,
    },
  );
  if (chosen !== undefined) await openComparison(left, chosen.uri);
}

interface Candidate {
  readonly row: SourceRow;
  readonly uri: vscode.Uri;
}

function sourceOf(uri: vscode.Uri): TableSource {
  const stored = parseFileTraceUri(uri);
  if (stored !== undefined) return { kind: 'file', path: stored.path };
  return { kind: 'run', id: parseTraceUri(uri)?.run ?? '' };
}

/** Every other place of the workspace that holds trajectories. */
export async function otherSources(services: Services, but?: TableSource): Promise<TableSource[]> {
  await services.runs.ready();
  const records = await services.data.records();
  const all: TableSource[] = [
    ...services.runs.runs().map(({ id }): TableSource => ({ kind: 'run', id })),
    ...records.flatMap((data): TableSource[] =>
      data.kind === 'trajectories' ? [{ kind: 'file', path: trajectoriesOf(data.folder) }] : [],
    ),
  ];
  return all.filter((source) => JSON.stringify(source) !== JSON.stringify(but));
}
