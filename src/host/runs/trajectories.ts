import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import { dropReason, readRows } from '../provenance/products.ts';
import type { RunRecord } from './runRecord.ts';
import type { LogItem, LogReader } from '../../node/store/logReader.ts';
import type { TraceRow } from '../../protocol/dashboard.ts';
import type { StageId } from '../../core/run/status.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import { counted } from '../counted.ts';

/** Stages whose items are worth opening one by one. */
export const stagesWithTraces: readonly StageId[] = ['selfInstruct', 'toolSelection', 'synthesis', 'evaluation'];

export function stageItems(log: LogReader, stage: StageId): LogItem[] {
  return stagesWithTraces.includes(stage) ? log.items(`${stage}/`) : [];
}

interface Outcome {
  readonly state: TraceRow['state'];
  readonly text: string;
}

export interface TraceRowOptions {
  /** The run is under way. */
  readonly live: boolean;
  readonly scores: ReadonlyMap<string, number>;
  /** ISO 8601, of the stage: since when it is being done again; what is older is of the time before. */
  readonly again: string | undefined;
}

/** Says how items came out, from their results in the log; items without a result say how far they are. */
export async function traceRows(
  log: LogReader,
  items: readonly LogItem[],
  { live, scores, again }: TraceRowOptions,
): Promise<TraceRow[]> {
  const rows: TraceRow[] = [];
  const since = again === undefined ? Number.NEGATIVE_INFINITY : Date.parse(again);
  for (const item of items) {
    const { state, text } = await outcomeOf(log, item, live, scores.get(item.key));
    const earlier = (item.entries.at(-1)?.at ?? 0) < since;
    rows.push({
      item: item.key,
      title: item.key.split('/').slice(1).join('/'),
      outcome: earlier ? `before: ${text}` : text,
      state,
      ...(earlier ? { earlier } : {}),
    });
  }
  return rows;
}

async function outcomeOf(log: LogReader, item: LogItem, live: boolean, score: number | undefined): Promise<Outcome> {
  if (item.state === 'open') {
    const notes = item.entries.filter((entry) => entry.type === 'note').length;
    return {
      state: 'open',
      text: live ? l10n.t('running, {0}', counted.notes(notes)) : l10n.t('not finished, {0}', counted.notes(notes)),
    };
  }
  const last = item.entries.findLast((entry) => entry.type === (item.state === 'failed' ? 'failed' : 'result'));
  const [entry] = last === undefined ? [] : await log.read([last]);
  if (entry !== undefined && 'failed' in entry)
    return { state: 'failed', text: visibleLine(l10n.t('failed: {0}', entry.failed.reason), 120) };
  return describeResult(entry !== undefined && 'result' in entry ? entry.result : undefined, score);
}

/** Results differ by stage; what they have in common (an answer, why it halted, how many pairs) is shown. */
export function describeResult(result: unknown, score?: number): Outcome {
  if (typeof result !== 'object' || result === null) return { state: 'finished', text: l10n.t('finished') };
  const fields = result as Readonly<Record<string, unknown>>;
  if (Array.isArray(fields['database']))
    return { state: 'finished', text: l10n.t('{0} kept', counted.pairs(fields['database'].length)) };
  if (typeof fields['verdict'] === 'string')
    return { state: 'finished', text: l10n.t('judged {0}', visibleLine(fields['verdict'], 40)) };
  const answer = typeof fields['answer'] === 'string' ? `“${visibleLine(fields['answer'], 80)}”` : l10n.t('no answer');
  const halted =
    typeof fields['halt'] === 'string' ? `, ${l10n.t('halted ({0})', visibleLine(fields['halt'], 40))}` : '';
  if (score !== undefined) {
    const word =
      score >= 1 ? l10n.t('right') : score > 0 ? l10n.t('partly right ({0})', score.toFixed(2)) : l10n.t('wrong');
    return { state: score >= 1 ? 'right' : 'wrong', text: `${word}: ${answer}${halted}` };
  }
  if (Array.isArray(result)) return { state: 'finished', text: visibleLine(result.map(String).join(', '), 120) };
  return 'answer' in fields
    ? { state: 'finished', text: l10n.t('answered {0}{1}', answer, halted) }
    : { state: 'finished', text: l10n.t('finished') };
}

/** The trajectory before or after one of the same stage and, in evaluation, the same system. */
export function neighbour(log: LogReader, key: string, offset: 1 | -1): string | undefined {
  const parts = key.split('/');
  const group = parts[0] === 'evaluation' ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
  const items = log.items(`${group}/`);
  const at = items.findIndex((item) => item.key === key);
  return at < 0 ? undefined : items[at + offset]?.key;
}

/** What a stage dropped: by its notes in the log, or for the filter by the list of trajectories. `reason` narrows it down. */
export async function droppedThings(
  run: RunRecord,
  log: LogReader,
  stage: StageId,
  reason?: string,
): Promise<{ item: string; text: string; reason: string }[]> {
  const things: { item: string; text: string; reason: string }[] = [];
  if (stage === 'filter') {
    for (const row of await readRows(join(run.folder, 'trajectories.jsonl'))) {
      const why = dropReason(row);
      if (why === undefined || (reason !== undefined && why !== reason)) continue;
      const item = String(row['id']);
      things.push({ item, text: typeof row['question'] === 'string' ? row['question'] : item, reason: why });
    }
    return things;
  }
  for (const item of log.items(`${stage}/`)) {
    const refs = item.entries.filter((entry) => entry.type === 'note' && entry.label === 'dropped');
    for (const entry of await log.read(refs)) {
      if (!('note' in entry)) continue;
      const why = entry.note.reason ?? 'no reason given';
      if (reason === undefined || why === reason || why.startsWith(`${reason}:`))
        things.push({ item: item.key, text: entry.note.text, reason: why });
    }
  }
  return things;
}
