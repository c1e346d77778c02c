import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EngineHost } from '../../src/node/embedded/engineHost.ts';

/** Stands in for the embedded engine where what it serves is looked at elsewhere: every character is one token. */
export interface ScoringEngine {
  readonly engine: EngineHost;
  /** Names of the adapters that were loaded. */
  readonly loaded: readonly string[];
  close(): void;
}

export async function scoringEngine(): Promise<ScoringEngine> {
  const scores = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url !== '/v1/completions') {
        response.writeHead(404).end('{}');
        return;
      }
      const { prompt } = JSON.parse(Buffer.concat(parts).toString()) as { prompt: string };
      const logprobs = { token_logprobs: Array.from(prompt, () => -1), text_offset: Array.from(prompt, (_, i) => i) };
      response.end(JSON.stringify({ choices: [{ logprobs }] }));
    });
  });
  await new Promise<void>((resolve) => scores.listen(0, '127.0.0.1', resolve));
  const { port } = scores.address() as AddressInfo;
  const loaded: string[] = [];
  const engine = {
    loadAdapter: (name: string, path: string) => {
      assert.ok(existsSync(path));
      loaded.push(name);
      return Promise.resolve();
    },
    endpoint: () => Promise.resolve({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'x' }),
  };
  return { engine: engine as unknown as EngineHost, loaded, close: () => scores.close() };
}
