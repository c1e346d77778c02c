import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { groupPlan } from '../../../src/core/methods/groupPlan.ts';
import { restorePrompts } from '../../../src/core/run/log.ts';
import type { CompletionRequest, Method } from '../../../src/core/run/request.ts';
import { RunError } from '../../../src/core/run/runError.ts';
import { runItems, type Drivers, type Item } from '../../../src/core/run/runner.ts';
import { Stepper } from '../../../src/core/run/stepper.ts';
import { askAll } from '../../../src/core/run/ask.ts';
import type { Trajectory } from '../../../src/core/trajectory/trajectory.ts';
import { MemoryLog } from '../../doubles/memoryLog.ts';
import { completion, drive, observation, planningInput } from '../../doubles/planning.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const base = { concurrency: 8, signal: new AbortController().signal, now: () => 0, hash };

function items(n: number): Item<Trajectory>[] {
  return Array.from({ length: n }, (_, i) => {
    const key = `evaluation/autoact/q${i}/0`;
    return { key, start: () => groupPlan({ ...planningInput(), key, question: `Question ${i}?` }) };
  });
}

/** Says what a right answer is by purpose, and counts what it was asked. */
function counting(): Drivers & { asked: Map<string, number> } {
  const asked = new Map<string, number>();
  const answers: Readonly<Record<string, (r: CompletionRequest) => string>> = {
    thought: () => ' I think.',
    tool: (r) => (r.prompt.includes('Observation:') ? ' Finish' : ' Retrieve'),
    argument: () => 'X]',
    verdict: () => ' Reflect[right]',
  };
  return {
    asked,
    complete: (r) => {
      const id = `${r.prompt}|${r.sampling.seed}`;
      asked.set(id, (asked.get(id) ?? 0) + 1);
      return Promise.resolve(completion(answers[r.purpose]?.(r) ?? ''));
    },
    call: (r) => Promise.resolve(observation(`Found ${r.argument}.`)),
  };
}

test('every answer is in the log before the generator sees it', async () => {
  const log = new MemoryLog();
  const drivers = counting();
  const seen: string[] = [];
  const item: Item<number> = {
    key: 'x',
    *start(): Method<number> {
      const first = yield { kind: 'tool', tool: 'Retrieve', argument: 'A', state: {} };
      assert.equal(log.all.length, 1, 'logged before it was used');
      assert.deepEqual('answer' in log.all[0]! ? log.all[0].answer : undefined, first);
      seen.push('first');
      return 1;
    },
  };
  const outcomes = await runItems({ ...base, items: [item], drivers, log });
  assert.deepEqual(outcomes.get('x'), { state: 'done', result: 1, replayed: false });
  assert.deepEqual(seen, ['first']);
});

test('a finished log is replayed without asking anything', async () => {
  const log = new MemoryLog();
  const first = await runItems({ ...base, items: items(20), drivers: counting(), log });
  const again = counting();
  const size = log.all.length;
  const second = await runItems({ ...base, items: items(20), drivers: again, log });
  assert.equal(again.asked.size, 0);
  assert.equal(log.all.length, size);
  for (const [key, outcome] of first) assert.deepEqual(second.get(key), { ...outcome, replayed: true });
});

test('an error fails its item alone, is no answer, and is asked again on resume', async () => {
  const log = new MemoryLog();
  const bad = counting();
  const trouble = Object.assign(new Error('503 after retries'), { reason: 'server' });
  const failing: Drivers = {
    ...bad,
    complete: (r, s, item) =>
      r.prompt.includes('Question 3?') && r.purpose === 'argument' ? Promise.reject(trouble) : bad.complete(r, s, item),
  };
  const outcomes = await runItems({ ...base, items: items(6), drivers: failing, log });
  assert.deepEqual(outcomes.get('evaluation/autoact/q3/0'), {
    state: 'failed',
    reason: 'server',
    message: '503 after retries',
  });
  assert.equal([...outcomes.values()].filter((o) => o.state === 'done').length, 5);
  const good = counting();
  const second = await runItems({ ...base, items: items(6), drivers: good, log });
  assert.equal(second.get('evaluation/autoact/q3/0')?.state, 'done');
  for (const prompt of good.asked.keys())
    assert.match(prompt, /Question 3\?/, 'only the failed item was asked, from where it stopped');
});

