import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupPlan } from '../../../src/core/methods/groupPlan.ts';
import { modes } from '../../../src/core/pipeline/mode.ts';
import type { ScoredTrajectory } from '../../../src/core/pipeline/filter.ts';
import { buildTrainingSets } from '../../../src/core/pipeline/trainingData.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import { terminators } from '../../../src/core/trajectory/transcript.ts';
import { completion, drive, observation, planningInput } from '../../doubles/planning.ts';

/**
 * Every completion of a loop says who gave it and which one it was, so that a row's completion alone tells whose step
 * it teaches. Loops have any number of tool steps before and after a rejected answer: a match by position in the trace,
 * as other tools make it, gives a role the steps of another as soon as there are two of a kind.
 */
interface Plan {
  readonly before: readonly string[];
  readonly rejected: boolean;
  readonly after: readonly string[];
}

const tools = fc.constantFrom('Search', 'Retrieve', 'Lookup');
const plans: fc.Arbitrary<Plan> = fc.record({
  before: fc.array(tools, { maxLength: 8 }),
  rejected: fc.boolean(),
  after: fc.array(tools, { maxLength: 6 }),
});

function rollout(plan: Plan, mode: 'fixed' | 'reference'): { scored: ScoredTrajectory; said: Map<string, string[]> } {
  const names = [...plan.before, 'Finish', ...(plan.rejected ? [...plan.after, 'Finish'] : [])];
  const said = new Map<string, string[]>();
  let calls = 0;
  let named = 0;
  let answers = 0;
  const say = (request: CompletionRequest): string => {
    const mark = `${request.role} ${calls++}`;
    switch (request.purpose) {
      case 'tool':
        return ` ${names[named++] ?? 'Finish'}`;
      case 'argument':
        return `${names[named - 1] === 'Finish' ? `answer ${answers++} of ${mark}` : mark}]`;
      case 'verdict':
        return ` Reflect[${plan.rejected ? 'wrong' : 'right'}]`;
      default:
        return ` ${mark}`;
    }
  };
  const { result } = drive(
    groupPlan(planningInput({ mode: modes[mode], maxSteps: 30, maxPromptChars: 1_000_000 })),
    (r) => {
      if (r.kind === 'tool') return observation('A fact.');
      const request = r as CompletionRequest;
      const text = say(request);
      const kind = request.purpose as keyof typeof terminators;
      said.set(request.role, [...(said.get(request.role) ?? []), `${request.prompt}\u0000${text}${terminators[kind]}`]);
      return completion(text);
    },
  );
  const last = result.answers.length - 1;
  const scored = {
    id: 'synthesis/i-0001/0',
    instance: 'i-0001',
    question: 'Where was Mira Torvel born?',
    trajectory: result,
    correct: true,
    reward: 1,
    answersCorrect: result.answers.map((_, i) => i === last),
  };
  return { scored, said };
}

for (const mode of ['fixed', 'reference'] as const)
  test(`property: each role’s rows hold that role’s steps alone, whatever the length of the loop (${mode})`, () => {
    const lengths = new Set<number>();
    fc.assert(
      fc.property(plans, (plan) => {
        const { scored, said } = rollout(plan, mode);
        lengths.add(scored.trajectory.steps.length);
        const context = planningInput().context;
        const sets = buildTrainingSets({
          context,
          mode: modes[mode],
          seed: 1,
          kept: [scored],
          all: [scored],
          reflections: [],
        });
        for (const role of ['plan', 'tool', 'reflect'] as const) {
          const own = new Set(said.get(role));
          for (const row of sets[role]) {
            const pair = `${row.prompt}\u0000${row.completion}`;
            assert.ok(own.has(pair), `${role} is taught what it never said: ${JSON.stringify(row.completion)}`);
            for (const other of ['plan', 'tool', 'reflect'] as const)
              if (other !== role) assert.ok(!said.get(other)?.includes(pair), `${role} is taught a step of ${other}`);
          }
        }
        // Nothing is missing either: every step that may teach its role does.
        const steps = scored.trajectory.steps;
        const planned = steps.filter((s) => s.by === 'plan' && s.parse !== 'failed' && s.outcome !== 'error').length;
        const rejectedAnswer = plan.rejected ? 1 : 0;
        const wanted = mode === 'fixed' ? planned - rejectedAnswer : steps.filter((s) => s.by === 'plan').length;
        assert.equal(sets.tool.length, wanted);
        const taught = mode === 'fixed' ? wanted : plan.before.length + 1;
        assert.equal(sets.plan.length, 2 * taught);
        // In fixed mode a rejection teaches only beside an approval; here is one trajectory, which has one of the two.
        assert.equal(sets.reflect.length, mode === 'fixed' && plan.rejected ? 0 : 2);
      }),
      { numRuns: 200 },
    );
    assert.ok(lengths.size > 8, 'loops of many lengths were looked at');
  });
