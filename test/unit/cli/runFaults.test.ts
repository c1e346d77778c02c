import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Report } from '../../../src/core/evaluate/report.ts';
import { RunStatus } from '../../../src/core/run/status.ts';
import { probeText } from '../../../src/node/openai/measureParallel.ts';
import { reset, type CompletionServer, type Reply } from '../../doubles/completionServer.ts';
import { metaReply } from '../../doubles/metaServer.ts';
import { cliEvents } from '../../harness/cliProgram.ts';
import { cliFolder, runOf, withServer } from './support.ts';

const { folder, cli, writeTask } = cliFolder();

test('a server that dies in the middle gives one message with the remedy, and the run goes on afterwards', async () => {
  let calls = 0;
  let dead = true;
  const reply = (asked: Parameters<typeof metaReply>[0]): Reply => (dead && ++calls > 40 ? reset : metaReply(asked));
  await withServer(async (baseURL, server) => {
    const first = await cli(['run', '--task', writeTask('dying', baseURL, { concurrency: 4 }), '--json']);
    assert.equal(first.code, 4, first.err);
    const errors = cliEvents(first.out).filter((e) => e.type === 'error');
    assert.equal(errors.length, 1);
    assert.match(
      errors[0]?.type === 'error' ? `${errors[0].message} ${errors[0].remedy}` : '',
      /"mine".*cannot be reached.*resume/s,
    );
    dead = false;
    const before = server.asked.length;
    const second = await cli(['run', '--resume', runOf(first.out).run, '--json']);
    assert.equal(second.code, 0, second.err);
    const ids = new Set(server.asked.slice(0, 40).map((a) => `${a.seed}|${a.prompt}`));
    for (const a of server.asked.slice(before))
      assert.ok(
        a.prompt.startsWith(probeText) || !ids.has(`${a.seed}|${a.prompt}`),
        'an answered request was asked again',
      );
  }, reply);
});

test('promise 6: a run waits for a server that is away, says so, and ends as if nothing had been', async () => {
  let server: CompletionServer | undefined;
  let answered: string[] = [];
  const reply = (asked: Parameters<typeof metaReply>[0], count: number): Reply => {
    if (count === 40 && server !== undefined) {
      const { asked: before } = server;
      server.down = true;
      setTimeout(() => {
        if (server === undefined) return;
        answered = before.map((a) => `${a.seed}|${a.prompt}`);
        server.down = false;
      }, 1500);
      return reset;
    }
    return metaReply(asked);
  };
  await withServer(async (baseURL, double) => {
    server = double;
    const ended = await cli(['run', '--task', writeTask('away', baseURL, { cache: false }), '--json']);
    assert.equal(ended.code, 0, ended.err);
    const { folder: run } = runOf(ended.out);
    const status = RunStatus.parse(JSON.parse(readFileSync(join(run, 'status.json'), 'utf8')));
    const said = status.notices.map((n) => n.message).join('\n');
    assert.match(said, /"mine" cannot be reached .*the run waits.*\n.*answers again; the run goes on/s);
    assert.equal(status.results[0]?.errors, 0);
    const waiting = cliEvents(ended.out).some((e) => e.type === 'status' && e.status.servers?.[0]?.state === 'waiting');
    assert.ok(waiting, 'the status shows what is waited for');
    const lines = readFileSync(join(run, 'log.jsonl'), 'utf8').trim().split('\n').length;
    assert.ok(lines > 150);
    const times = new Map<string, number>();
    for (const a of double.asked) times.set(`${a.seed}|${a.prompt}`, (times.get(`${a.seed}|${a.prompt}`) ?? 0) + 1);
    assert.ok(
      answered.filter((id) => (times.get(id) ?? 0) > 1).length <= 40,
      'only what was under way is asked once more',
    );
  }, reply);
});

