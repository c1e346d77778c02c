import { estimateRun, pilotQuestions, type Estimate } from '../core/pipeline/estimate.ts';
import { itemsAtOnce, priceOf, targetOf } from '../core/pipeline/context.ts';
import { evaluationQuestions } from '../core/pipeline/evaluation.ts';
import { runEvaluation, runPipeline } from '../core/pipeline/pipeline.ts';
import type { Settings } from '../core/pipeline/settings.ts';
import { readFileSync } from 'node:fs';
import { formatSeconds } from './progressView.ts';
import type { Session } from './session.ts';

/** What a pilot runs with, over the settings of the run that it stands for. */
export function pilotLayer(levels: number): Record<string, unknown> {
  return {
    selfInstruct: { instances: pilotQuestions },
    evaluation: { systems: ['zero-shot'], samples: 1, perLevel: Math.ceil(pilotQuestions / Math.max(levels, 1)) },
  };
}

/**
 * Runs the first of everything and reckons what the whole will take. The pilot is a run like any other, kept and open to
 * inspection; what it asked of a server is in the workspace's cache, and the whole run does not ask for it again.
 */
export async function estimateHere(session: Session, whole: Settings): Promise<Estimate> {
  const { context, folder } = session;
  await runPipeline(context, 'synthesis', (models) => session.provenance(models));
  const { selected } = JSON.parse(readFileSync(folder.file('tools.json'), 'utf8')) as { selected: string[] };
  if (context.questions.length > 0) await runEvaluation(context, selected, [], (models) => session.provenance(models));
  const { log } = session;
  return estimateRun(
    {
      items: [...log.items()].map((key) => ({ key, entries: log.entries(key) })),
      pairs: folder.readRows('database.jsonl')?.length ?? 0,
      price: (role) => priceOf(whole, targetOf(whole, role)),
    },
    {
      settings: whole,
      questions: evaluationQuestions(context.questions, whole.evaluation.perLevel, whole.seed, context.task.levels)
        .length,
      atOnce: Math.min(itemsAtOnce(whole), session.atOnce()),
    },
  );
}

const titles = {
  selfInstruct: 'Self-instruct',
  toolSelection: 'Tool selection',
  synthesis: 'Synthesis',
  evaluation: 'Evaluation',
} as const;

/** The estimate as a table for people. */
export function renderEstimate({ stages, total, secondsACall, atOnce, seconds }: Estimate): string {
  const line = (title: string, a: Estimate['total'], note: string): string =>
    [
      `  ${title.padEnd(15)}`,
      `${a.calls.toLocaleString('en').padStart(9)} calls`,
      `${a.promptTokens.toLocaleString('en').padStart(12)} tokens read`,
      `${a.completionTokens.toLocaleString('en').padStart(11)} written`,
      a.cost === undefined ? '' : `  cost ${a.cost.toFixed(2)}`,
      note,
    ].join('');
  return [
    ...stages.map((s) =>
      line(
        titles[s.stage],
        s,
        `  (${s.times} from ${s.seen}${s.uncertainty > 0 ? `, ± ${Math.round(s.uncertainty * 100)} %` : ''})`,
      ),
    ),
    line('Together', total, ''),
    `  About ${formatSeconds(seconds)} without training, with ${atOnce} at once and ${secondsACall.toFixed(2)} s a call as in the pilot.`,
    ...(total.cost === undefined
      ? ['  No cost: the settings name no prices. Write them under servers.<name>.prices, per million tokens.']
      : []),
  ].join('\n');
}
