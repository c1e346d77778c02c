import type { PipelineContext } from '../context.ts';
import { filterTrajectories, type FilterResult } from '../filter.ts';
import { applyJudgements, type Judged } from '../humanJudgements.ts';
import type { Synthesis } from '../synthesis.ts';

/** Trajectories with what people said of them; as synthesised where the settings do not ask for that. */
export function humanPart({ settings, judgements = [], ports }: PipelineContext, { trajectories }: Synthesis): Judged {
  const { annotations } = settings.filter;
  return applyJudgements(
    trajectories,
    annotations === 'off' ? [] : judgements,
    annotations === 'filter+corrections',
    (text) => ports.hash(text),
  );
}

/** Keeps the trajectories that are learned from; why others were dropped is written beside them. */
export function filter(context: PipelineContext, judged: Judged): FilterResult {
  const { settings, tracker, ports } = context;
  tracker.begin('filter', judged.all.length);
  const own = filterTrajectories(judged.candidates, settings.filter, context.mode, settings.seed);
  const result = { kept: own.kept, dropped: [...judged.dropped, ...own.dropped] };
  if (settings.filter.annotations !== 'off') {
    const { accepted, rejected, corrected } = judged.counts;
    tracker.notice(
      'info',
      `Annotators accepted ${accepted}, rejected ${rejected} and corrected ${corrected} of these trajectories.`,
    );
  }
  const kept = new Set(result.kept.map((t) => t.id));
  const reasons = new Map(result.dropped.map((d) => [d.id, d.reason]));
  ports.store.writeRows(
    'trajectories.jsonl',
    judged.all.map((t) => ({
      ...t,
      kept: kept.has(t.id),
      ...(reasons.has(t.id) ? { reason: reasons.get(t.id) } : {}),
    })),
  );
  const dropped: Record<string, number> = {};
  for (const { reason } of result.dropped) dropped[reason] = (dropped[reason] ?? 0) + 1;
  tracker.counts('filter', { synthesised: judged.all.length, kept: result.kept.length }, dropped);
  tracker.progress('filter', judged.all.length, false);
  if (result.kept.length > 0 && result.kept.length < settings.filter.trajectories) {
    tracker.notice(
      'info',
      `${result.kept.length} trajectories reached reward 1; ${settings.filter.trajectories} were wanted.`,
    );
  }
  return result;
}
