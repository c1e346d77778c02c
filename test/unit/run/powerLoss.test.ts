import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs, { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { groupPlan } from '../../../src/core/methods/groupPlan.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import { RunError } from '../../../src/core/run/runError.ts';
import { runItems } from '../../../src/core/run/runner.ts';
import { LogFile } from '../../../src/node/store/logFile.ts';
import { completion, observation, planningInput } from '../../doubles/planning.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-power-'));
const path = join(folder, 'log.jsonl');
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const said: Readonly<Record<string, (r: CompletionRequest) => string>> = {
  thought: () => ' I think of Ä.',
  tool: (r) => (r.prompt.includes('Observation:') ? ' Finish' : ' Retrieve'),
  argument: () => 'X]',
  verdict: () => ' Reflect[right]',
};

/** Runs three questions on the log as it is. @returns results by item, and how often somebody was asked */
async function run(): Promise<{ results: unknown[]; asked: number }> {
  const log = LogFile.open(path);
  let asked = 0;
  try {
    const outcomes = await runItems({
      items: [0, 1, 2].map((i) => {
        const key = `evaluation/autoact/q${i}/0`;
        return { key, start: () => groupPlan({ ...planningInput(), key, question: `Question ${i}?` }) };
      }),
      drivers: {
        complete: (r) => {
          asked++;
          return Promise.resolve(completion(said[r.purpose]?.(r) ?? ''));
        },
        call: (r) => {
          asked++;
          return Promise.resolve(observation(`Found ${r.argument}.`));
        },
      },
      log,
      concurrency: 2,
      signal: new AbortController().signal,
      now: () => 0,
      hash: (text) => createHash('sha256').update(text).digest('hex'),
    });
    return { results: [...outcomes.values()].map((o) => (o.state === 'done' ? o.result : o.state)), asked };
  } finally {
    log.close();
  }
}

const answersIn = (bytes: Buffer): number => bytes.toString('latin1').match(/"asked":.*\n/g)?.length ?? 0;

test('promise 3: cut at any byte, or with zeros where a disk had no time to write, a run goes on to the same end', async () => {
  rmSync(path, { force: true });
  const first = await run();
  const whole = readFileSync(path);
  assert.equal(first.asked, answersIn(whole));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), fc.constantFrom(0, 1, 700), async (cut, zeros) => {
      writeFileSync(path, Buffer.concat([whole.subarray(0, cut), Buffer.alloc(zeros)]));
      const again = await run();
      assert.deepEqual(again.results, first.results);
      assert.equal(again.asked, first.asked - answersIn(whole.subarray(0, cut)), 'only what was lost is asked again');
      assert.deepEqual((await run()).asked, 0);
    }),
    { numRuns: 60 },
  );
});

/** Takes the place of the disk's own `fsync`, as the log calls it while the run goes on. */
function diskThat(fails: boolean, undo: (body: () => void) => void): { syncs: number } {
  const count = { syncs: 0 };
  const own = fs.fsync;
  fs.fsync = ((_fd: number, done: (error: Error | null) => void) => {
    count.syncs++;
    done(fails ? Object.assign(new Error('EIO'), { code: 'EIO' }) : null);
  }) as typeof fs.fsync;
  syncBuiltinESMExports();
  undo(() => {
    fs.fsync = own;
    syncBuiltinESMExports();
  });
  return count;
}

test('promise 3: what is appended is on the disk a second later, however little or much it is', (t) => {
  const disk = diskThat(false, (body) => t.after(body));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const log = LogFile.open(join(folder, 'synced.jsonl'));
  for (const [i, appended] of [1, 50, 1].entries()) {
    for (let n = 0; n < appended; n++) log.append({ t: 0, item: 'x', result: n });
    t.mock.timers.tick(999);
    assert.equal(disk.syncs, i, 'gathered');
    t.mock.timers.tick(1);
    assert.equal(disk.syncs, i + 1);
  }
  t.mock.timers.tick(5000);
  assert.equal(disk.syncs, 3, 'nothing new, nothing to do');
  log.close();
});

test('promise 3: a disk that loses what it had taken stops the run at the next line', (t) => {
  diskThat(true, (body) => t.after(body));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const log = LogFile.open(join(folder, 'lost.jsonl'));
  log.append({ t: 0, item: 'x', result: 1 });
  t.mock.timers.tick(1000);
  assert.throws(
    () => {
      log.append({ t: 0, item: 'x', result: 2 });
    },
    (error) => RunError.is(error, 'disk') && /lost\.jsonl/.test(error.message),
  );
  log.close();
});
