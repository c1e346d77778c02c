import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server } from '../../../src/core/pipeline/settings.ts';
import { ServerError } from '../../../src/core/ports/models.ts';
import { describeCapabilities, type Capabilities } from '../../../src/core/run/capabilities.ts';
import { Ledger } from '../../../src/core/run/ledger.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import type { ServerState } from '../../../src/node/openai/breaker.ts';
import { CompletionCache } from '../../../src/node/openai/completionCache.ts';
import { probeText } from '../../../src/node/openai/measureParallel.ts';
import { ModelServers, type ModelServersOptions } from '../../../src/node/openai/modelServers.ts';
import { CompletionServer, reset, type Asked, type Reply } from '../../doubles/completionServer.ts';

const never = new AbortController().signal;
const ask = (prompt: string, seed = 7): CompletionRequest => ({
  kind: 'complete',
  role: 'plan',
  purpose: 'thought',
  prompt,
  stop: ['\n'],
  maxTokens: 8,
  sampling: { temperature: 0.5, topP: 1, topK: 40, seed },
});

async function withServers<T>(
  count: number,
  work: (
    servers: readonly CompletionServer[],
    open: (more?: Partial<ModelServersOptions>) => ModelServers,
  ) => Promise<T>,
  reply: (asked: Asked, count: number) => Reply = () => ' fine',
  settings: Record<string, unknown> = {},
): Promise<T> {
  const doubles = Array.from({ length: count }, () => new CompletionServer(reply));
  const opened: ModelServers[] = [];
  try {
    const urls = await Promise.all(doubles.map((d) => d.start()));
    return await work(doubles, (more = {}) => {
      const models = new ModelServers({
        servers: Object.fromEntries(
          urls.map((baseURL, i) => [`s${i}`, Server.parse({ baseURL, timeoutSeconds: 5, ...settings })]),
        ),
        embedded: () => Promise.reject(new Error('no engine here')),
        embeddedConcurrency: 1,
        secret: () => 'sk-canary-77',
        ...more,
      });
      opened.push(models);
      return models;
    });
  } finally {
    for (const models of opened) models.close();
    await Promise.all(doubles.map((d) => d.stop()));
  }
}
const real = (server: CompletionServer | undefined): Asked[] =>
  (server?.asked ?? []).filter((a) => !JSON.stringify(a.body).includes(probeText));
const s0 = { server: 's0', model: 'base' };

async function probed(
  prepare: (server: CompletionServer) => void,
  reply?: (asked: Asked) => Reply,
): Promise<Capabilities> {
  return withServers(
    1,
    async ([server], open) => {
      prepare(server as CompletionServer);
      const found = (await open().capabilities(s0, never)).get('s0');
      assert.ok(found);
      return found;
    },
    reply,
  );
}

test('vLLM tells the size of its cache and its adapters', async () => {
  const found = await probed((server) => {
    server.pages = { '/metrics': 'vllm:cache_config_info{block_size="16",num_gpu_blocks="6000"} 1.0\n' };
    server.models = [
      { id: 'base', owned_by: 'vllm', root: '/models/llama' },
      { id: 'plan-3f2a9c01', owned_by: 'vllm', parent: 'base' },
    ];
  });
  assert.equal(found.kind, 'vllm');
  assert.equal(found.capacity.kvTokens, 96_000);
  assert.deepEqual(found.adapters, ['plan-3f2a9c01']);
  assert.match(describeCapabilities(found), /vllm; completions; .*96,000 tokens \(\/metrics\); adapters plan-3f2a9c01/);
});

test('llama.cpp tells its slots, SGLang its tokens', async () => {
  const llama = await probed((server) => {
    server.pages = { '/props': '{"total_slots":4,"default_generation_settings":{"n_ctx":4096}}' };
  });
  assert.deepEqual([llama.kind, llama.capacity], ['llama.cpp', { slots: 4, from: '/props' }]);
  const slots = await probed((server) => {
    server.pages = { '/slots': '[{"id":0},{"id":1}]' };
  });
  assert.deepEqual(slots.capacity, { slots: 2, from: '/slots' });
  const sglang = await probed((server) => {
    server.pages = { '/metrics': 'sglang:max_total_num_tokens{model_name="x"} 120000.0\n' };
  });
  assert.deepEqual([sglang.kind, sglang.capacity.kvTokens], ['sglang', 120_000]);
});

test('what a server refuses is left out from then on', async () => {
  const refuse = ({ body }: Asked): Reply =>
    'top_k' in body || 'logprobs' in body
      ? {
          status: 400,
          body: `{"error":{"message":"Unrecognized argument: ${'top_k' in body ? 'top_k' : 'logprobs'}"}}`,
        }
      : ' fine';
  const found = await probed(() => undefined, refuse);
  assert.deepEqual([found.dialect.topK, found.logprobs, found.dialect.seed], [false, false, true]);
});

test('a server without completions is asked by chat, with begun answers where it goes on with them', async () => {
  const goesOn = ({ body }: Asked): Reply => {
    const last = (body['messages'] as { role: string; content: string }[]).at(-1);
    if (last?.role !== 'assistant') return 'Sure! Here we go';
    return last.content.endsWith('D,') ? ' E, F' : ' it is Arden.\nAction: Finish[Velm]';
  };
  await withServers(
    1,
    async ([server], open) => {
      (server as CompletionServer).chatOnly = true;
      const models = open();
      const answer = await models.complete(s0, ask('Question: Where?\nThought:'), never);
      assert.equal(answer.text, 'it is Arden.');
      assert.equal(answer.discarded, '\nAction: Finish[Velm]');
      const { body } = real(server).at(-1) as Asked;
      assert.deepEqual(body['messages'], [
        { role: 'user', content: 'Question: Where?\n' },
        { role: 'assistant', content: 'Thought:' },
      ]);
      assert.deepEqual(body['stop'], ['\n']);
    },
    goesOn,
  );
  const plain = await probed(
    (server) => {
      server.chatOnly = true;
    },
    () => 'The letters are A, B, C.',
  );
  assert.deepEqual([plain.dialect.api, plain.dialect.prefill], ['chat', 'none']);
});

