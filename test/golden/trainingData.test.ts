import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupPlan } from '../../src/core/methods/groupPlan.ts';
import { modes } from '../../src/core/pipeline/mode.ts';
import { filterTrajectories, type ScoredTrajectory } from '../../src/core/pipeline/filter.ts';
import { buildTrainingSets, unionOf } from '../../src/core/pipeline/trainingData.ts';
import type { CompletionRequest } from '../../src/core/run/request.ts';
import { stops, terminators } from '../../src/core/trajectory/transcript.ts';
import { completion, drive, observation, planningInput } from '../doubles/planning.ts';
import { assertGolden } from './golden.ts';

const question = 'Where was Mira Torvel born?';
const script = [' Guess.', ' Finish', 'Velm]', ' Nothing supports it.', ' Reflect[wrong]', ' Look it up.', ' Retrieve', 'Mira Torvel]', ' Born in Arden.', ' Finish', 'Arden]'];

/** Runs the loop with scripted answers and keeps what was asked and said. */
function rollout(lines: readonly string[]): { scored: ScoredTrajectory; asked: { request: CompletionRequest; said: string }[] } {
  const asked: { request: CompletionRequest; said: string }[] = [];
  let at = 0;
  const { result } = drive(groupPlan(planningInput({}, question)), (r) => {
    if (r.kind === 'tool') return observation('Mira Torvel was born in Arden.');
    const said = lines[at++] ?? '';
    asked.push({ request: r as CompletionRequest, said });
    return completion(said);
  });
  const scored = { id: 'synthesis/i-0001/0', instance: 'i-0001', question, trajectory: result, correct: result.answer === 'Arden', reward: result.answer === 'Arden' ? 1 : 0, answersCorrect: result.answers.map((a) => a.text === 'Arden') };
  return { scored, asked };
}

const context = planningInput().context;

test('training rows are byte for byte what inference asks and what the agents said', () => {
  const { scored, asked } = rollout(script);
  const sets = buildTrainingSets({ context, mode: modes.reference, seed: 1, kept: [scored], all: [scored], reflections: [] });
  const rows = new Map([...sets.plan, ...sets.tool, ...sets.reflect].map((row) => [row.prompt, row]));
  let compared = 0;
  for (const { request, said } of asked) {
    const row = rows.get(request.prompt);
    if (row === undefined) continue;
    compared++;
    const purpose = request.purpose as keyof typeof stops;
    assert.equal(row.completion, said + terminators[purpose]);
    assert.deepEqual(request.stop, stops[purpose]);
    assert.ok(([...request.stop] as string[]).includes(terminators[purpose]), 'the server stops where training ends');
  }
  // Plan learns up to the rejection (2 rows), tool every argument (3), reflect both of its turns (2).
  assert.equal(compared, 7);
  assert.equal(rows.size, 7);
});

test('in fixed mode the way to the right answer is learned, the rejected answer is not', () => {
  const { scored } = rollout(script);
  const sets = buildTrainingSets({ context, mode: modes.fixed, seed: 1, kept: [scored], all: [scored], reflections: [] });
  assert.deepEqual(sets.plan.map((r) => [r.step, r.completion]), [[3, ' Look it up.\n'], [3, ' Retrieve['], [4, ' Born in Arden.\n'], [4, ' Finish[']]);
  assert.deepEqual(sets.tool.map((r) => r.completion), ['Mira Torvel]\n', 'Arden]\n']);
});

test('the training files', () => {
  const right = rollout([' Look.', ' Retrieve', 'Mira Torvel]', ' Arden.', ' Finish', 'Arden]', ' Supported.', ' Reflect[right]']).scored;
  const wrong = { ...rollout([' Guess.', ' Finish', 'Velm]', ' Sure.', ' Reflect[right]']).scored, id: 'synthesis/i-0002/0', instance: 'i-0002' };
  const reflections = [{ id: 'synthesis/i-0002/0/reflection-0', trajectory: wrong.id, thought: 'Nothing was looked up.', verdict: 'wrong' as const }, { id: 'synthesis/i-0002/0/reflection-1', trajectory: wrong.id, thought: 'Fine.', verdict: 'right' as const }];
  const sets = buildTrainingSets({ context, mode: modes.fixed, seed: 1, kept: [right], all: [right, wrong], reflections });
  assert.deepEqual(sets.reflect.map((r) => r.completion).sort(), [' Nothing was looked up.\n', ' Reflect[right]\n', ' Reflect[wrong]\n', ' Supported.\n'], 'verdicts that agree with the reward, as many of one kind as of the other');
  assertGolden('training-rows.jsonl', [...sets.plan, ...sets.tool, ...sets.reflect].map((r) => JSON.stringify(r)).join('\n'));
  assert.equal(unionOf(sets, 1).length, sets.plan.length + sets.tool.length + sets.reflect.length);
});

test('gold never occurs in a training row or a trajectory', () => {
  const { scored } = rollout([' Guess.', ' Finish', 'Velm]', ' Sure.', ' Reflect[right]']);
  assert.doesNotMatch(JSON.stringify(scored.trajectory), /Arden/);
});

test('the filter keeps reward 1, in equal parts over lengths, and says why the rest went', () => {
  const short = rollout([' Guess.', ' Finish', 'Arden]', ' Sure.', ' Reflect[right]']).scored;
  const long = rollout([' Look.', ' Retrieve', 'Mira Torvel]', ' Arden.', ' Finish', 'Arden]', ' Supported.', ' Reflect[right]']).scored;
  const all = [...Array.from({ length: 20 }, (_, i) => ({ ...short, id: `s${i}` })), ...Array.from({ length: 5 }, (_, i) => ({ ...long, id: `l${i}` })), { ...short, id: 'w', correct: false }];
  const result = filterTrajectories(all, { trajectories: 8, by: 'reward' }, modes.fixed, 1);
  assert.equal(result.kept.filter((t) => t.id.startsWith('l')).length, 4);
  assert.deepEqual(result.dropped.filter((d) => d.reason === 'reward below 1').map((d) => d.id), ['w']);
  assert.equal(result.kept.length + result.dropped.length, all.length);
  assert.deepEqual(filterTrajectories(all, { trajectories: 8, by: 'reward' }, modes.fixed, 1), result, 'the same seed keeps the same');
});
