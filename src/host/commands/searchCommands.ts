import * as vscode from 'vscode';
import { parseTrajectoryQuery, queryFields } from '../../core/trajectory/trajectoryQuery.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { TableSource } from '../../protocol/trajectories.ts';
import { describeError, UserError } from '../notify.ts';
import type { Services } from '../services.ts';
import { openTraceAt } from '../traces/openTrace.ts';
import { parseFileTraceUri, parseTraceUri } from '../traces/traceUri.ts';
import { openSource } from '../trajectories/sources.ts';
import type { SourceRow } from '../trajectories/sources.ts';
import { otherSources } from './compareCommands.ts';
import { sourceOfArgument } from './targets.ts';
import { outcomeName, runStateName } from '../../protocol/words.ts';
import { counted } from '../counted.ts';
import { pickOne } from '../pickOne.ts';

/** Rows of a quick pick beyond which typing more is the quicker way. */
const shown = 200;
const settleMs = 200;

interface HitItem extends vscode.QuickPickItem {
  readonly key?: string;
  readonly step?: number;
}

/** Searches all trajectories of a run or a file, as one types: text, tool, outcome, cost. Opens at the step. */
export async function searchTrajectories(services: Services, arg: unknown): Promise<void> {
  const chosen = await targetSource(services, arg, vscode.l10n.t('Search whose trajectories?'));
  if (chosen === undefined) return;
  const source = await openSource(services, chosen);
  const rows = new Map((await source.rows()).map((row) => [row.key, row]));
  const pick = vscode.window.createQuickPick<HitItem>();
  pick.title = vscode.l10n.t('Search {0} of {1}', counted.trajectories(rows.size), source.title);
  pick.placeholder = vscode.l10n.t('words, or conditions: outcome:wrong tool:Retrieve steps>5 tokens>2000 level:hard');
  pick.matchOnDescription = pick.matchOnDetail = true;
  const openTable = { iconPath: new vscode.ThemeIcon('table'), tooltip: vscode.l10n.t('Show as a table') };
  pick.buttons = [openTable];
  let stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const search = async (): Promise<void> => {
    stop.abort();
    const mine = (stop = new AbortController());
    const query = parseTrajectoryQuery(pick.value);
    const items: HitItem[] = [];
    pick.busy = true;
    try {
      await source.search(
        query,
        ({ key, step, snippet }) => {
          const row = rows.get(key);
          if (row !== undefined) items.push(itemOf(row, step, snippet));
          return items.length < shown;
        },
        mine.signal,
      );
      if (mine.signal.aborted) return;
      pick.items = items.length > 0 ? items : [nothingFound(query.problems)];
    } catch (error) {
      if (!mine.signal.aborted) pick.items = [{ label: describeError(error).message, alwaysShow: true }];
    } finally {
      if (!mine.signal.aborted) pick.busy = false;
    }
  };
  pick.onDidChangeValue(() => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(), settleMs);
  });
  pick.onDidTriggerButton(() => {
    services.tables.show(chosen, pick.value);
    pick.hide();
  });
  pick.onDidAccept(() => {
    const [item] = pick.selectedItems;
    if (item?.key === undefined) return;
    pick.hide();
    void openTraceAt(source.uriOf(item.key), { step: item.step, text: parseTrajectoryQuery(pick.value).text });
  });
  pick.onDidHide(() => {
    clearTimeout(timer);
    stop.abort();
    pick.dispose();
  });
  pick.show();
  await search();
}

function itemOf(row: SourceRow, step: number, snippet: string): HitItem {
  return {
    label: visibleLine(row.title === '' ? row.id : row.title, 100),
    description: [
      `${visibleLine(row.group, 40)}: ${outcomeName(row.outcome)}`,
      counted.steps(row.steps),
      ...(row.tokens === null ? [] : [vscode.l10n.t('{0} tokens', row.tokens.toLocaleString('en-US'))]),
    ].join(', '),
    detail:
      snippet === '' ? visibleLine(row.id, 100) : `${step > 0 ? `${vscode.l10n.t('step {0}:', step)} ` : ''}${snippet}`,
    // What was found was found by us: the pick must not filter it again.
    alwaysShow: true,
    key: row.key,
    step,
  };
}

function nothingFound(problems: readonly string[]): HitItem {
  const hint = problems[0] ?? vscode.l10n.t('Conditions are {0}.', queryFields.join(', '));
  return { label: vscode.l10n.t('No trajectory is found.'), detail: hint, alwaysShow: true };
}

/** A table over the trajectories of a run, an import or a file. */
export async function openTable(services: Services, arg: unknown): Promise<void> {
  const source = await targetSource(services, arg, vscode.l10n.t('Whose trajectories?'));
  if (source !== undefined) services.tables.show(source);
}

async function targetSource(services: Services, arg: unknown, title: string): Promise<TableSource | undefined> {
  const given = sourceOfArgument(arg);
  if (given !== undefined) return given;
  const active = vscode.window.activeTextEditor?.document.uri;
  const trace = active === undefined ? undefined : (parseTraceUri(active) ?? parseFileTraceUri(active));
  if (trace !== undefined) return 'run' in trace ? { kind: 'run', id: trace.run } : { kind: 'file', path: trace.path };
  if (active?.scheme === 'file' && active.fsPath.endsWith('.jsonl')) return { kind: 'file', path: active.fsPath };
  return chooseSource(services, title);
}

/** Asks for a run, an import or a file; undefined when nothing is chosen. */
export async function chooseSource(services: Services, title: string): Promise<TableSource | undefined> {
  const known = await otherSources(services);
  const file = { label: `$(folder-opened) ${vscode.l10n.t('A file…')}`, source: undefined };
  const items = known.map((source) => {
    if (source.kind === 'file')
      return {
        label: `$(list-tree) ${vscode.workspace.asRelativePath(source.path)}`,
        description: vscode.l10n.t('imported'),
        source,
      };
    const run = services.runs.find(source.id);
    return {
      label: `$(beaker) ${source.id}`,
      description: run === undefined ? '' : `${run.status.task}, ${runStateName(run.status)}`,
      source,
    };
  });
  const chosen = await pickOne([...items, file], { title, matchOnDescription: true });
  if (chosen === undefined || chosen.source !== undefined) return chosen?.source;
  const [picked] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: vscode.l10n.t('Open'),
      filters: { 'JSON Lines': ['jsonl'] },
    })) ?? [];
  if (picked === undefined) return undefined;
  if (picked.scheme !== 'file')
    throw new UserError(vscode.l10n.t('Only files on the machine of the workspace can be read.'));
  return { kind: 'file', path: picked.fsPath };
}
