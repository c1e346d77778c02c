import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { convertLora } from '../../src/node/embedded/lora/convert.ts';
import type { RunningEngine } from '../../src/node/embedded/engine.ts';
import { probeAdapter } from '../../src/node/embedded/probe.ts';
import { call, start, temporaryFolder } from './support.ts';
import { vocabularyOf } from './tinyModel.ts';

const python = process.env['AUTOACT_PYTHON'] ?? resolve(import.meta.dirname, '../../.cache/python/bin/python');
const skip = existsSync(python)
  ? false
  : `no Python with torch, transformers and peft at ${python} (set AUTOACT_PYTHON)`;

/** Largest difference of a token's probability; the research measured 4e-5 to 2.2e-4, and 2.8e-2 when order is wrong. */
const TOLERANCE = 1e-3;

interface Answers {
  readonly samples: number[][];
  readonly base: number[][];
  readonly adapters: Record<string, number[][]>;
}

async function served(engine: RunningEngine, model: string, samples: number[][]): Promise<number[][]> {
  return Promise.all(
    samples.map(async (prompt) => {
      const { status, body } = await call(engine, '/completions', {
        model,
        prompt,
        max_tokens: 0,
        echo: true,
        logprobs: 0,
      });
      assert.equal(status, 200);
      return body.choices[0].logprobs.token_logprobs.slice(1);
    }),
  );
}

const worst = (a: number[][], b: number[][]): number =>
  Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(Math.exp(value) - Math.exp(b[i]?.[j] ?? NaN)))));

const kinds = ['llama', 'qwen2', 'qwen3'];
const root = temporaryFolder();
before(async () => {
  if (skip !== false) return;
  writeFileSync(join(root.path, 'tokens.json'), JSON.stringify(vocabularyOf(400)));
  await promisify(execFile)(python, [join(import.meta.dirname, 'loraFixture.py'), root.path, ...kinds], {
    maxBuffer: 1 << 26,
  });
});
after(() => root.remove());

for (const kind of kinds) {
  describe(`converted adapters against transformers and PEFT: ${kind}`, { skip }, () => {
    const folder = { path: join(root.path, kind) };
    let engine: RunningEngine;
    let answers: Answers;
    before(async () => {
      answers = JSON.parse(readFileSync(join(folder.path, 'answers.json'), 'utf8')) as Answers;
      const adapters = [];
      for (const name of Object.keys(answers.adapters))
        for (const dtype of ['f16', 'f32'] as const) {
          const path = join(folder.path, `${name}-${dtype}.gguf`);
          await convertLora({
            adapterDir: join(folder.path, name),
            baseConfig: join(folder.path, 'config.json'),
            out: path,
            dtype,
          });
          adapters.push({ name: `${name}-${dtype}`, path });
        }
      engine = await start({ modelPath: join(folder.path, 'base.gguf'), adapters, parallel: 3 });
    });
    after(async () => engine.stop());

    it('the base agrees, and every adapter does, far from the base', async () => {
      assert.ok(worst(await served(engine, 'base', answers.samples), answers.base) < TOLERANCE);
      for (const [name, expected] of Object.entries(answers.adapters))
        for (const dtype of ['f16', 'f32']) {
          const difference = worst(await served(engine, `${name}-${dtype}`, answers.samples), expected);
          assert.ok(difference < TOLERANCE, `${name} ${dtype}: ${String(difference)}`);
          assert.ok(
            worst(expected, answers.base) > 10 * TOLERANCE,
            `${name} moves the base by ${String(worst(expected, answers.base))}`,
          );
        }
    });

    it(
      'without the row order of this architecture the comparison fails',
      { skip: kind !== 'llama' && 'only llama orders rows' },
      async () => {
        // The same adapter, converted as if the base needed no reordering: what a wrong converter writes.
        const path = join(folder.path, 'unordered.gguf');
        await convertLora({
          adapterDir: join(folder.path, 'seven'),
          baseConfig: { model_type: 'qwen2', num_attention_heads: 4, num_key_value_heads: 2 },
          out: path,
          dtype: 'f32',
        });
        const bytes = readFileSync(path);
        const at = bytes.indexOf('qwen2');
        writeFileSync(path, Buffer.concat([bytes.subarray(0, at), Buffer.from('llama'), bytes.subarray(at + 5)]));
        await engine.loadAdapter('unordered', path);
        const difference = worst(await served(engine, 'unordered', answers.samples), answers.adapters['seven'] ?? []);
        assert.ok(difference > 10 * TOLERANCE, String(difference));
      },
    );

    it(
      'the probe accepts the right adapter and refuses the base and another adapter',
      { skip: kind !== 'llama' && 'once is enough' },
      async () => {
        const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
        const sample = answers.samples[0] ?? [];
        const text = (ids: number[]): string => ids.map((id) => vocabularyOf(400).texts[id] ?? '').join('');
        // Ids chosen at random are not how their text is cut into tokens, so the probe is recorded from the server's base.
        const record = async (model: string): Promise<{ logprob: number; tokens: number }> => {
          const ids = await Promise.all([
            tokens(text(sample.slice(1, 12)), true),
            tokens(text(sample.slice(12)), false),
          ]);
          const [values] = await served(engine, model, [ids.flat()]);
          return { logprob: sum((values ?? []).slice(ids[0].length - 1)), tokens: ids[1].length };
        };
        const tokens = async (prompt: string, special: boolean): Promise<number[]> => {
          const response = await fetch(engine.baseURL.replace('/v1', '/tokenize'), {
            method: 'POST',
            headers: { authorization: `Bearer ${engine.apiKey}` },
            body: JSON.stringify({ prompt, add_special_tokens: special }),
          });
          return ((await response.json()) as { tokens: number[] }).tokens;
        };
        const [trained, bare] = [await record('seven-f32'), await record('base')];
        const probes = [
          {
            prompt: text(sample.slice(1, 12)),
            completion: text(sample.slice(12)),
            logprob: trained.logprob,
            tokens: trained.tokens,
            baseLogprob: bare.logprob,
          },
        ];
        const probe = (model: string): ReturnType<typeof probeAdapter> =>
          probeAdapter({ baseURL: engine.baseURL, apiKey: engine.apiKey, model, baseModel: 'base', probes });
        const right = await probe('seven-f16');
        assert.ok(right.ok && right.worst < 0.01, right.message);
        assert.equal((await probe('base')).ok, false);
        assert.equal((await probe('qv-f16')).ok, false);
      },
    );
  });
}
