import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { probeAdapter } from '../../../src/node/embedded/probe.ts';

/** Scores every character as one token: -1 nat by the base, -0.5 by the adapter; no tokenizer endpoint. */
describe('adapter probe', () => {
  let server: Server;
  let baseURL = '';
  before(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (request.url !== '/v1/completions') {
          response.writeHead(404).end('{}');
          return;
        }
        const { prompt, model } = JSON.parse(Buffer.concat(parts).toString()) as { prompt: string; model: string };
        const value = model === 'plan' ? -0.5 : -1;
        response.end(
          JSON.stringify({
            choices: [
              {
                logprobs: {
                  token_logprobs: Array.from(prompt).map((_, i) => (i === 0 ? null : value)),
                  text_offset: Array.from(prompt).map((_, i) => i),
                },
              },
            ],
          }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseURL = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`;
  });
  after(() => server.close());

  const run = (
    model: string,
    probe: { logprob: number; baseLogprob?: number; tokens?: number },
  ): ReturnType<typeof probeAdapter> =>
    probeAdapter({
      baseURL,
      apiKey: 'key',
      model,
      baseModel: 'base',
      probes: [{ prompt: 'ask: ', completion: 'four', ...probe }],
    });

  it("accepts the trainer's values within the tolerance", async () => {
    const result = await run('plan', { logprob: -2.1, baseLogprob: -4, tokens: 4 });
    assert.equal(result.ok, true);
    assert.ok(Math.abs(result.worst - 0.025) < 1e-9);
    assert.match(result.message, /plan answers as trained/);
  });
  it('refuses values beyond it, and the base in place of the adapter', async () => {
    assert.deepEqual((await run('plan', { logprob: -2.6, tokens: 4 })).perProbe[0]?.problem, 'differs');
    assert.deepEqual(
      (await run('missing', { logprob: -2, baseLogprob: -4, tokens: 4 })).perProbe[0]?.problem,
      'differs',
    );
    // Recorded so wrongly that the base matches: the distance from the base tells.
    assert.deepEqual(
      (await run('missing', { logprob: -4, baseLogprob: -6, tokens: 4 })).perProbe[0]?.problem,
      'is-base',
    );
  });
  it('says so when the tokens differ', async () => {
    const result = await run('plan', { logprob: -1.5, tokens: 3 });
    assert.equal(result.perProbe[0]?.problem, 'tokens-differ');
    assert.match(result.message, /tokenizers/);
  });
  it('a server that does not answer is an error, not a verdict', async () => {
    await assert.rejects(
      probeAdapter({
        baseURL: 'http://127.0.0.1:1/v1',
        apiKey: 'k',
        model: 'a',
        baseModel: 'b',
        probes: [{ prompt: 'a', completion: 'b', logprob: 0 }],
      }),
      { reason: 'server' },
    );
    await assert.rejects(probeAdapter({ baseURL, apiKey: 'k', model: 'a', baseModel: 'b', probes: [] }), {
      reason: 'no-probes',
    });
  });
});
