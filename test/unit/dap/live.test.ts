import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { groupPlan } from '../../../src/core/methods/groupPlan.ts';
import type { DebugTarget } from '../../../src/core/debug/target.ts';
import { forkDocument, forkFiles, ForkFiles, readFork } from '../../../src/node/debug/forkFiles.ts';
import { ServerError } from '../../../src/core/ports/models.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import { runItems } from '../../../src/core/run/runner.ts';
import { sha256 } from '../../../src/node/debug/runTargets.ts';
import { debugSession } from '../../doubles/debugSession.ts';
import { MemoryLog } from '../../doubles/memoryLog.ts';
import { completion, observation, planningInput } from '../../doubles/planning.ts';

/** Answers as the planners do, by the prompt's end, and counts what it is asked. */
class Models {
  readonly asked: CompletionRequest[] = [];
  readonly called: string[] = [];
  failing = false;
  waits: Promise<void> | undefined;

  readonly drivers = {
    complete: async (request: CompletionRequest, signal: AbortSignal) => {
      this.asked.push(request);
      await Promise.race([
        this.waits ?? Promise.resolve(),
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
      ]);
      if (this.failing) throw new ServerError('unreachable', 'The server cannot be reached.', 'Start it.');
      const history = request.prompt.slice(request.prompt.lastIndexOf('Question:'));
      const said: Record<string, string> = {
        thought: ` I think about it (seed ${request.sampling.seed}).`,
        tool: history.includes('Observation:') ? ' Finish' : ' Retrieve',
        argument: history.includes('Observation: Sarn') ? 'Sarn]' : 'Mira Torvel]',
        verdict: ' Reflect[right]',
        console: ' I would look up the town.',
      };
      return { ...completion(said[request.purpose] ?? ''), model: 'tiny' };
    },
    call: ({ tool, argument }: { tool: string; argument: string }) => {
      this.called.push(`${tool}[${argument}]`);
      return Promise.resolve(
        argument === 'Orvale' ? observation('Sarn is its harbour.') : observation('Mira Torvel was born in Harth.'),
      );
    },
  };
}

async function record(models: Models): Promise<DebugTarget & { folder: string }> {
  const log = new MemoryLog();
  const input = planningInput();
  await runItems({
    items: [{ key: input.key, start: () => groupPlan(input) }],
    drivers: models.drivers,
    log,
    concurrency: 1,
    signal: new AbortController().signal,
    now: () => 0,
    hash: sha256,
  });
  const folder = mkdtempSync(join(tmpdir(), 'autoact-live-'));
  return {
    folder,
    key: input.key,
    header: { run: 'r1', item: input.key, question: input.question },
    start: () => groupPlan(input),
    entries: log.entries(input.key),
    reward: 0,
    score: (result) => ((result as { answer?: string }).answer === 'Sarn' ? 1 : 0),
    drivers: models.drivers,
    describeAsked: (role) => `${role} on a test server`,
    forks: new ForkFiles(folder, 'autoact-fork'),
  };
}