test('a fatal error stops the stage', async () => {
  const fatal = Object.assign(new Error('unreachable'), { reason: 'unreachable', fatal: true });
  let calls = 0;
  const drivers: Drivers = {
    ...counting(),
    complete: () => {
      calls++;
      return Promise.reject(fatal);
    },
  };
  await assert.rejects(runItems({ ...base, items: items(100), drivers, log: new MemoryLog() }), (e) => e === fatal);
  assert.ok(calls <= 8);
});

test('cancelling closes the generators and rejects with the reason', async () => {
  const controller = new AbortController();
  let closed = 0;
  const waiting: Item<void>[] = Array.from({ length: 4 }, (_, i) => ({
    key: String(i),
    *start(): Method<void> {
      try {
        yield { kind: 'tool', tool: 'Retrieve', argument: 'A', state: {} };
      } finally {
        closed++;
      }
    },
  }));
  const drivers: Drivers = {
    ...counting(),
    call: (_r, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
  };
  const running = runItems({ ...base, items: waiting, drivers, log: new MemoryLog(), signal: controller.signal });
  setImmediate(() => {
    controller.abort(new Error('enough'));
  });
  await assert.rejects(running, /enough/);
  assert.equal(closed, 4);
});

test('a log that belongs to other prompts is refused', async () => {
  const log = new MemoryLog();
  await runItems({ ...base, items: items(1), drivers: counting(), log });
  const other: Item<Trajectory>[] = [
    {
      key: 'evaluation/autoact/q0/0',
      start: () => groupPlan({ ...planningInput(), key: 'evaluation/autoact/q0/0', question: 'Another question?' }),
    },
  ];
  await assert.rejects(runItems({ ...base, items: other, drivers: counting(), log }), (e) =>
    RunError.is(e, 'log-mismatch'),
  );
});

test('a list of requests is answered in order and each part is logged by itself', async () => {
  const log = new MemoryLog();
  const item: Item<string[]> = {
    key: 'list',
    *start() {
      const answers = yield* askAll(
        [3, 1, 2].map((seed) => ({
          role: 'meta',
          purpose: 'p',
          prompt: 'x',
          stop: [],
          maxTokens: 1,
          sampling: { temperature: 1, topP: 1, topK: 0, seed },
        })),
      );
      return answers.map((a) => a.text);
    },
  };
  const drivers: Drivers = {
    ...counting(),
    complete: async (r) => {
      await new Promise((go) => setTimeout(go, r.sampling.seed));
      return completion(String(r.sampling.seed));
    },
  };
  const outcome = (await runItems({ ...base, items: [item], drivers, log })).get('list');
  assert.deepEqual(outcome?.state === 'done' ? outcome.result : [], ['3', '1', '2']);
  assert.deepEqual(log.all.flatMap((e) => ('i' in e ? [e.i] : [])).sort(), ['0.0', '0.1', '0.2']);
});

test('prompts are restored from the log, which holds only what was new', async () => {
  const log = new MemoryLog();
  const prompts: string[] = [];
  const inner = counting();
  const drivers: Drivers = {
    ...inner,
    complete: (r, s, item) => {
      prompts.push(r.prompt);
      return inner.complete(r, s, item);
    },
  };
  await runItems({ ...base, items: items(1), drivers, log });
  assert.deepEqual([...restorePrompts(log.entries('evaluation/autoact/q0/0')).values()], prompts);
  assert.ok(JSON.stringify(log.all).length < prompts.join('').length);
});

test('the stepper steps back and forks by replay', () => {
  const start = (): Method<Trajectory> => groupPlan(planningInput());
  const stepper = new Stepper(start);
  const script = [' look', ' Retrieve', 'P]'];
  let at = 0;
  while (at < script.length)
    stepper.answer(
      stepper.pending !== undefined && 'kind' in stepper.pending && stepper.pending.kind === 'complete'
        ? completion(script[at++]!)
        : { kind: 'noted' },
    );
  const here = stepper.position;
  const fork = stepper.fork();
  stepper.goTo(1);
  assert.equal(stepper.position, 1);
  assert.equal(fork.position, here);
  assert.throws(() => {
    stepper.goTo(5);
  }, RangeError);
  const whole = drive(start(), (r) =>
    r.kind === 'tool'
      ? observation('x')
      : completion(
          r.kind === 'complete' && r.purpose === 'tool'
            ? ' Finish'
            : r.kind === 'complete' && r.purpose === 'verdict'
              ? ' Reflect[right]'
              : 'a]',
        ),
  );
  assert.equal(whole.result.finished, true);
});
