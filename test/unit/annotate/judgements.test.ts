import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { correct, forkAt, gatherJudgements, trajectoryContent } from '../../../src/core/annotate/judgements.ts';
import { foldLabels } from '../../../src/core/annotate/labels.ts';
import type { Target } from '../../../src/core/annotate/records.ts';
import { filterTrajectories, type ScoredTrajectory } from '../../../src/core/pipeline/filter.ts';
import { applyJudgements, type Judged } from '../../../src/core/pipeline/humanJudgements.ts';
import { modes } from '../../../src/core/pipeline/mode.ts';
import { explain } from '../../../src/core/pipeline/provenance.ts';
import { Settings } from '../../../src/core/pipeline/settings.ts';
import { buildTrainingSets } from '../../../src/core/pipeline/trainingData.ts';
import { planningInput } from '../../doubles/planning.ts';
import { trajectory, Writer } from './studyFixture.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const scored = (n: number, right: boolean): ScoredTrajectory => ({
  id: `synthesis/i-000${n}/0`,
  instance: `i-000${n}`,
  question: `Question ${n}?`,
  trajectory: trajectory(`Person ${n}`, 3),
  correct: right,
  reward: right ? 1 : 0,
  answersCorrect: [right],
});
const all = [scored(1, true), scored(2, false), scored(3, true), scored(4, false)];
const target = (n: number): Target => {
  const of = all[n - 1];
  assert.ok(of);
  return { run: 'r', item: of.id, hash: hash(trajectoryContent(of.trajectory)) };
};

function judge(use: 'filter' | 'corrections', ...writers: Writer[]): Judged {
  const labels = new Map(writers.map((w) => [w.rater, foldLabels(w.records, undefined)]));
  return applyJudgements(all, gatherJudgements(labels), use === 'corrections', hash);
}
const kept = (judged: Judged): string[] =>
  filterTrajectories(judged.candidates, Settings.parse({}).filter, modes.fixed, 1)
    .kept.map((t) => t.id)
    .sort();
const accept = (n: number, accepted = true) => ({ kind: 'judgement' as const, target: target(n), accepted });

test('without labels nothing changes, and by default nothing is asked of them', () => {
  const judged = judge('corrections');
  assert.deepEqual([judged.candidates, judged.dropped], [all, []]);
  assert.equal(Settings.parse({}).filter.annotations, 'off');
});

test('what people rejected is dropped, what they accepted stays whatever its reward, a draw decides nothing', () => {
  const ann = new Writer('ann').add(accept(1, false), accept(2), accept(3, false));
  const ben = new Writer('ben').add(accept(3));
  const judged = judge('filter', ann, ben);
  assert.deepEqual(kept(judged), ['synthesis/i-0002/0', 'synthesis/i-0003/0']);
  assert.deepEqual(judged.dropped, [{ id: 'synthesis/i-0001/0', reason: 'rejected by annotators' }]);
  assert.deepEqual(judged.counts, { accepted: 1, rejected: 1, corrected: 0 });
  const second = judged.candidates.find((t) => t.id === 'synthesis/i-0002/0');
  assert.deepEqual(
    [second?.human?.verdict, second?.human?.raters, second?.answersCorrect],
    ['accepted', ['ann'], [true]],
  );
});

test('an undo takes a judgement back, and a label of another content holds for nothing', () => {
  const ann = new Writer('ann').add(accept(1, false), { kind: 'undo', of: ['ann-1'] });
  ann.add({ kind: 'judgement', target: { run: 'r', item: all[2]?.id ?? '', hash: 'other' }, accepted: false });
  assert.deepEqual(judge('filter', ann).candidates, all);
});

const edit = { thought: 'The page of Person 2 is what I need.', tool: 'Retrieve', argument: 'Person 2' };

test('a correction forks: the steps before it, the corrected one, and nothing after', () => {
  const own = all[1]?.trajectory;
  const [, second] = own?.steps ?? [];
  assert.ok(own && second);
  assert.equal(correct(target(2), 2, second, second), undefined, 'nothing was changed');
  assert.equal(correct(target(2), 2, second, { ...edit, thought: ' ' }), undefined, 'no thought');
  const fork = forkAt(own, { step: 2, after: edit });
  assert.deepEqual(
    fork?.steps.map((s) => [s.thought, s.observation]),
    [
      ['I need page 1 of the archive.', 'Page 1 names Person 2.'],
      [edit.thought, ''],
    ],
  );
  assert.deepEqual([fork.answer, fork.finished], [null, false]);
  const answered = forkAt(own, { step: 3, after: { ...edit, tool: 'Finish', argument: 'Person 9' } });
  assert.deepEqual([answered?.answer, answered?.finished], ['Person 9', true]);
  assert.equal(forkAt(own, { step: 9, after: edit }), undefined);
});

test('corrections are data for the agents only where that is chosen, marked as edited, with their record', () => {
  const before = { thought: 'I need page 2 of the archive.', tool: 'Retrieve', argument: 'page 2' };
  const ann = new Writer('ann').add(
    { kind: 'verdict', target: target(2), step: 1, verdict: 'wrong-argument' },
    { kind: 'correction', target: target(2), step: 2, before, after: edit },
  );
  assert.deepEqual(kept(judge('filter', ann)), ['synthesis/i-0001/0', 'synthesis/i-0003/0'], 'not chosen');
  const judged = judge('corrections', ann);
  const id = 'synthesis/i-0002/0~ann-2';
  assert.deepEqual(kept(judged), ['synthesis/i-0001/0', id, 'synthesis/i-0003/0'].sort());
  assert.deepEqual(judged.dropped, [{ id: 'synthesis/i-0002/0', reason: 'replaced by its correction' }]);
  const fork = judged.candidates.find((t) => t.id === id);
  assert.deepEqual(fork?.human?.edited, { step: 2, record: 'ann-2', from: 'synthesis/i-0002/0' });

  const sets = buildTrainingSets({
    context: planningInput().context,
    mode: modes.fixed,
    seed: 1,
    kept: [fork],
    all: judged.all,
    reflections: [],
  });
  // Step 1 was found at fault, so it is history and no lesson; the corrected step teaches plan and tool agent.
  assert.deepEqual(
    sets.plan.map((row) => [row.id, row.completion]),
    [
      [`${id}#2-thought`, ` ${edit.thought}\n`],
      [`${id}#2-tool`, ' Retrieve['],
    ],
  );
  assert.deepEqual(
    sets.tool.map((row) => [row.id, row.completion]),
    [[`${id}#2-argument`, 'Person 2]\n']],
  );
  assert.ok(sets.plan[0]?.prompt.includes('Page 1 names Person 2.'));

  const row = { ...fork, kept: true };
  const [explained] = explain(
    id,
    {
      database: [],
      trajectories: [row],
      training: { plan: sets.plan },
      adapters: [],
      evaluation: {},
      droppedPairs: [],
    },
    {},
  );
  assert.deepEqual(explained?.from, ['i-0002', 'synthesis/i-0002/0']);
  assert.match(explained.facts.join(' '), /Edited by hand: step 2, by ann \(record ann-2\)/);
  assert.equal(explained.to.length, 2);
});
