import { promptNamed, runStageItems, targetOf, type PipelineContext } from '../context.ts';
import { coverageOf } from '../coverage.ts';
import { PassageGraph, selfInstructDraws } from '../grounding.ts';
import { selfInstruct, type Instance, type SelfInstructResult } from '../selfInstruct.ts';
import { StageError, inStage } from './stage.ts';

/** Self-instruct: grows the database of question and answer pairs from the examples of the card. */
export async function growDatabase(context: PipelineContext): Promise<readonly Instance[]> {
  const { settings, task, tracker, ports } = context;
  return inStage(context, 'selfInstruct', async () => {
    tracker.begin('selfInstruct', settings.selfInstruct.instances, 'asking for new pairs');
    const graph = settings.selfInstruct.passages > 0 ? new PassageGraph(context.documents.linked) : undefined;
    const input = {
      template: promptNamed(context, 'self-instruct'),
      ...(settings.selfInstruct.votes === 0 ? {} : { voteTemplate: promptNamed(context, 'answer-vote') }),
      metric: task.metric,
      description: task.description,
      examples: task.examples,
      settings: settings.selfInstruct,
      mode: context.mode,
      seed: settings.seed,
      barred: context.questions.map((q) => q.question),
      ...(graph === undefined
        ? {}
        : {
            drawPassages: (random: Parameters<PassageGraph['draw']>[0]) =>
              graph.draw(random, settings.selfInstruct.passages, selfInstructDraws),
          }),
    };
    const live = { generated: 0, kept: 0 };
    const dropped: Record<string, number> = {};
    const item = {
      key: 'selfInstruct/0',
      start: () =>
        observe(selfInstruct(input), (request) => {
          if (request.kind !== 'note') return;
          live.generated++;
          if (request.note.kind === 'accepted') live.kept++;
          else if (request.note.reason !== undefined)
            dropped[request.note.reason] = (dropped[request.note.reason] ?? 0) + 1;
          tracker.counts('selfInstruct', live, dropped);
          tracker.progress('selfInstruct', live.kept);
        }),
    };
    const outcome = (
      await runStageItems<SelfInstructResult>(context, 'selfInstruct', [item], () => targetOf(settings, 'meta'))
    ).get(item.key);
    if (outcome?.state !== 'done') throw new StageError('selfInstruct', outcome?.message ?? 'it did not run');
    const { database, stopped, rounds } = outcome.result;
    tracker.progress('selfInstruct', database.length, false);
    ports.store.writeRows('database.jsonl', database);
    const coverage = coverageOf(database, context.documents.count);
    ports.store.writeText('coverage.json', `${JSON.stringify(coverage, null, 2)}\n`);
    if (stopped === 'repeating') {
      tracker.notice(
        'warning',
        `Self-instruct stopped at ${database.length} of ${settings.selfInstruct.instances} pairs: ${settings.selfInstruct.patience} rounds in a row brought nothing new, or too little (${rounds} rounds).`,
      );
    }
    if (database.length === 0)
      throw new StageError(
        'selfInstruct',
        'no usable pair was generated; look at the dropped pairs and their reasons, then change the prompt, the examples or the model',
      );
    return database;
  });
}

/** Shows a generator's requests to an observer as they are yielded; changes nothing. */
function* observe<Y, R, N>(
  inner: Generator<Y, R, N>,
  see: (request: Exclude<Y, readonly unknown[]>) => void,
): Generator<Y, R, N> {
  try {
    let turn = inner.next();
    while (!turn.done) {
      if (!Array.isArray(turn.value)) see(turn.value as Exclude<Y, readonly unknown[]>);
      turn = inner.next(yield turn.value);
    }
    return turn.value;
  } finally {
    inner.return(undefined as never);
  }
}
