import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { request } from 'node:http';
import OpenAI from 'openai';
import type { RunningEngine } from '../../src/node/embedded/engine.ts';
import { call, start, temporaryFolder, writeTinyAdapter, type TestBody } from './support.ts';
import { writeTinyModel } from './tinyModel.ts';

const greedy = { temperature: 0, ignore_eos: true };

describe('embedded server', () => {
  const folder = temporaryFolder();
  let engine: RunningEngine;
  let client: OpenAI;
  const progress: number[] = [];
  before(async () => {
    const modelPath = await writeTinyModel(join(folder.path, 'model.gguf'));
    const adapters = [1, 2].map((seed) => ({
      name: `adapter-${String(seed)}`,
      path: writeTinyAdapter(join(folder.path, `a${String(seed)}.gguf`), { seed }),
    }));
    engine = await start({
      modelPath,
      adapters,
      baseNames: ['base', 'tiny'],
      onProgress: (fraction) => progress.push(fraction),
    });
    client = new OpenAI({ baseURL: engine.baseURL, apiKey: engine.apiKey, maxRetries: 0 });
  });
  after(async () => {
    await engine.stop();
    folder.remove();
  });

  const complete = async (body: Record<string, unknown>): Promise<TestBody> => {
    const answer = await call(engine, '/completions', { model: 'base', max_tokens: 12, ...greedy, ...body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  const text = async (body: Record<string, unknown>): Promise<string> => (await complete(body)).choices[0].text;

  it('reports progress, health and the models', async () => {
    assert.equal(progress.at(-1), 1);
    assert.equal((await fetch(engine.baseURL.replace('/v1', '/health'))).status, 200);
    const { data } = await client.models.list();
    assert.deepEqual(
      data.map((model) => model.id),
      ['base', 'tiny', 'adapter-1', 'adapter-2'],
    );
    assert.deepEqual(engine.models, ['base', 'tiny', 'adapter-1', 'adapter-2']);
  });

  it("refuses a wrong key, unknown models, unknown paths and malformed bodies in OpenAI's shape", async () => {
    const wrong = await call(engine, '/models', undefined, 'x'.repeat(32));
    assert.equal(wrong.status, 401);
    assert.equal(wrong.body.error.code, 'invalid_api_key');
    await assert.rejects(
      new OpenAI({ baseURL: engine.baseURL, apiKey: 'no', maxRetries: 0 }).models.list(),
      OpenAI.AuthenticationError,
    );
    const missing = await call(engine, '/completions', { model: 'none', prompt: 'x' });
    assert.deepEqual([missing.status, missing.body.error.code], [404, 'model_not_found']);
    assert.equal((await call(engine, '/nothing', {})).status, 404);
    const bad = await call(engine, '/completions', { model: 'base', prompt: 'x', temperature: 'hot' });
    assert.deepEqual([bad.status, bad.body.error.param], [400, 'temperature']);
  });

  it('answers a completion with usage, and the same through either base name', async () => {
    const body = await complete({ prompt: 'the rain' });
    assert.equal(body.object, 'text_completion');
    assert.equal(body.choices[0].finish_reason, 'length');
    assert.equal(body.usage.completion_tokens, 12);
    assert.equal(body.usage.total_tokens, body.usage.prompt_tokens + 12);
    assert.equal(await text({ model: 'tiny', prompt: 'the rain' }), body.choices[0].text);
  });

  it('takes several prompts, token ids and n choices', async () => {
    const one = await text({ prompt: 'abc' });
    const two = await text({ prompt: 'xyz' });
    const both = await complete({ prompt: ['abc', 'xyz'] });
    assert.deepEqual(
      both.choices.map((choice) => choice.text),
      [one, two],
    );
    const response = await fetch(engine.baseURL.replace('/v1', '/tokenize'), {
      method: 'POST',
      headers: { authorization: `Bearer ${engine.apiKey}` },
      body: JSON.stringify({ prompt: 'abc' }),
    });
    const { tokens } = (await response.json()) as { tokens: number[] };
    assert.equal(tokens[0], 0);
    assert.equal(await text({ prompt: tokens }), one);
    const many = await complete({ prompt: 'abc', n: 3, temperature: 1, seed: 5 });
    assert.equal(new Set(many.choices.map((choice) => choice.text)).size, 3);
    assert.deepEqual(
      many.choices.map((choice) => choice.index),
      [0, 1, 2],
    );
    assert.equal(many.usage.completion_tokens, 36);
  });

  it('gives the same text for the same seed and another for another', async () => {
    const ask = (seed: number): Promise<string> =>
      text({ prompt: 'once', temperature: 0.9, top_p: 0.9, top_k: 40, seed });
    assert.equal(await ask(1), await ask(1));
    assert.notEqual(await ask(1), await ask(2));
    // Also without truncation, where the native sampler draws.
    const open = (seed: number): Promise<string> => text({ prompt: 'once', temperature: 0.9, seed });
    assert.equal(await open(1), await open(1));
    assert.notEqual(await open(1), await open(2));
  });

  it('stops before a stop string, also when it spans tokens', async () => {
    const whole = await text({ prompt: 'stop test', max_tokens: 20 });
    const stop = whole.slice(5, 9);
    const cut = await complete({ prompt: 'stop test', max_tokens: 20, stop: [stop] });
    assert.equal(cut.choices[0].text, whole.slice(0, whole.indexOf(stop)));
    assert.equal(cut.choices[0].finish_reason, 'stop');
    assert.ok(cut.usage.completion_tokens < 20);
  });

  it('streams the same text, ends with usage and never shows part of a stop string', async () => {
    const whole = await text({ prompt: 'stream', max_tokens: 20 });
    const stop = whole.slice(8, 12);
    const stream = await client.completions.create({
      model: 'base',
      prompt: 'stream',
      max_tokens: 20,
      temperature: 0,
      stream: true,
      stop,
      stream_options: { include_usage: true },
    });
    let streamed = '';
    let pieces = 0;
    let usage: unknown;
    let finish: unknown;
    for await (const part of stream) {
      streamed += part.choices[0]?.text ?? '';
      pieces++;
      finish = part.choices[0]?.finish_reason ?? finish;
      usage = part.usage ?? usage;
    }
    assert.equal(streamed, whole.slice(0, whole.indexOf(stop)));
    assert.ok(pieces > 3);
    assert.equal(finish, 'stop');
    assert.ok((usage as { completion_tokens: number }).completion_tokens > 0);
  });

  it('log-probabilities are a distribution and agree between generation and teacher forcing', async () => {
    const body = await complete({ prompt: 'log probs', max_tokens: 6, logprobs: 5, temperature: 0.7, seed: 3 });
    const { token_logprobs: generated, top_logprobs: top, tokens, text_offset: offsets } = body.choices[0].logprobs;
    assert.equal(tokens.length, 6);
    assert.equal(offsets[0], 0);
    for (const [i, best] of top.entries()) {
      const values = Object.values(best);
      assert.ok(values.reduce((sum, value) => sum + Math.exp(value), 0) <= 1.0001);
      assert.ok(Math.max(...values) >= (generated[i] ?? 1) - 1e-6);
    }
    const echoed = await complete({
      prompt: `log probs${body.choices[0].text}`,
      max_tokens: 0,
      echo: true,
      logprobs: 1,
    });
    const forced = echoed.choices[0].logprobs;
    assert.equal(forced.token_logprobs[0], null);
    assert.equal(echoed.choices[0].text, `log probs${body.choices[0].text}`);
    assert.equal(echoed.usage.completion_tokens, 0);
    const byIds = await complete({ prompt: [0, 40, 50, 60], max_tokens: 1, logprobs: 0 });
    const next = byIds.choices[0].logprobs.token_logprobs[0] ?? 9;
    const all = await complete({ prompt: [0, 40, 50, 60], max_tokens: 1, logprobs: 1, echo: true });
    assert.ok(Math.abs((all.choices[0].logprobs.token_logprobs.at(-1) as number) - next) < 1e-3);
  });

  it('chats with the plain format, streams chat, and reports chat log-probabilities', async () => {
    const answer = await client.chat.completions.create({
      model: 'base',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      max_completion_tokens: 5,
      temperature: 0,
      logprobs: true,
      top_logprobs: 2,
    });
    assert.equal(answer.choices[0]?.message.role, 'assistant');
    assert.equal(answer.choices[0].logprobs?.content?.length, answer.usage?.completion_tokens);
    const stream = await client.chat.completions.create({
      model: 'base',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      max_completion_tokens: 5,
      temperature: 0,
      stream: true,
    });
    let streamed = '';
    for await (const part of stream) streamed += part.choices[0]?.delta.content ?? '';
    assert.equal(streamed, answer.choices[0].message.content);
  });

  it('refuses what does not fit into the context', async () => {
    const { status, body } = await call(engine, '/completions', {
      model: 'base',
      prompt: 'word '.repeat(600),
      max_completion_tokens: 5,
    });
    assert.deepEqual([status, body.error.code], [400, 'context_length_exceeded']);
    assert.equal((await call(engine, '/completions', { model: 'base', prompt: 'x', max_tokens: 511 })).status, 400);
    const full = await complete({ prompt: 'x', max_tokens: 510 });
    assert.equal(full.usage.total_tokens, 512);
  });

  it('counts the reused prefix of an extended prompt', async () => {
    const first = 'a prefix that is used again '.repeat(8);
    const before = await complete({ prompt: first });
    assert.equal(before.usage.prompt_tokens_details.cached_tokens < 20, true);
    const after = await complete({ prompt: `${first}${before.choices[0].text} and goes on` });
    assert.ok(after.usage.prompt_tokens_details.cached_tokens >= before.usage.prompt_tokens - 1);
    // The cache must not change the answer.
    const again = await complete({ prompt: `${first}${before.choices[0].text} and goes on` });
    assert.equal(again.choices[0].text, after.choices[0].text);
  });

  it('adapters answer differently from the base and do not contaminate each other under load', async () => {
    const models = ['base', 'adapter-1', 'adapter-2'];
    const prompts = Array.from(
      { length: 4 },
      (_, i) => `${'the same beginning for everybody '.repeat(4)} number ${String(i)}`,
    );
    const score = async (model: string, prompt: string): Promise<readonly number[]> =>
      (
        await complete({ model, prompt, max_tokens: 0, echo: true, logprobs: 0 })
      ).choices[0].logprobs.token_logprobs.slice(1);
    const alone = new Map<string, readonly number[]>();
    for (const model of models) for (const prompt of prompts) alone.set(model + prompt, await score(model, prompt));
    for (const prompt of prompts) {
      const [base = [], one = [], two = []] = models.map((model) => alone.get(model + prompt));
      const gap = (a: readonly number[], b: readonly number[]): number =>
        Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? 0))));
      assert.ok(gap(base, one) > 0.1 && gap(base, two) > 0.1 && gap(one, two) > 0.1);
    }
    await Promise.all(
      models.flatMap((model) =>
        prompts.map(async (prompt) => {
          const [scored] = await Promise.all([score(model, prompt), complete({ model, prompt, max_tokens: 8 })]);
          for (const [i, value] of (alone.get(model + prompt) ?? []).entries())
            assert.ok(Math.abs(value - (scored[i] ?? 0)) < 0.02);
        }),
      ),
    );
  });

  it('adapters come and go while the server runs', async () => {
    const path = writeTinyAdapter(join(folder.path, 'hot.gguf'), { seed: 9 });
    await engine.loadAdapter('hot', path);
    const first = await text({ model: 'hot', prompt: 'hot' });
    await engine.unloadAdapter('hot');
    assert.equal((await call(engine, '/completions', { model: 'hot', prompt: 'x' })).status, 404);
    // New weights under the same path and name: nothing of the old ones may remain.
    writeTinyAdapter(path, { seed: 10, scale: 0.6 });
    await engine.loadAdapter('hot', path);
    assert.notEqual(await text({ model: 'hot', prompt: 'hot' }), first);
    await assert.rejects(engine.loadAdapter('hot', path), { reason: 'refused' });
    await engine.unloadAdapter('hot');
    await assert.rejects(engine.unloadAdapter('hot'), { reason: 'refused' });
    await assert.rejects(engine.loadAdapter('wide', writeTinyAdapter(join(folder.path, 'wide.gguf'), { width: 128 })), {
      reason: 'bad-adapter',
    });
  });

  it('64 requests at once give what each gives alone', async () => {
    const prompts = Array.from({ length: 64 }, (_, i) => `question ${String(i)} about ${'things '.repeat(i % 9)}`);
    const together = await Promise.all(prompts.map((prompt) => complete({ prompt, max_tokens: 6, logprobs: 0 })));
    for (const [i, answer] of together.entries()) {
      const alone = await complete({ prompt: prompts[i], max_tokens: 1, logprobs: 0 });
      const [a, b] = [answer.choices[0].logprobs.token_logprobs[0], alone.choices[0].logprobs.token_logprobs[0]] as [
        number,
        number,
      ];
      assert.ok(Math.abs(a - b) < 0.02, `${String(i)}: ${String(a)} ${String(b)}`);
      assert.equal(answer.usage.completion_tokens, 6);
    }
  });

  it('stops generating when the client goes away', async () => {
    const began = performance.now();
    await new Promise<void>((resolve, reject) => {
      const call = request(
        `${engine.baseURL}/completions`,
        { method: 'POST', headers: { authorization: `Bearer ${engine.apiKey}` } },
        (response) => {
          response.once('data', () => {
            call.destroy();
            resolve();
          });
        },
      );
      call.on('error', reject);
      call.end(JSON.stringify({ model: 'base', prompt: 'long', max_tokens: 500, stream: true, n: 8, ...greedy }));
    });
    const streamed = performance.now() - began;
    // All eight sequences were taken: a request that had to wait for 500 tokens of each would take far longer.
    const started = performance.now();
    await complete({ prompt: 'short', max_tokens: 1 });
    assert.ok(performance.now() - started < Math.max(1500, 20 * streamed));
  });
});
