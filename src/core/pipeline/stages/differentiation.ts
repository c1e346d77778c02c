import type { AgentContext } from '../../methods/agentPrompt.ts';
import { adapterSets, adaptersOf } from '../../methods/systems.ts';
import type { TrainedAdapter } from '../../ports/pipeline.ts';
import type { PipelineContext } from '../context.ts';
import { filterTrajectories, type FilterResult } from '../filter.ts';
import type { Judged } from '../humanJudgements.ts';
import type { Synthesis } from '../synthesis.ts';
import { buildTrainingSets, unionOf, type TrainingRow } from '../trainingData.ts';
import { StageError } from './stage.ts';

/** In the run's folder: the labels that a run was trained on. */
export const judgementsFile = 'annotations.jsonl';

/** Self-differentiation: training rows of each agent, then their adapters, verified where they are served. */
export async function differentiate(
  context: PipelineContext,
  agent: AgentContext,
  synthesis: Synthesis,
  judged: Judged,
  filtered: FilterResult,
): Promise<readonly TrainedAdapter[]> {
  const { settings, tracker, ports, mode, signal } = context;
  const wanted = adaptersOf(settings.evaluation.systems);
  tracker.begin('training', 0, 'preparing the data');
  const common = {
    context: agent,
    mode,
    seed: settings.seed,
    all: judged.all,
    reflections: synthesis.reflections,
  };
  // From here on the run keeps to the labels that it trains on, whatever is labelled later.
  if (settings.filter.annotations !== 'off') ports.store.writeRows(judgementsFile, context.judgements ?? []);
  const sets = buildTrainingSets({ ...common, kept: filtered.kept });
  const available: Record<string, readonly TrainingRow[]> = {
    ...sets,
    [adapterSets.one.plan]: unionOf(sets, settings.seed),
  };
  if (wanted.includes(adapterSets.unfiltered.plan)) {
    // As many as the full system learns from, drawn without looking at their reward (methods 4.5, matched volume).
    const blind = filterTrajectories(
      synthesis.trajectories,
      { by: 'none', trajectories: filtered.kept.length },
      mode,
      settings.seed,
    );
    const unfiltered = buildTrainingSets({ ...common, kept: blind.kept, mode: { ...mode, balancedReflection: false } });
    for (const part of ['plan', 'tool', 'reflect'] as const) available[adapterSets.unfiltered[part]] = unfiltered[part];
  }
  for (const part of ['plan', 'tool', 'reflect'] as const) ports.store.writeRows(`training/${part}.jsonl`, sets[part]);
  const chosen: Record<string, readonly TrainingRow[]> = {};
  for (const name of wanted) {
    const rows = available[name] ?? [];
    if (rows.length === 0)
      throw new StageError(
        'training',
        `there is no example for the ${name} agent among ${filtered.kept.length} kept trajectories`,
      );
    chosen[name] = rows;
    if (!['plan', 'tool', 'reflect'].includes(name)) ports.store.writeRows(`training/${name}.jsonl`, rows);
  }
  tracker.counts(
    'training',
    Object.fromEntries(Object.entries(chosen).map(([name, rows]) => [`${name} examples`, rows.length])),
  );
  if (wanted.length === 0) return [];
  const steps = new Map<string, { step: number; steps: number }>();
  const adapters = await ports.trainer.train(
    chosen,
    settings.training,
    settings.seed,
    (p) => {
      if (p.message !== undefined) tracker.setActivity('training', p.message);
      if (p.steps === 0) return;
      steps.set(p.adapter, { step: p.step, steps: p.steps });
      tracker.loss(p.adapter, p.step, p.steps, p.loss, p.heldOut);
      const all = [...steps.values()];
      const stage = tracker.stage('training');
      stage.total = all.reduce((sum, s) => sum + s.steps, 0);
      tracker.progress(
        'training',
        all.reduce((sum, s) => sum + s.step, 0),
      );
      if (p.secondsLeft !== undefined) tracker.secondsLeft('training', p.secondsLeft);
    },
    signal,
  );
  for (const adapter of adapters) {
    tracker.probe(adapter.name, adapter.probe);
    if (!adapter.probe.ok)
      throw new StageError(
        'training',
        `the ${adapter.name} adapter is not what the server answers with: ${adapter.probe.message}`,
      );
  }
  ports.store.writeText('adapters.json', `${JSON.stringify(adapters, null, 2)}\n`);
  return adapters;
}