test('errors of single questions are shown, counted and kept out of the score, and scored apart once they are asked anew', async () => {
  let healed = false;
  await withServer(
    async (baseURL) => {
      const ended = await cli(['run', '--task', writeTask('partly', baseURL), '--json']);
      assert.equal(ended.code, 0, ended.err);
      const status = RunStatus.parse(JSON.parse(readFileSync(join(runOf(ended.out).folder, 'status.json'), 'utf8')));
      assert.equal(status.results[0]!.errors, 3);
      assert.equal(status.results[0]!.levels.at(-1)!.n, 9);
      assert.match(readFileSync(join(runOf(ended.out).folder, 'report.md'), 'utf8'), /missing/i);
      healed = true;
      const resumed = await cli(['run', '--resume', runOf(ended.out).run, '--json']);
      assert.equal(resumed.code, 0, resumed.err);
      const [system] = Report.parse(
        JSON.parse(readFileSync(join(runOf(ended.out).folder, 'report.json'), 'utf8')),
      ).systems;
      assert.deepEqual([system?.cells.at(-1)?.errors, system?.cells.at(-1)?.n], [0, 12]);
      assert.deepEqual([system?.retried?.again.answers, system?.retried?.atOnce.answers], [3, 9]);
    },
    (asked) =>
      !healed && /traveller (3|6|9) /.test(asked.prompt)
        ? { status: 400, body: '{"error":{"message":"cannot do this"}}' }
        : metaReply(asked),
  );
});

test('promise 15: where servers fail and are asked again, the report scores those answers apart', async () => {
  const failed = new Set<string>();
  await withServer(
    async (baseURL) => {
      const ended = await cli(['run', '--task', writeTask('again', baseURL), '--json']);
      assert.equal(ended.code, 0, ended.err);
      const { folder: run } = runOf(ended.out);
      const report = Report.parse(JSON.parse(readFileSync(join(run, 'report.json'), 'utf8')));
      const again = report.systems[0]!.retried!;
      assert.equal(again.again.answers, 4);
      assert.equal(again.again.n, 4);
      assert.equal(again.atOnce.answers, 8);
      assert.match(readFileSync(join(run, 'report.md'), 'utf8'), /## Asked again[\s\S]*\| 4 \| .*n=4 \| 8 \| .*n=8 \|/);
      // Another run takes the same answers from the cache: it asked for none of them again.
      const second = await cli(['run', '--task', join(folder, 'again.task.json'), '--json']);
      assert.equal(second.code, 0, second.err);
      assert.match(
        readFileSync(join(runOf(second.out).folder, 'report.md'), 'utf8'),
        /No answer had to be asked for again/,
      );
    },
    (asked) => {
      const question = /traveller (0|3|6|9) /.exec(asked.prompt)?.[0];
      if (question === undefined || failed.has(question)) return metaReply(asked);
      failed.add(question);
      return { status: 503, body: '{"error":{"message":"overloaded"}}', headers: { 'retry-after-ms': '20' } };
    },
  );
});

test('promise 4: completions that end at their token limit are answers that are marked and counted in the report', async () => {
  const cut = (text: string): Reply => ({
    status: 200,
    body: JSON.stringify({
      choices: [{ index: 0, text, finish_reason: 'length' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    }),
  });
  await withServer(
    async (baseURL) => {
      const ended = await cli(['run', '--task', writeTask('cut', baseURL), '--json']);
      assert.equal(ended.code, 0, ended.err);
      const { folder: run } = runOf(ended.out);
      const report = Report.parse(JSON.parse(readFileSync(join(run, 'report.json'), 'utf8')));
      const { cut: counted, cells } = report.systems[0]!;
      assert.deepEqual([counted?.answers, counted?.completions, counted?.of], [3, 12, 12]);
      // "Arden" without its bracket is the answer all the same: the three are right as they would have been.
      assert.equal(counted?.score, 1);
      assert.deepEqual([cells.at(-1)?.errors, cells.at(-1)?.answers], [0, 12]);
      assert.match(
        readFileSync(join(run, 'report.md'), 'utf8'),
        /## Cut at the token limit[\s\S]*\| 12 \| 3 \| 12 \| 100\.0 \|/,
      );
      const log = readFileSync(join(run, 'log.jsonl'), 'utf8');
      assert.match(log, /"text":"I begin","parse":"repaired","reason":"cut at the token limit"/);
      const { notices } = RunStatus.parse(JSON.parse(readFileSync(join(run, 'status.json'), 'utf8')));
      assert.match(notices.map((n) => n.message).join('\n'), /12 answers were cut at their token limit; see maxTokens/);
    },
    (asked) => {
      if (!/traveller (0|3|6) /.test(asked.prompt)) return metaReply(asked);
      if (asked.prompt.endsWith('Thought:')) return cut(' I begin');
      return asked.prompt.endsWith('Finish[') ? cut('Arden') : metaReply(asked);
    },
  );
});
