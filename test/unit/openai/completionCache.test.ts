import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CompletionAnswer, CompletionRequest } from '../../../src/core/run/request.ts';
import { cacheKey, CompletionCache, type CacheIdentity } from '../../../src/node/openai/completionCache.ts';
import { completionsDialect } from '../../doubles/client.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-cache-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const request: CompletionRequest = {
  kind: 'complete',
  role: 'plan',
  purpose: 'thought',
  prompt: 'Question: Where?\nObservation: In Arden.\nThought:',
  stop: ['\n'],
  maxTokens: 8,
  sampling: { temperature: 0.9, topP: 1, topK: 40, seed: 7 },
};
const identity: CacheIdentity = { addresses: ['http://a/v1'], model: 'plan-3f2a9c01', revision: 'root base' };
const answer: CompletionAnswer = {
  kind: 'completion',
  text: ' I think',
  finish: 'stop',
  usage: { promptTokens: 7, completionTokens: 3 },
};
const keyOf = (changed: Partial<CompletionRequest> = {}, who: Partial<CacheIdentity> = {}): string =>
  cacheKey({ ...identity, ...who }, { ...request, ...changed }, completionsDialect);

test('promise 8: samples, bodies, adapters, revisions and servers never share an answer', () => {
  const samples = [1, 2, 3, 4, 5].map((seed) => keyOf({ sampling: { ...request.sampling, seed } }));
  const noSeed = [1, 2].map((seed) =>
    cacheKey(identity, { ...request, sampling: { ...request.sampling, seed } }, { ...completionsDialect, seed: false }),
  );
  const keys = [
    keyOf(),
    ...samples,
    ...noSeed,
    keyOf({ prompt: request.prompt.replace('Arden', 'Velm') }), // another corpus of a tool
    keyOf({ maxTokens: 9 }),
    keyOf({ stop: [] }),
    keyOf({ sampling: { ...request.sampling, temperature: 0.8 } }),
    keyOf({}, { model: 'plan-99999999' }),
    keyOf({}, { revision: 'root other' }),
    keyOf({}, { addresses: ['http://b/v1'] }),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keyOf(), keyOf(), 'the same is the same');
  assert.equal(
    keyOf({}, { addresses: ['http://a/v1', 'http://b/v1'] }),
    keyOf({}, { addresses: ['http://b/v1', 'http://a/v1'] }),
  );
});

test('an answer is found by another process, and only under its own key', () => {
  const at = join(folder, 'plain');
  new CompletionCache(at).put(keyOf(), answer);
  const later = new CompletionCache(at);
  assert.deepEqual(later.get(keyOf()), answer);
  assert.equal(later.get(keyOf({ maxTokens: 9 })), undefined);
  assert.doesNotMatch(
    readFileSync(join(at, readdirSync(at)[0] ?? ''), 'utf8'),
    /Question|http/,
    'no prompt, no address',
  );
});

test('promise 8: torn anywhere, the file gives a right answer or none, and takes new ones', () => {
  const key = keyOf();
  const whole = join(folder, 'whole');
  new CompletionCache(whole).put(key, answer);
  const bytes = readFileSync(join(whole, `${key.slice(0, 2)}.jsonl`));
  for (let cut = 0; cut < bytes.length; cut++) {
    const at = join(folder, `torn-${cut}`);
    mkdirSync(at);
    writeFileSync(join(at, `${key.slice(0, 2)}.jsonl`), bytes.subarray(0, cut));
    assert.equal(new CompletionCache(at).get(key), undefined, `cut at ${cut}`);
    new CompletionCache(at).put(key, answer);
    assert.deepEqual(new CompletionCache(at).get(key), answer, `written again after a cut at ${cut}`);
  }
});

test('a line of the wrong shape is no answer', () => {
  const at = join(folder, 'shape');
  mkdirSync(at);
  const key = keyOf();
  for (const line of ['null', '[]', `{"k":"${key}"}`, `{"k":"${key}","a":{"kind":"completion","text":5}}`])
    appendFileSync(join(at, `${key.slice(0, 2)}.jsonl`), `\n${line}`);
  assert.equal(new CompletionCache(at).get(key), undefined);
});

test('promise 12: a cache that cannot be written costs the cache and not the run', () => {
  const at = join(folder, 'readonly');
  writeFileSync(at, 'a file where the folder would be');
  chmodSync(at, 0o400);
  const cache = new CompletionCache(at);
  cache.put(keyOf(), answer);
  assert.deepEqual(cache.get(keyOf()), answer, 'this process still has it');
  assert.ok(existsSync(at));
});
