import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';
import { requestBody, type Dialect } from './dialect.ts';

/** What has to be equal for an answer to be the same answer. */
export interface CacheIdentity {
  /** Addresses of the servers that share the role, without credentials. */
  readonly addresses: readonly string[];
  readonly model: string;
  /** What a server says of the model beside its name, so that another one under the same name is another. */
  readonly revision: string;
}

/**
 * The seed is part of the key even where the server takes none: it tells the samples of a question apart, and k samples
 * must be k answers.
 */
export function cacheKey(identity: CacheIdentity, request: CompletionRequest, dialect: Dialect): string {
  const { path, body } = requestBody(identity.model, request, dialect);
  return createHash('sha256')
    .update(JSON.stringify([[...identity.addresses].sort(), identity.revision, path, body, request.sampling.seed]))
    .digest('hex');
}

/**
 * Answers that this workspace has had, over all its runs: `.autoact/cache/completions/<first byte of the key>.jsonl`,
 * one `{"k": key, "a": answer}` a line, only ever appended to, so that several runs can use it at once. A line that
 * cannot be read is no answer. Without the folder's files nothing is lost but time and money; delete it at will.
 */
export class CompletionCache {
  readonly #folder: string;
  readonly #shards = new Map<string, Map<string, CompletionAnswer>>();
  #broken = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(key: string): CompletionAnswer | undefined {
    return this.#shard(key).get(key);
  }

  /** A full disk costs the cache, never the run: its log is what has to be written. */
  put(key: string, answer: CompletionAnswer): void {
    const shard = this.#shard(key);
    if (shard.has(key)) return;
    shard.set(key, answer);
    if (this.#broken) return;
    try {
      mkdirSync(this.#folder, { recursive: true });
      // The line's end comes first: a torn line before it, which a crash may have left, cannot swallow this one.
      appendFileSync(this.#path(key), `\n${JSON.stringify({ k: key, a: answer })}`);
    } catch {
      this.#broken = true;
    }
  }

  #path(key: string): string {
    return join(this.#folder, `${key.slice(0, 2)}.jsonl`);
  }

  #shard(key: string): Map<string, CompletionAnswer> {
    const name = key.slice(0, 2);
    let shard = this.#shards.get(name);
    if (shard === undefined) {
      shard = new Map();
      for (const line of readLines(this.#path(key))) {
        const entry = readEntry(line);
        if (entry !== undefined) shard.set(entry.k, entry.a);
      }
      this.#shards.set(name, shard);
    }
    return shard;
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function readEntry(line: string): { k: string; a: CompletionAnswer } | undefined {
  if (line === '') return undefined;
  try {
    const { k, a } = JSON.parse(line) as { k?: unknown; a?: Partial<CompletionAnswer> };
    const whole =
      typeof k === 'string' &&
      a?.kind === 'completion' &&
      typeof a.text === 'string' &&
      (a.finish === 'stop' || a.finish === 'length') &&
      typeof a.usage?.promptTokens === 'number' &&
      typeof a.usage.completionTokens === 'number';
    return whole ? { k, a: a as CompletionAnswer } : undefined;
  } catch {
    return undefined;
  }
}
