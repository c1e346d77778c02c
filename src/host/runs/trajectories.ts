import { join } from 'node:path';
import { readRows } from '../provenance/products.ts';
import { dropReason } from '../provenance/provenanceText.ts';
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
export async function traceRows(log: LogReader, items: readonly LogItem[], live: boolean): Promise<TraceRow[]> {
  const rows: TraceRow[] = [];
  for (const item of items) {
    const { state, text } = await outcomeOf(log, item, live);
    rows.push({ item: item.key, title: item.key.split('/').slice(1).join('/'), outcome: text, state });
  }
  return rows;
}

async function outcomeOf(log: LogReader, item: LogItem, live: boolean): Promise<Outcome> {
  if (item.state === 'open') {
    const notes = item.entries.filter((entry) => entry.type === 'note').length;
    return { state: 'open', text: live ? `running, ${notes} notes` : `not finished, ${notes} notes` };
  }
  const last = item.entries.findLast((entry) => entry.type === (item.state === 'failed' ? 'failed' : 'result'));
  const [entry] = last === undefined ? [] : await log.read([last]);
  if (entry !== undefined && 'failed' in entry) return { state: 'failed', text: visibleLine(`failed: ${entry.failed.reason}`, 120) };
  return describeResult(entry !== undefined && 'result' in entry ? entry.result : undefined);
}

/** Results differ by stage; what they have in common (a reward or score, an answer, a reason) is shown. */
export function describeResult(result: unknown): Outcome {
  if (typeof result !== 'object' || result === null) return { state: 'finished', text: 'finished' };
  const fields = result as Readonly<Record<string, unknown>>;
  const inner = typeof fields['trajectory'] === 'object' && fields['trajectory'] !== null ? (fields['trajectory'] as Readonly<Record<string, unknown>>) : fields;
  const reward = [fields['reward'], fields['score'], inner['reward']].find((value) => typeof value === 'number');
  const answer = typeof inner['answer'] === 'string' ? visibleLine(inner['answer'], 80) : undefined;
  const answered = answer === undefined ? 'no answer' : `“${answer}”`;
  if (typeof reward === 'number') {
    return reward >= 1 ? { state: 'right', text: `right: ${answered}` } : { state: 'wrong', text: `${reward > 0 ? `partly right (${reward.toFixed(2)})` : 'wrong'}: ${answered}` };
  }
  if (typeof inner['halt'] === 'string') return { state: 'finished', text: `halted (${inner['halt']}): ${answered}` };
  if ('answer' in inner) return { state: 'finished', text: `answered ${answered}` };
  return { state: 'finished', text: 'finished' };
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
export async function droppedThings(run: RunRecord, log: LogReader, stage: StageId, reason?: string): Promise<{ item: string; text: string; reason: string }[]> {
  const things: { item: string; text: string; reason: string }[] = [];
  if (stage === 'filter') {
    for (const row of await readRows(join(run.folder, 'trajectories.jsonl'))) {
      const why = dropReason(row);
      if (why === undefined || (reason !== undefined && why !== reason)) continue;
      const item = String(row['id']);
      things.push({ item, text: String(row['question'] ?? item), reason: why });
    }
    return things;
  }
  for (const item of log.items(`${stage}/`)) {
    const refs = item.entries.filter((entry) => entry.type === 'note' && entry.label === 'dropped');
    for (const entry of await log.read(refs)) {
      if (!('note' in entry)) continue;
      const why = entry.note.reason ?? 'no reason given';
      if (reason === undefined || why === reason || why.startsWith(`${reason}:`)) things.push({ item: item.key, text: entry.note.text, reason: why });
    }
  }
  return things;
}
