import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { createRandom } from '../../../src/core/run/random.ts';
import { restorePrompts, type LogEntry } from '../../../src/core/run/log.ts';
import { CompletionServer, plannerReply } from '../../doubles/completionServer.ts';

const kills = 200;
const questions = 400;
const callsAQuestion = 8;

test(
  `killed at ${kills} random moments, a run loses nothing and asks nothing twice`,
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'autoact-kill-'));
    const server = new CompletionServer(plannerReply).delay(25);
    const random = createRandom('kill');
    try {
      const baseURL = await server.start();
      const log = join(folder, 'log.jsonl');
      const runner = join(folder, 'runner.mjs');
      await build({
        entryPoints: ['test/doubles/killedRunner.ts'],
        outfile: runner,
        bundle: true,
        platform: 'node',
        format: 'esm',
        logLevel: 'error',
        banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
      });
      let killed = 0;
      let acknowledged = new Set<string>();
      for (;;) {
        const before = server.asked.length;
        const child = spawn(process.execPath, [runner, log, baseURL, String(questions)], {
          stdio: ['ignore', 'inherit', 'inherit'],
        });
        const exit = new Promise<number | null>((done) =>
          child.on('exit', (code) => {
            done(code);
          }),
        );
        if (killed < kills) {
          // Half of the kills wait for the first requests, so that they fall into the work and not into the start.
          if (random.next() < 0.5) while (server.asked.length === before && child.exitCode === null) await sleep(2);
          await sleep(random.int(120));
          child.kill('SIGKILL');
          killed++;
        }
        const code = await exit;
        for (const { prompt, seed } of server.asked.slice(before)) {
          assert.ok(
            !acknowledged.has(`${seed}|${prompt}`),
            `asked again although its answer was in the log: ${prompt.slice(-80)}`,
          );
        }
        if (code === 0) break;
        assert.ok(code === null, `the runner failed by itself with ${code}`);
        const now = readAnswered(log);
        for (const id of acknowledged) assert.ok(now.has(id), 'an answer that was on disk is gone');
        acknowledged = now;
      }
      assert.equal(killed, kills, 'the run ended before all kills were made; make it longer');
      const entries = readLog(log);
      assert.equal(entries.filter((e) => 'result' in e).length, questions);
      assert.equal(readAnswered(log).size, questions * callsAQuestion);
      const again = server.asked.length - questions * callsAQuestion;
      assert.ok(again <= kills * 8, `${again} requests were in flight when the runner was killed`);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** Complete lines only: a kill may tear the last one, which the next start cuts off. */
function readLog(path: string): LogEntry[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // Killed before it was made.
  }
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogEntry);
}

function readAnswered(path: string): Set<string> {
  const byItem = new Map<string, LogEntry[]>();
  for (const entry of readLog(path)) byItem.set(entry.item, [...(byItem.get(entry.item) ?? []), entry]);
  const ids = new Set<string>();
  for (const entries of byItem.values()) {
    const prompts = restorePrompts(entries);
    for (const e of entries) if ('asked' in e && 'seed' in e.asked) ids.add(`${e.asked.seed}|${prompts.get(e.i)}`);
  }
  return ids;
}

const sleep = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));
