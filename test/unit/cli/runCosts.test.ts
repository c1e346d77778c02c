import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunStatus } from '../../../src/core/run/status.ts';
import { probeText } from '../../../src/node/openai/measureParallel.ts';
import { cliEvents } from '../../harness/cliProgram.ts';
import { cliFolder, runOf, withServer } from './support.ts';

const { cli, writeTask } = cliFolder();

test('what a workspace has asked once it does not ask again, in whatever run; with the cache off it does', async () => {
  await withServer(async (baseURL, server) => {
    const real = (): number => server.asked.filter((a) => !a.prompt.startsWith(probeText)).length;
    const task = writeTask('again', baseURL);
    const first = await cli(['run', '--task', task, '--json']);
    assert.equal(first.code, 0, first.err);
    const asked = real();
    const second = await cli(['run', '--task', task, '--json']);
    assert.equal(second.code, 0, second.err);
    assert.equal(real(), asked, 'the second run asked something');
    const read = (out: string): string => readFileSync(join(runOf(out).folder, 'trajectories.jsonl'), 'utf8');
    assert.equal(read(second.out), read(first.out));
    const status = RunStatus.parse(JSON.parse(readFileSync(join(runOf(second.out).folder, 'status.json'), 'utf8')));
    assert.equal(status.ledger?.asked, 0);
    assert.equal(status.ledger.reused, asked);
    const third = await cli(['run', '--task', task, '--json', '-s', 'cache=false', '--stage', 'synthesis']);
    assert.equal(third.code, 0, third.err);
    assert.ok(real() > asked);
    const record = JSON.parse(readFileSync(join(runOf(first.out).folder, 'run.json'), 'utf8')) as {
      capabilities: Record<string, { dialect: { api: string } }>;
    };
    assert.equal(record.capabilities['mine']?.dialect.api, 'completions');
  });
});

test('a run stops when its budget is spent, and goes on with more', async () => {
  await withServer(async (baseURL) => {
    const task = writeTask('spending', baseURL, {
      servers: { mine: { baseURL, prices: { '*': { input: 100_000, output: 0 } } } },
      cache: false,
    });
    const first = await cli(['run', '--task', task, '--json', '--budget', '20']); // 0.7 a call
    assert.equal(first.code, 4, first.err);
    assert.ok(cliEvents(first.out).some((e) => e.type === 'error' && /budget of this run is spent/.test(e.message)));
    const spent = (out: string): number =>
      RunStatus.parse(JSON.parse(readFileSync(join(runOf(out).folder, 'status.json'), 'utf8'))).ledger?.cost ?? 0;
    const before = spent(first.out);
    assert.ok(before >= 20);
    const second = await cli(['run', '--resume', runOf(first.out).run, '--json', '--budget', '10000']);
    assert.equal(second.code, 0, second.err);
    assert.ok(spent(second.out) > before, 'the ledger goes on where it was');
  });
});

test('an estimate asks ten questions, and its answers are not asked for again by the run', async () => {
  await withServer(async (baseURL, server) => {
    const task = writeTask('priced', baseURL, {
      servers: { mine: { baseURL, prices: { base: { input: 10, output: 10 } } } },
      selfInstruct: { instances: 40, perAnswerCap: 100, similarity: 1, parallelRounds: 2 },
    });
    const pilot = await cli(['run', '--task', task, '--estimate', '--json']);
    assert.equal(pilot.code, 0, pilot.err);
    const found = cliEvents(pilot.out).find((e) => e.type === 'estimate');
    assert.ok(found?.type === 'estimate');
    const { stages, total } = found.estimate;
    const of = (stage: string) => stages.find((s) => s.stage === stage);
    assert.deepEqual([of('synthesis')?.seen, of('synthesis')?.times], [10, 40]);
    assert.deepEqual([of('evaluation')?.seen, of('evaluation')?.times], [10, 12]);
    const asked = new Set(server.asked.map((a) => `${a.seed}|${a.prompt}`));
    const before = server.asked.length;
    const whole = await cli(['run', '--task', task, '--json']);
    assert.equal(whole.code, 0, whole.err);
    const again = server.asked.slice(before).filter((a) => !a.prompt.startsWith(probeText));
    assert.ok(again.every((a) => !asked.has(`${a.seed}|${a.prompt}`)));
    const { ledger } = RunStatus.parse(JSON.parse(readFileSync(join(runOf(whole.out).folder, 'status.json'), 'utf8')));
    const calls = (ledger?.asked ?? 0) + (ledger?.reused ?? 0);
    assert.ok(Math.abs(total.calls - calls) / calls < 0.1, `${total.calls} calls estimated, ${calls} made`);
    assert.ok(Math.abs((total.cost ?? 0) - (total.promptTokens + total.completionTokens) / 1e5) < 1e-6);
  });
});
