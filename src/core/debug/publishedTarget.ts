import { replayPublished } from '../data/replayPublished.ts';
import type { PublishedRow } from '../data/publishedTrajectory.ts';
import { tokenF1 } from '../evaluate/normalise.ts';
import { groupPlan } from '../methods/groupPlan.ts';
import type { PlanningInput } from '../methods/planning.ts';
import { requestIdentity, type LogEntry } from '../run/log.ts';
import { EntryWriter, type Moment, type Part } from './path.ts';
import type { DebugTarget } from './target.ts';

/**
 * A trajectory of the published code as something to debug: the reference loop is stepped, with models and tools
 * answering from the recording.
 * @param run what the trajectory is called by beside its id, such as the file's name
 */
export function publishedTarget(
  row: PublishedRow,
  run: string,
  input: PlanningInput,
  hash: (text: string) => string,
): Omit<DebugTarget, 'forks'> {
  const moments: Moment[] = [];
  replayPublished(row, input, (request, answer) => {
    const i = String(moments.length);
    const part: Part =
      request.kind === 'note' || answer.kind === 'noted'
        ? { i, request }
        : {
            i,
            request,
            take: {
              answer,
              hash: hash(requestIdentity(request)),
              label: request.kind === 'tool' ? request.tool : request.purpose,
              role: request.kind === 'tool' ? undefined : request.role,
              argument: request.kind === 'tool' ? request.argument : undefined,
              ms: 0,
              model: undefined,
              origin: 'recorded',
            },
          };
    moments.push({ parts: [part], list: false });
  });
  const { id, question } = row.trajectory;
  const writer = new EntryWriter(id, () => 0, hash);
  const entries: LogEntry[] = moments.flatMap(({ parts }) => writer.entries(parts));
  const { reward: scored, answer: gold } = row.score.fields;
  const reward = Number(scored);
  return {
    key: id,
    header: { run, item: id, question },
    start: () => groupPlan({ ...input, key: id, question }),
    entries,
    ...(Number.isFinite(reward) ? { reward } : {}),
    score: (result) => {
      const { answer } = result as { answer?: string | null };
      return typeof gold === 'string' ? tokenF1(answer ?? '', gold) : undefined;
    },
  };
}
