import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import { DapClient } from '../../doubles/dapClient.ts';
import { overPipes } from '../../doubles/pipes.ts';
import { writePublished } from './scenario.ts';

/** What a person gets wrong, over the adapter as an editor starts it: each has one answer, and the session goes on. */
describe('trouble in the debugger, over stdio', () => {
  const { workspace, file } = writePublished();
  const adapters: DebugClient[] = [];
  after(async () => {
    for (const adapter of adapters) await adapter.stop();
    rmSync(workspace, { recursive: true });
  });
  const open = async (): Promise<DapClient> => {
    const adapter = new DebugClient(process.execPath, 'test/doubles/debugAdapter.ts', 'autoact');
    const client = new DapClient(overPipes(adapter));
    await adapter.start();
    adapters.push(adapter);
    return client;
  };
  let client: DapClient;
  before(async () => {
    client = await open();
    await client.launch({ workspace, file });
  });

  for (const [what, args, message] of [
    ['a file that is not there', { file: 'gone.jsonl' }, /There are no trajectories at .*gone\.jsonl/],
    ['a line that is not there', { file, line: 99 }, /plans\.jsonl has no line 99/],
    ['a line that is no number', { file, line: 'two' }, /not valid: line/],
    ['an unknown mode', { file, mode: 'fast' }, /not valid: mode/],
    ['an imported file live', { file, mode: 'live' }, /no models or tools to ask; debug it with "mode": "replay"/],
    [
      'a trajectory that is no id',
      { run: 'a', trajectory: 7 },
      /not valid: trajectory expected the id of a trajectory/,
    ],
    ['a run that is not there', { run: 'none', trajectory: 'a', mode: 'live' }, /There is no run "none"/],
    ['a fork that is not there', { fork: 'gone.fork-1.jsonl' }, /gone\.fork-1\.jsonl/],
    ['nothing', {}, /Name a "run" and a "trajectory"/],
  ] as const)
    test(`a launch of ${what} says so`, async () => {
      await assert.rejects((await open()).launch({ workspace, ...args }), message);
      await adapters.pop()?.stop();
    });

  const source = async (): Promise<object> => (await client.frames())[0]?.source ?? {};
  const set = async (point: object): Promise<{ verified: boolean; message?: string; line?: number }> => {
    const { breakpoints } = await client.request<{ breakpoints: { verified: boolean; message?: string }[] }>(
      'setBreakpoints',
      { source: await source(), breakpoints: [point] },
    );
    return breakpoints[0] ?? { verified: false };
  };

  test('a breakpoint on a heading moves to the next note, and one past the end says why it cannot hold', async () => {
    const heading = await set({ line: 1 });
    assert.equal(heading.verified, true);
    assert.ok((heading.line ?? 0) > 1, 'it shows where it stops');
    const past = await set({ line: 900 });
    assert.deepEqual(
      [past.verified, past.message],
      [false, 'No thought, action or observation follows this line yet.'],
    );
  });

  test('conditions, hit counts and log messages that cannot be read are said at their breakpoint', async () => {
    for (const [point, message] of [
      [{ condition: 'step >' }, /Not readable/],
      [{ condition: 'process.exit(1)' }, /./],
      [{ condition: 'constructor.constructor("return process")()' }, /./],
      [{ condition: '('.repeat(1900) }, /Not readable/],
      [{ condition: 'stepp == 1' }, /There is no "stepp"/],
      [{ hitCondition: 'often' }, /"often" is no hit count/],
      [{ logMessage: 'at {nowhere}' }, /There is no "nowhere"/],
    ] as const) {
      const { verified, message: said } = await set({ line: 6, ...point });
      assert.equal(verified, false, JSON.stringify(point).slice(0, 60));
      assert.match(said ?? '', message);
    }
  });

  test('a condition that is deep and readable does not end the session either', async () => {
    const { verified } = await set({ line: 6, condition: `${'!'.repeat(1990)}step` });
    assert.equal(typeof verified, 'boolean');
    assert.ok((await client.frames()).length > 0);
    await set({ line: 6 });
  });

  test('at the entry, a step back and a restart stay there', async () => {
    const before = await client.frames();
    for (const command of ['stepBack', 'reverseContinue']) {
      const stood = await client.move(command);
      assert.deepEqual(
        stood.frames,
        before.map(({ name }) => name),
        command,
      );
    }
    const from = client.log.length;
    const frame = (await client.frames()).at(-1);
    await client.request('restartFrame', { frameId: frame?.id });
    await client.event('stopped', from);
    assert.deepEqual(
      (await client.frames()).map(({ name }) => name),
      before.map(({ name }) => name),
    );
  });

  test('an unknown thread, frame or variable is refused in words', async () => {
    for (const [command, args] of [
      ['next', { threadId: 77 }],
      ['stepBack', { threadId: 77 }],
      ['restartFrame', { frameId: 7777 }],
      ['setVariable', { variablesReference: 7777, name: 'a', value: 'b' }],
      ['goto', { threadId: 1, targetId: 77 }],
    ] as const)
      await assert.rejects(client.request(command, args), /(gone|any more|cannot be edited|go back)/, command);
  });

  test('what a replay cannot do, and what is no value, is said', async () => {
    await client.move('next');
    await client.move('next');
    await assert.rejects(client.evaluate('tool Search[x]'), /replay|live/);
    await assert.rejects(client.evaluate('step +', 'watch'), /Not readable/);
    const { reference } = await client.variables('Cost');
    await assert.rejects(
      client.request('setVariable', { variablesReference: reference, name: 'tokens', value: 'many' }),
      /cannot be edited/,
    );
  });

  test('two sessions of one file keep out of each other’s way', async () => {
    const other = await open();
    await other.launch({ workspace, file });
    await other.move('next');
    await client.move('stepBack');
    await client.move('stepBack');
    await client.move('next');
    await other.setVariable('thought', 'Here.');
    await client.setVariable('thought', 'There.');
    assert.equal((await other.variables('Step')).values['thought'], 'Here.');
    await other.request('disconnect');
    assert.equal((await client.variables('Step')).values['thought'], 'There.');
    assert.equal(readdirSync(join(workspace, '.autoact', 'forks', 'plans')).length, 2);
  });

  test('a fork that cannot be kept is no edit, and its message names the place', async () => {
    const place = writePublished();
    writeFileSync(join(place.workspace, '.autoact'), 'a file stands where the folder would be');
    const other = await open();
    await other.launch(place);
    await other.move('next');
    await assert.rejects(other.setVariable('thought', 'Otherwise.'), /\.autoact/);
    assert.equal((await other.move('continue')).reason, 'end', 'the recording goes on as it was');
    await other.request('disconnect');
    rmSync(place.workspace, { recursive: true });
  });

  test('the adapter is still well at the end', async () => {
    await client.request('setBreakpoints', { source: await source(), breakpoints: [] });
    await client.request('setExceptionBreakpoints', { filters: [] });
    assert.equal((await client.move('continue')).reason, 'end');
  });
});
