import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { restorePrompts, type LogEntry } from '../../../src/core/run/log.ts';
import { CompletionServer } from '../../doubles/completionServer.ts';
import { metaReply } from '../../doubles/metaServer.ts';
import { cliFolder, runOf } from './support.ts';

const { cli, writeTask } = cliFolder();

/** What a run has made from what was answered, without its own name and what a clock says. */
const made = /^(database|trajectories|training\/\w+|evaluation\/[\w-]+)\.jsonl$|^(tools|coverage)\.json$/;
function files(run: string): Record<string, string> {
  const names = readdirSync(run, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  return Object.fromEntries(
    names
      .filter((name) => made.test(name))
      .sort()
      .map((name) => [name, readFileSync(join(run, name), 'utf8')]),
  );
}

/**
 * The log, item by item: which of two that are under way at once is answered first is the server's business, and so is
 * which prompt a prompt is written down as the continuation of.
 */
function logOf(run: string): Record<string, string[]> {
  const items: Record<string, LogEntry[]> = {};
  for (const line of readFileSync(join(run, 'log.jsonl'), 'utf8').trim().split('\n')) {
    const entry = JSON.parse(line) as LogEntry;
    if (entry.item !== 'run') (items[entry.item] ??= []).push(entry);
  }
  const plain = (entries: readonly LogEntry[]): string[] => {
    const prompts = restorePrompts(entries);
    const without = (key: string, value: unknown): unknown =>
      ['t', 'ms', 'keep', 'tail'].includes(key) ? undefined : value;
    return entries.map((e) => `${JSON.stringify(e, without)} ${'i' in e ? (prompts.get(e.i) ?? '') : ''}`).sort();
  };
  return Object.fromEntries(
    Object.entries(items)
      .sort(([one], [two]) => (one < two ? -1 : 1))
      .map(([item, entries]) => [item, plain(entries)]),
  );
}

test('promise 7: two runs of one seed are equal byte for byte, however the server’s answers overtake each other', async () => {
  const server = new CompletionServer((asked, count) => {
    // 0 to 40 ms, another order in each run.
    server.delay((count * 7919) % 41);
    return metaReply(asked);
  });
  const task = writeTask('seeded', await server.start(), { cache: false, synthesis: { rollouts: 2 } });
  try {
    const run = async (seed: number, concurrency: number): Promise<string> => {
      const more = ['-s', `seed=${seed}`, '-s', `concurrency=${concurrency}`];
      const ended = await cli(['run', '--task', task, '--json', ...more]);
      assert.equal(ended.code, 0, ended.err);
      return runOf(ended.out).folder;
    };
    const one = await run(5, 16);
    const two = await run(5, 3);
    assert.ok(Object.keys(files(one)).length >= 6, Object.keys(files(one)).join(', '));
    assert.deepEqual(files(two), files(one));
    assert.deepEqual(logOf(two), logOf(one));
    assert.notDeepEqual(logOf(await run(6, 16)), logOf(one), 'another seed is another plan');
  } finally {
    await server.stop();
  }
});