describe('a live session', () => {
  let models: Models;
  let target: Awaited<ReturnType<typeof record>>;
  before(async () => {
    models = new Models();
    target = await record(models);
  });
  after(() => {
    rmSync(target.folder, { recursive: true });
  });
  const open = (over: Partial<DebugTarget> = {}) =>
    debugSession({
      open: () => Promise.resolve({ targets: [{ ...target, ...over }], close: () => Promise.resolve() }),
    });

  test('asks nobody for what was recorded, however often it is stepped', async () => {
    const [asked, called] = [models.asked.length, models.called.length];
    const client = open();
    await client.launch({ mode: 'live', documents: { [target.key]: { uri: 'autoact-trace:/r1/q.aatrace' } } });
    const lines: number[] = [];
    for (let stop = await client.move('next'); stop.reason !== 'end'; stop = await client.move('next')) {
      assert.equal(stop.source, 'autoact-trace:/r1/q.aatrace');
      lines.push(stop.line);
    }
    assert.ok(lines.length >= 9);
    assert.deepEqual(
      lines,
      [...lines].sort((a, b) => a - b),
      'lines only go down',
    );
    await client.move('reverseContinue');
    await client.move('continue');
    assert.deepEqual([models.asked.length, models.called.length], [asked, called]);
    assert.equal((await client.variables('Reward')).values['here'], '0');
  });

  test('an edited argument calls the tool, goes on live from there, and is kept as a fork', async () => {
    const [asked, called] = [models.asked.length, models.called.length];
    const client = open();
    await client.launch({ mode: 'live' }, async () => {
      await client.request('setFunctionBreakpoints', {
        breakpoints: [{ name: 'Retrieve', condition: 'argument == "Mira Torvel"' }],
      });
    });
    const hit = await client.move('continue');
    assert.equal(hit.reason, 'function breakpoint');
    assert.deepEqual(hit.frames.slice(0, 2), ['asking Retrieve[Mira Torvel]', 'Environment · Retrieve']);
    await client.move('stepBack');
    assert.equal(await client.setVariable('argument', 'Orvale'), 'Orvale');
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    const from = client.log.length;
    const end = await client.move('continue');
    assert.equal(end.reason, 'end');
    const ended = (await client.event('autoact.ended', from)).body as {
      fork: { id: string; document: string };
      reward: number;
    };
    assert.equal(ended.reward, 1);
    assert.equal(ended.fork.id, `${target.key}/fork-1`);
    assert.deepEqual(models.called.slice(called), ['Retrieve[Orvale]']);
    const [path = ''] = forkFiles(target.folder);
    assert.equal(ended.fork.document, forkDocument('autoact-fork', path));
    const { record: stored, entries } = readFork(path);
    assert.deepEqual([stored.root, stored.parent, stored.forkStep, stored.mode], [target.key, target.key, 1, 'live']);
    assert.deepEqual(
      stored.edits.map(({ field, before: was, after: is }) => [field, was, is]),
      [['argument', 'Mira Torvel]', 'Orvale]']],
    );
    const origins = entries.flatMap((entry) => ('answer' in entry ? [entry.origin ?? 'recorded'] : []));
    // Thought and tool as recorded, the argument edited, everything after it asked anew.
    assert.deepEqual(origins.slice(0, 4), ['recorded', 'recorded', 'edited', 'live']);
    assert.ok(origins.slice(3).every((origin) => origin === 'live'));
    assert.equal(origins.filter((origin) => origin === 'live').length, models.asked.length - asked + 1);
    assert.ok(entries.some((entry) => 'result' in entry));
    // Stepping back over live answers and forth again asks nobody.
    const later = models.asked.length;
    await client.move('stepBack');
    await client.move('stepBack');
    await client.move('continue');
    assert.equal(models.asked.length, later);
    assert.equal(readFork(path).entries.length, entries.length);

    // The fork is a trajectory like any other: it is replayed from its own file.
    const again = open({ entries, parent: stored.id });
    await again.launch({ mode: 'replay' });
    assert.equal((await again.move('continue')).reason, 'end');
    assert.equal(models.asked.length, later);
    assert.equal(forkFiles(target.folder).length, 1);
  });

  test('restart frame samples the step again with another seed', async () => {
    const client = open();
    await client.launch({ mode: 'live' });
    await client.move('next');
    const before = (await client.variables('Step')).values['thought'];
    const asked = models.asked.length;
    const [frame] = await client.frames();
    const from = client.log.length;
    await client.request('restartFrame', { frameId: frame?.id });
    await client.event('stopped', from);
    const { values } = await client.variables('Step');
    assert.equal(models.asked.length, asked + 1);
    assert.notEqual(values['thought'], before);
    assert.equal((await client.variables('Agent')).values['answered by'], 'a live call with another seed');
  });

  test('a step that the launch names is sampled again, and stopped at', async () => {
    const plain = open();
    await plain.launch({ mode: 'live' });
    while ((await plain.move('next')).frames.every((name) => name !== 'Step 2'));
    const recorded = (await plain.variables('Step')).values['thought'];
    const [asked, called] = [models.asked.length, models.called.length];
    const client = open();
    await client.launch({ mode: 'live', resample: 2 }, async () => {
      await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'Retrieve' }] });
    });
    const frames = await client.frames();
    assert.deepEqual(
      frames.slice(0, 2).map(({ name }) => name),
      ['Plan agent · thought', 'Step 2'],
    );
    assert.deepEqual([models.asked.length, models.called.length], [asked + 1, called], 'one question, no breakpoint');
    assert.notEqual((await client.variables('Step')).values['thought'], recorded);
    assert.equal((await client.variables('Agent')).values['answered by'], 'a live call with another seed');
  });

  test('what costs is told before it is done', async () => {
    const client = open();
    await client.launch({ mode: 'live' });
    await client.move('next');
    const [asked, called] = [models.asked.length, models.called.length];
    assert.match(await client.evaluate('tool Retrieve[Orvale]'), /Enter it once more/);
    assert.match(await client.evaluate('ask plan: And then?'), /plan on a test server: about \d+ prompt tokens/);
    assert.deepEqual([models.asked.length, models.called.length], [asked, called]);
    assert.match(
      await client.evaluate('tool Retrieve[Orvale]'),
      /Enter it once more/,
      'something else was entered in between',
    );
    assert.match(await client.evaluate('tool Retrieve[Orvale]'), /Sarn is its harbour/);
    await client.evaluate('ask plan: And then?');
    assert.match(await client.evaluate('ask plan: And then?'), /I would look up the town/);
    assert.deepEqual([models.asked.length, models.called.length], [asked + 1, called + 1]);
    assert.equal(
      forkFiles(target.folder).some((path) =>
        readFork(path).entries.some((entry) => 'label' in entry && entry.label === 'console'),
      ),
      false,
    );
  });

  test('a server that fails is where the plan stops; going on asks it again', async () => {
    const client = open({ entries: [] });
    await client.launch({ mode: 'live' });
    models.failing = true;
    const stopped = await client.move('next');
    models.failing = false;
    assert.equal(stopped.reason, 'exception');
    assert.match(stopped.text ?? '', /cannot be reached.*Start it/);
    assert.equal((await client.move('next')).reason, 'step');
  });

  test('a plan without stops whose server fails is told of with what went wrong', async () => {
    const client = open({ entries: [] });
    models.failing = true;
    await client.request('initialize', { adapterID: 'autoact', pathFormat: 'path' });
    const launched = client.request('launch', { mode: 'live', noDebug: true });
    await client.event('initialized', 0);
    await client.request('configurationDone');
    await launched;
    await client.event('terminated', 0);
    models.failing = false;
    const ended = client.log.flatMap((message) =>
      'event' in message && message.event === 'autoact.ended'
        ? [message.body as { trajectory: string; problem?: string }]
        : [],
    );
    assert.deepEqual(
      ended.map(({ trajectory }) => trajectory),
      [target.key],
    );
    assert.match(ended[0]?.problem ?? '', /cannot be reached.*Start it/);
  });

  test('pause ends a request that is under way, with its progress', async () => {
    const client = open({ entries: [] });
    await client.launch({ mode: 'live' });
    models.waits = new Promise(() => undefined);
    const from = client.log.length;
    await client.request('next', { threadId: 1 });
    await client.event('progressStart', from);
    const refused = await client.ask('next', { threadId: 1 });
    assert.equal(refused.success, false);
    await client.request('pause', { threadId: 1 });
    const stopped = await client.event('stopped', from);
    models.waits = undefined;
    assert.equal((stopped.body as { reason: string }).reason, 'pause');
    await client.event('progressEnd', from);
    assert.equal((await client.move('next')).reason, 'step');
  });

  test('a cached session stops where the run knows no answer', async () => {
    const asked = models.asked.length;
    const answers = new Map(
      target.entries.flatMap((entry) => ('answer' in entry ? [[entry.hash, entry.answer] as const] : [])),
    );
    const client = open({ entries: [], recall: (hash) => answers.get(hash) });
    await client.launch({ mode: 'cached' });
    await client.move('next');
    await client.setVariable('thought', 'Something that was never said.');
    const stopped = await client.move('continue');
    assert.equal(stopped.reason, 'exception');
    assert.match(stopped.text ?? '', /The run has no answer to plan \(tool\)/);
    assert.equal(models.asked.length, asked);
  });

  test('exception filters with a condition of their own', async () => {
    const client = open();
    await client.launch({ mode: 'replay', budget: 30 }, async () => {
      await client.request('setExceptionBreakpoints', {
        filters: ['overBudget'],
        filterOptions: [{ filterId: 'lowReward', condition: 'reward < 0.5' }],
      });
    });
    const over = await client.move('continue');
    assert.match(over.text ?? '', /39 tokens, and 30 are its budget/);
    const end = await client.move('continue');
    assert.match(end.text ?? '', /The reward is 0/);
    assert.equal(end.frames[0], 'End of the plan');
  });

  test('hit counts and log points', async () => {
    const client = open();
    await client.launch({ mode: 'replay' }, async () => {
      await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'plan', hitCondition: '== 3' }] });
    });
    const hit = await client.move('continue');
    assert.equal(hit.frames[0], 'asking plan (thought)');
    assert.equal(hit.frames[2], 'Step 2');
    assert.equal((await client.move('continue')).reason, 'end');
  });

  test('threads: plans side by side move on their own', async () => {
    const client = debugSession({
      open: () =>
        Promise.resolve({ targets: [target, { ...target, key: `${target.key}-b` }], close: () => Promise.resolve() }),
    });
    await client.launch({ mode: 'replay' });
    const { threads } = await client.request<{ threads: unknown[] }>('threads');
    assert.equal(threads.length, 2);
    await client.move('next', { threadId: 2 });
    assert.equal((await client.frames(1))[0]?.name, 'Step 1');
    assert.equal((await client.frames(2))[0]?.name, 'Plan agent · thought');
  });

  test('forks are in no place that the pipeline reads', () => {
    assert.ok(forkFiles(target.folder).length > 0);
    for (const path of forkFiles(target.folder))
      assert.match(readFileSync(path, 'utf8').split('\n')[0] ?? '', /"event":"fork"/);
  });
});
