import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitsLog } from '../../../src/core/debug/itemMethod.ts';
import { Player } from '../../../src/core/debug/player.ts';
import { recordedMethod } from '../../../src/core/debug/recordedMethod.ts';
import { askAll, call, note } from '../../../src/core/run/ask.ts';
import type { LogEntry } from '../../../src/core/run/log.ts';
import type { Method } from '../../../src/core/run/request.ts';
import { runItems } from '../../../src/core/run/runner.ts';
import type { Fork, ForkRecord } from '../../../src/core/debug/target.ts';
import { sha256 } from '../../../src/node/debug/runTargets.ts';
import { MemoryLog } from '../../doubles/memoryLog.ts';
import { completion, observation } from '../../doubles/planning.ts';

const sampling = { temperature: 0, topP: 1, topK: 0, seed: 1 };
const signal = new AbortController().signal;

/** Nothing that this project has: critics that are asked together, a vote, and a tool for each of them. */
function* panel(): Method<string> {
  const critics = yield* askAll(
    ['first', 'second'].map((role) => ({
      role,
      purpose: 'view',
      prompt: `${role}?`,
      stop: [],
      maxTokens: 8,
      sampling,
    })),
  );
  for (const [k, { text }] of critics.entries())
    yield* note({ step: k + 1, role: `critic ${k + 1}`, kind: 'message', text });
  const found = yield* call({ tool: 'Tally', argument: critics.map(({ text }) => text).join('+'), state: {} });
  yield* note({ step: 3, role: 'environment', kind: 'observation', text: found.text });
  return found.text;
}

async function logged(): Promise<readonly LogEntry[]> {
  const log = new MemoryLog();
  await runItems({
    items: [{ key: 'panel', start: panel }],
    drivers: {
      complete: (request) => Promise.resolve(completion(`${request.role} says yes`)),
      call: ({ argument }) => Promise.resolve(observation(`counted ${argument}`)),
    },
    log,
    concurrency: 1,
    signal,
    now: () => 0,
    hash: sha256,
  });
  return log.entries('panel');
}

function memoryForks() {
  const written: { record?: ForkRecord; entries: LogEntry[] } = { entries: [] };
  const fork: Fork = {
    id: 'panel/fork-1',
    write: (record, entries) => {
      written.record = record;
      written.entries = [...entries];
    },
    append: (entry) => {
      written.entries.push(entry);
    },
  };
  return { written, store: { open: () => fork } };
}

function resultOf({ site }: Player): unknown {
  assert.ok(site.phase === 'end');
  return site.result;
}

async function play(player: Player): Promise<string[]> {
  const phases: string[] = [];
  while (!player.ended) {
    phases.push(player.site.phase);
    await player.advance(signal);
  }
  return phases;
}

test('a method that the debugger has never heard of is stepped, list requests and all', async () => {
  const { store, written } = memoryForks();
  const player = new Player(
    { key: 'panel', header: { run: 'r', item: 'panel' }, start: panel, entries: await logged(), forks: store },
    { mode: 'replay', now: () => 0, hash: sha256 },
  );
  assert.deepEqual(await play(player), ['asked', 'answered', 'note', 'note', 'asked', 'answered', 'note']);
  assert.equal(resultOf(player), 'counted first says yes+second says yes');
  // One of the parallel answers is edited at the note that it led to; the vote follows.
  player.goTo(2);
  await player.edit('text', 'second says no', signal);
  assert.equal(player.notes[1]?.text, 'second says no');
  await assert.rejects(play(player), /no answer to Tally\[first says yes\+second says no\]/);
  await player.edit('answer', 'one to one', signal);
  await play(player);
  assert.equal(resultOf(player), 'one to one');
  assert.deepEqual(
    written.record?.edits.map(({ i }) => i),
    ['0.1', '3'],
  );
  assert.deepEqual(written.entries.filter((entry) => 'note' in entry).length, 3);
  assert.deepEqual(written.entries.at(-1), { t: 0, item: 'panel/fork-1', result: 'one to one' });
});

test('a recording plays the part of a method that is not at hand, and cannot be edited', async () => {
  const entries = await logged();
  const { store } = memoryForks();
  const player = new Player(
    {
      key: 'panel',
      header: { run: 'r', item: 'panel' },
      start: () => recordedMethod(entries),
      entries,
      recordingOnly: 'it is gone.',
      forks: store,
    },
    { mode: 'replay', now: () => 0, hash: sha256 },
  );
  assert.deepEqual(await play(player), ['asked', 'answered', 'note', 'note', 'asked', 'answered', 'note']);
  assert.equal(resultOf(player), 'counted first says yes+second says yes');
  player.goTo(1);
  await assert.rejects(player.edit('text', 'x', signal), /can only be replayed: it is gone/);
});

test('whether a method is the one that a log was made by', async () => {
  const entries = await logged();
  assert.equal(fitsLog(panel, entries, sha256), true);
  assert.equal(fitsLog(panel, entries.slice(0, 2), sha256), true, 'a recording that breaks off');
  assert.equal(
    fitsLog(
      function* () {
        yield* note({ step: 1, role: 'plan', kind: 'thought', text: 'other' });
        return '';
      },
      entries,
      sha256,
    ),
    false,
  );
});

test('a fork that is read back fits the method, so it can be debugged again', async () => {
  const { store, written } = memoryForks();
  const player = new Player(
    { key: 'panel', header: { run: 'r', item: 'panel' }, start: panel, entries: await logged(), forks: store },
    { mode: 'replay', now: () => 0, hash: sha256 },
  );
  await player.advance(signal);
  await player.advance(signal);
  await player.edit('text', 'first says no', signal);
  await assert.rejects(play(player));
  await play(player);
  assert.equal(fitsLog(panel, written.entries, sha256), true);
});