test('how a server is asked does not change within a run', async () => {
  const known = await probed(() => undefined);
  await withServers(1, async ([server], open) => {
    const models = open({ known: { s0: { ...known, dialect: { ...known.dialect, topK: false, api: 'chat' } } } });
    await models.complete(s0, ask('Thought:'), never);
    const { body } = real(server).at(-1) as Asked;
    assert.ok('messages' in body && !('top_k' in body));
  });
});

test('promise 4 and 8: an answer comes from the cache in another session, errors never do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-servers-'));
  let broken = true;
  try {
    await withServers(
      1,
      async ([server], open) => {
        const first = open({ cache: new CompletionCache(folder) });
        await assert.rejects(first.complete(s0, ask('broken'), never), (e) => ServerError.is(e, 'bad-request'));
        await first.complete(s0, ask('good', 1), never);
        await first.complete(s0, ask('good', 2), never);
        broken = false;
        const ledger = new Ledger({ price: () => undefined, budget: {} });
        const second = open({ cache: new CompletionCache(folder), ledger });
        await second.complete(s0, ask('good', 1), never);
        assert.equal((await second.complete(s0, ask('broken'), never)).text, ' fine');
        assert.deepEqual(
          real(server).map((a) => [a.prompt, a.seed]),
          [
            ['broken', 7],
            ['good', 1],
            ['good', 2],
            ['broken', 7],
          ],
        );
        assert.deepEqual([ledger.status.reused, ledger.status.asked], [1, 1]);
        const all = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
        assert.doesNotMatch(all.join(''), /canary/, 'promise 10: no key in the cache');
      },
      ({ prompt }) =>
        broken && prompt === 'broken' ? { status: 400, body: '{"error":{"message":"sk-canary-77"}}' } : ' fine',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('several servers share a role: a trajectory stays with one, and moves on when that one is gone', async () => {
  await withServers(
    2,
    async (servers, open) => {
      const states: ServerState[] = [];
      const models = open({ pools: { both: ['s0', 's1'] }, onState: (state) => states.push(state) });
      const target = { server: 'both', model: 'base' };
      for (const server of servers) server.delay(20);
      await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          for (let step = 0; step < 3; step++) await models.complete(target, ask(`${i}.${step}`), never, `t${i}`);
        }),
      );
      const shares = servers.map((server) => new Set(real(server).map((a) => a.prompt.split('.')[0])));
      assert.deepEqual(
        shares.map((s) => s.size),
        [6, 6],
      );
      assert.ok(
        [...(shares[0] ?? [])].every((t) => !shares[1]?.has(t)),
        'a trajectory was torn between servers',
      );
      (servers[0] as CompletionServer).down = true;
      await Promise.all(
        Array.from({ length: 12 }, (_, i) => models.complete(target, ask(`${i}.late`), never, `t${i}`)),
      );
      assert.equal(real(servers[1]).filter((a) => a.prompt.endsWith('.late')).length, 12);
      assert.equal(states[0]?.state, 'waiting');
    },
    () => ' fine',
    { slots: 16 },
  );
});

test('two trajectories that ask the same at the same time are answered by one request', async () => {
  await withServers(1, async ([server], open) => {
    server?.delay(30);
    const ledger = new Ledger({ price: () => ({ input: 1e6, output: 1e6 }), budget: {} });
    const models = open({ ledger });
    await Promise.all(['a', 'b', 'c'].map((item) => models.complete(s0, ask('same'), never, item)));
    assert.equal(real(server).length, 1);
    assert.deepEqual([ledger.status.asked, ledger.status.shared, ledger.status.cost], [1, 2, 10]);
  });
});

test('a lost server is told of while it is waited for, over real connections', async () => {
  let down = false;
  await withServers(
    1,
    async ([server], open) => {
      const states: ServerState[] = [];
      const models = open({ onState: (state) => states.push(state) });
      await models.complete(s0, ask('before'), never);
      down = true;
      (server as CompletionServer).down = true;
      setTimeout(() => {
        down = false;
        (server as CompletionServer).down = false;
      }, 600);
      assert.equal((await models.complete(s0, ask('after'), never)).text, ' fine');
      assert.deepEqual([states[0]?.state, states.at(-1)?.state], ['waiting', 'answering']);
    },
    () => (down ? reset : ' fine'),
  );
});

test('the ledger counts cached prompt tokens at their own price, and stops what the budget does not allow', () => {
  const ledger = new Ledger({
    price: (_server, model) => (model === 'm' ? { input: 2, cachedInput: 0.5, output: 10 } : undefined),
    budget: { cost: 0.01 },
  });
  ledger.answered('s', 'm', { promptTokens: 1000, cachedTokens: 800, completionTokens: 100 });
  ledger.answered('s', 'free', { promptTokens: 1_000_000, completionTokens: 0 });
  assert.ok(Math.abs((ledger.status.cost ?? 0) - (200 * 2 + 800 * 0.5 + 100 * 10) / 1e6) < 1e-12);
  ledger.check();
  ledger.answered('s', 'm', { promptTokens: 5000, completionTokens: 0 });
  assert.throws(
    () => ledger.check(),
    (e) => ServerError.is(e, 'budget') && e.fatal,
  );
  const later = new Ledger({ price: () => undefined, budget: { cost: 1 }, earlier: ledger.status });
  later.check();
  assert.equal(later.status.asked, 3);
});
