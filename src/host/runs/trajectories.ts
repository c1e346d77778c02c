import { join } from 'node:path';
import { dropReason, readRows } from '../provenance/products.ts';
import type { RunRecord } from './runRecord.ts';
import type { LogItem, LogReader } from '../../node/store/logReader.ts';
import type { TraceRow } from '../../protocol/dashboard.ts';
import type { StageId } from '../../core/run/status.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';

/** Stages whose items are worth opening one by one. */
export const stagesWithTraces: readonly StageId[] = ['selfInstruct', 'toolSelection', 'synthesis', 'evaluation'];

export function stageItems(log: LogReader, stage: StageId): LogItem[] {
  return stagesWithTraces.includes(stage) ? log.items(`${stage}/`) : [];
}

interface Outcome {
  readonly state: TraceRow['state'];
  readonly text: string;
}

/** Says how items came out, from their results in the log; items without a result say how far they are. */
export async function traceRows(
  log: LogReader,
  items: readonly LogItem[],
  live: boolean,
  scores: ReadonlyMap<string, number>,
): Promise<TraceRow[]> {
  const rows: TraceRow[] = [];
  for (const item of items) {
    const { state, text } = await outcomeOf(log, item, live, scores.get(item.key));
    rows.push({ item: item.key, title: item.key.split('/').slice(1).join('/'), outcome: text, state });
  }
  return rows;
}

async function outcomeOf(log: LogReader, item: LogItem, live: boolean, score: number | undefined): Promise<Outcome> {
  if (item.state === 'open') {
    const notes = item.entries.filter((entry) => entry.type === 'note').length;
    return { state: 'open', text: live ? `running, ${notes} notes` : `not finished, ${notes} notes` };
  }
  const last = item.entries.findLast((entry) => entry.type === (item.state === 'failed' ? 'failed' : 'result'));
  const [entry] = last === undefined ? [] : await log.read([last]);
  if (entry !== undefined && 'failed' in entry)
    return { state: 'failed', text: visibleLine(`failed: ${entry.failed.reason}`, 120) };
  return describeResult(entry !== undefined && 'result' in entry ? entry.result : undefined, score);
}

/** Results differ by stage; what they have in common (an answer, why it halted, how many pairs) is shown. */
export function describeResult(result: unknown, score?: number): Outcome {
  if (typeof result !== 'object' || result === null) return { state: 'finished', text: 'finished' };
  const fields = result as Readonly<Record<string, unknown>>;
  if (Array.isArray(fields['database'])) return { state: 'finished', text: `${fields['database'].length} pairs kept` };
  if (typeof fields['verdict'] === 'string')
    return { state: 'finished', text: `judged ${visibleLine(fields['verdict'], 40)}` };
  const answer = typeof fields['answer'] === 'string' ? `“${visibleLine(fields['answer'], 80)}”` : 'no answer';
  const halted = typeof fields['halt'] === 'string' ? `, halted (${visibleLine(fields['halt'], 40)})` : '';
  if (score !== undefined) {
    const word = score >= 1 ? 'right' : score > 0 ? `partly right (${score.toFixed(2)})` : 'wrong';
    return { state: score >= 1 ? 'right' : 'wrong', text: `${word}: ${answer}${halted}` };
  }
  if (Array.isArray(result)) return { state: 'finished', text: visibleLine(result.map(String).join(', '), 120) };
  return 'answer' in fields
    ? { state: 'finished', text: `answered ${answer}${halted}` }
    : { state: 'finished', text: 'finished' };
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
