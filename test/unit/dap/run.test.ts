import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openLiveRun } from '../../../src/cli/debug/liveRun.ts';
import { probeText } from '../../../src/node/openai/measureParallel.ts';
import { readFork } from '../../../src/node/debug/forkFiles.ts';
import { LogFile } from '../../../src/node/store/logFile.ts';
import { debugSession } from '../../doubles/debugSession.ts';
import { scriptedRun, type ScriptedRun } from '../../doubles/scriptedRun.ts';

/** Trajectories of a run that the pipeline made, with its own prompts, tools and settings. */
describe('a run’s trajectories in the debugger', () => {
  const workspace = mkdtempSync(join(tmpdir(), 'autoact-dap-'));
  let run: ScriptedRun;
  let folder: string;
  before(async () => {
    run = await scriptedRun(workspace);
    folder = join(workspace, '.autoact', 'runs', run.id);
  });
  after(async () => {
    await run.server.stop();
    rmSync(workspace, { recursive: true });
  });
  const synthesised = (): string => {
    const log = LogFile.open(join(folder, 'log.jsonl'));
    const key = [...log.items()].find((item) => item.startsWith('synthesis/')) ?? '';
    log.close();
    return key;
  };

  test('a synthesised trajectory replays by its own method and can be edited', async () => {
    const asked = run.server.asked.length;
    const client = debugSession();
    await client.launch({ workspace, run: run.id, trajectory: synthesised() });
    assert.equal(
      client.log.some((message) => JSON.stringify(message).includes('Only the recording')),
      false,
    );
    const first = await client.move('next');
    assert.equal(first.frames[0], 'Meta agent · thought');
    await client.setVariable('thought', 'Otherwise.');
    assert.equal((await client.move('continue')).reason, 'end');
    assert.equal(run.server.asked.length, asked, 'a replay asks nobody');
    const forks = readdirSync(join(folder, 'forks'));
    assert.deepEqual(forks, [`${synthesised().replaceAll('/', '-')}.fork-1.jsonl`]);
    assert.doesNotMatch(readFileSync(join(folder, 'log.jsonl'), 'utf8'), /Otherwise\./);
  });

  test('stages that are no plans are replayed and not edited', async () => {
    const client = debugSession();
    await client.launch({ workspace, run: run.id, trajectory: 'toolSelection/0' });
    assert.ok(client.log.some((message) => JSON.stringify(message).includes('Only the recording is replayed')));
    await client.move('next');
    await assert.rejects(client.setVariable('selected', 'Search'), /can only be replayed/);
    assert.equal((await client.move('continue')).reason, 'end');
  });

  test('a question that was never asked is planned live, a step at a time', async () => {
    const asked = run.server.asked.length;
    const client = debugSession({ live: (signal) => openLiveRun(() => undefined, signal), forkScheme: 'autoact-fork' });
    await client.launch({ workspace, run: run.id, trajectory: 'evaluation/zero-shot/q0/7', mode: 'live' });
    const first = await client.move('next');
    assert.equal(first.frames[0], 'Plan agent · thought');
    assert.match(first.source, /^autoact-fork:.*evaluation-zero-shot-q0-7\.fork-1\.aatrace$/);
    const fork = readFork(join(folder, 'forks', 'evaluation-zero-shot-q0-7.fork-1.jsonl')).record;
    assert.equal(fork.question, 'Where does traveller 0 live?', 'its trace begins with what is asked');
    const questions = run.server.asked.slice(asked).filter(({ prompt }) => !prompt.startsWith(probeText));
    assert.equal(questions.length, 1, 'one step asks one thing, beside what the server is probed with');
    const from = client.log.length;
    assert.equal((await client.move('continue')).reason, 'end');
    const ended = (await client.event('autoact.ended', from)).body as { reward: number };
    assert.equal(ended.reward, 1, 'the judge has scored the new answer');
    const everything = JSON.stringify(client.log);
    assert.doesNotMatch(everything, /"gold"/);
    await client.request('disconnect');
  });

  test('asking anew asks everything, and keeps what was recorded', async () => {
    const before = readFileSync(join(folder, 'log.jsonl'), 'utf8');
    const client = debugSession({ live: (signal) => openLiveRun(() => undefined, signal) });
    const asked = run.server.asked.length;
    const trajectory = ['evaluation/zero-shot/q0/0', 'evaluation/zero-shot/q1/0'];
    const from = client.log.length;
    await client.request('initialize', { adapterID: 'autoact', pathFormat: 'path' });
    const launched = client.request('launch', {
      workspace,
      run: run.id,
      trajectory,
      mode: 'live',
      fresh: true,
      noDebug: true,
    });
    await client.event('initialized', from);
    await client.request('configurationDone');
    await launched;
    await client.event('terminated', from);
    const ended = client.log.flatMap((message) =>
      'event' in message && message.event === 'autoact.ended'
        ? [message.body as { trajectory: string; reward: number }]
        : [],
    );
    assert.deepEqual(ended.map(({ trajectory: of, reward }) => [of, reward]).sort(), [
      ['evaluation/zero-shot/q0/0', 1],
      ['evaluation/zero-shot/q1/0', 0],
    ]);
    assert.ok(run.server.asked.length >= asked + 8);
    assert.equal(readFileSync(join(folder, 'log.jsonl'), 'utf8'), before);
    await client.request('disconnect');
  });

  test('a launch that names nothing known says what is missing', async () => {
    for (const [args, message] of [
      [{ workspace, run: 'no-such-run', trajectory: 'a' }, /There is no run "no-such-run"/],
      [{ workspace, run: run.id, trajectory: 'evaluation/zero-shot/nobody/0' }, /has no trajectory/],
      [{ workspace, run: run.id }, /Name the "trajectory"/],
      [{ workspace }, /Name a "run" and a "trajectory"/],
      [{ workspace, run: '../x', trajectory: 'a' }, /is not the name of a run/],
      [{ workspace, run: run.id, trajectory: synthesised(), mode: 'fast' }, /not valid: mode/],
      [{ workspace, run: run.id, trajectory: synthesised(), mode: 'live' }, /Nothing may be started here/],
      [{ workspace, file: 'none.jsonl' }, /There are no trajectories/],
      [{ workspace, file: 'questions.jsonl' }, /is no trajectory of the published code/],
    ] as const)
      await assert.rejects(debugSession().launch(args), message);
  });

  test('cached answers come from the whole run, and nobody is asked', async () => {
    const asked = run.server.asked.length;
    const client = debugSession();
    await client.launch({ workspace, run: run.id, trajectory: 'evaluation/zero-shot/q3/7', mode: 'cached' });
    const stopped = await client.move('next');
    assert.equal(stopped.reason, 'exception');
    assert.match(stopped.text ?? '', /The run has no answer to plan \(thought\)/);
    assert.equal(run.server.asked.length, asked);
  });
});
