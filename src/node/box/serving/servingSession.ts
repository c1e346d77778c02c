import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { probeAdapter, ProbeError } from '../../embedded/probe.ts';
import { JobError } from '../boxErrors.ts';
import { cancelJob } from '../job.ts';
import type { Job } from '../jobFolder.ts';
import { readExit } from '../jobFolder.ts';
import type { OpenBox } from '../openBox.ts';
import { describeWaiting, processLauncher } from '../launcher.ts';
import { persistently } from '../persist.ts';
import type { Address } from '../ssh/forward.ts';
import type { AdapterSource } from './adapterSource.ts';
import { servedName } from './adapterSource.ts';
import { PortForward, portsFor } from './portForward.ts';
import { QueueWatch } from './queueWatch.ts';
import { baseModel } from './serverCommand.ts';
import type { ServeSpec } from './serveJob.ts';
import { addressOf, mustRun, renewLease, startServer } from './serveJob.ts';

/** What the probe says of an adapter; `ok` is undefined where there is nothing to compare it with. */
export interface Verdict {
  readonly ok: boolean | undefined;
  readonly message: string;
}

export interface ServedAdapter {
  readonly name: string;
  /** What requests call it. */
  readonly model: string;
  readonly verdict: Verdict;
}

export interface ServingOptions {
  readonly box: OpenBox;
  /** What the user calls the box. */
  readonly name: string;
  readonly job: Job;
  readonly spec: ServeSpec;
  readonly adapters: readonly AdapterSource[];
  readonly onProgress?: (message: string) => void;
  /** What goes wrong with the forward later on; the server itself may be well. */
  readonly onProblem?: (message: string) => void;
  readonly signal?: AbortSignal;
  readonly pollMs?: number;
  /** How long the server may take to load. */
  readonly loadingMs?: number;
}

/** A server on a box, reached through a port of this machine. */
export interface Serving {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly baseModel: string;
  readonly adapters: readonly ServedAdapter[];
  /** Resolves with the reason when the server on the box has ended, or this side was closed. */
  readonly ended: Promise<Error | undefined>;
  /** Ends the server, and resolves when nothing of it is left on the box. */
  stop(): Promise<void>;
  /** Leaves the server running for its lease. */
  close(): void;
}

const stopMs = 60_000;
/** What the user calls the job. */
const nameOf = ({ name, job }: Pick<ServingOptions, 'name' | 'job'>): string => `${name}/${posix.basename(job.folder)}`;
const Models = z.object({ data: z.array(z.object({ id: z.string() })) });

/** Starts a server on the box or attaches to it, waits until it answers for every adapter, and probes them. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { box, job, spec, signal, onProgress = () => undefined } = options;
  const persist = signal === undefined ? {} : { signal };
  onProgress('starting the server');
  const { key: apiKey, attached } = await persistently(persist, () => startServer(job, spec, signal));
  const lease = keepLease(options);
  let forward: PortForward | undefined;
  try {
    const address = await waitForAddress(options);
    forward = await PortForward.open({
      connect: (reached) => box.connect(address, reached),
      // By what is served, not by the job's id, into which the GPU's free memory goes too.
      ports: portsFor(`${options.name} ${Object.keys(spec.adapters).toSorted().join(' ')}`),
      onProblem: (error) => options.onProblem?.(error.message),
    });
    const opened = forward;
    const origin = `http://127.0.0.1:${opened.port}`;
    const named = await waitUntilReady(options, origin, apiKey);
    const adapters: ServedAdapter[] = [];
    for (const adapter of options.adapters) {
      const model = named(servedName(adapter));
      onProgress(`probing ${adapter.name}`);
      adapters.push({ name: adapter.name, model, verdict: await probe(options, origin, apiKey, model, adapter) });
    }
    const close = (): void => {
      lease.end();
      opened.close();
    };
    void lease.ended.then(close);
    return {
      baseURL: `${origin}/v1`,
      apiKey,
      baseModel,
      adapters,
      ended: lease.ended,
      close,
      stop: async () => {
        close();
        await stopServer(job);
      },
    };
  } catch (error) {
    lease.end();
    forward?.close();
    // What cannot be used must not keep a GPU. One that was there before has other clients, and one that cannot be
    // reached now has its lease.
    if (!attached && !JobError.is(error, 'unreachable')) await stopServer(job).catch(() => undefined);
    throw error;
  }
}

/** Ends a server, and resolves when nothing of it is left, neither on its machine nor in a queue. @throws JobError */
export async function stopServer(job: Job, signal?: AbortSignal): Promise<void> {
  const persist = signal === undefined ? {} : { signal };
  await persistently(persist, () => cancelJob(job, signal));
  for (const until = performance.now() + stopMs; performance.now() < until;) {
    if (await persistently(persist, () => isOver(job, signal))) return;
    await sleep(job.launcher === undefined ? 200 : 1000);
  }
  throw new JobError(
    'failed',
    `The server in ${job.folder} has not ended ${stopMs / 1000} s after it was told to. Look at the box: autoact jobs show`,
  );
}

/** A supervisor has the last word on its machine; a queue holds the node for a moment longer. */
async function isOver(job: Job, signal: AbortSignal | undefined): Promise<boolean> {
  if (job.launcher === undefined && (await readExit(job, signal)) !== undefined) return true;
  return (await (job.launcher ?? processLauncher).look(job, signal)).state === 'gone';
}

async function waitForAddress(options: ServingOptions): Promise<Address> {
  const { job, signal, loadingMs = 1_800_000, pollMs = 500, onProgress } = options;
  const persist = signal === undefined ? {} : { signal };
  const queue = new QueueWatch(job);
  let told: string | undefined;
  for (let until = performance.now() + loadingMs; performance.now() < until;) {
    const address = await persistently(persist, () => addressOf(job, nameOf(options), signal));
    if (address !== undefined) return address;
    const waiting = await persistently(persist, () => queue.look(signal));
    const message = waiting === undefined ? 'loading the model' : describeWaiting(waiting);
    if (message !== told) onProgress?.((told = message));
    // It loads from when it has its node.
    if (waiting !== undefined) until = performance.now() + loadingMs;
    await sleep(pollMs, undefined, persist);
  }
  throw new JobError(
    'failed',
    `The server in ${job.folder} does not listen ${loadingMs / 1000} s after its start. See its log.`,
  );
}

/** Resolves with the name that the server has for a model, once it is there for all of them. */
async function waitUntilReady(
  options: ServingOptions,
  origin: string,
  key: string,
): Promise<(model: string) => string> {
  const { job, spec, signal, loadingMs = 1_800_000, pollMs = 500 } = options;
  const persist = signal === undefined ? {} : { signal };
  const queue = new QueueWatch(job);
  const wanted = options.adapters.map(servedName);
  let seen: readonly string[] = [];
  for (const until = performance.now() + loadingMs; performance.now() < until;) {
    await persistently(persist, () => mustRun(job, nameOf(options), signal));
    await persistently(persist, () => queue.look(signal));
    if ((await get(`${origin}/health`, key, signal))?.ok === true) {
      const models = Models.safeParse((await get(`${origin}/v1/models`, key, signal))?.value);
      if (models.success) {
        seen = models.data.data.map(({ id }) => id);
        const named = (model: string): string => (spec.server === 'sglang' ? `${baseModel}:${model}` : model);
        // SGLang lists adapters in some versions only; the probe then decides alone.
        if (spec.server === 'sglang' || wanted.every((model) => seen.includes(model))) return named;
      }
    }
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
  }
  const missing = wanted.filter((model) => !seen.includes(model));
  throw new JobError(
    'failed',
    seen.length === 0
      ? `The server in ${job.folder} does not answer ${loadingMs / 1000} s after its start. See its log.`
      : `The server in ${job.folder} serves ${seen.join(', ')}, but not ${missing.join(', ')}. Have its command load the adapters under these names.`,
  );
}

async function probe(
  { signal }: ServingOptions,
  origin: string,
  apiKey: string,
  model: string,
  { name, probes }: AdapterSource,
): Promise<Verdict> {
  if (probes.length === 0)
    return {
      ok: undefined,
      message: `${name} has no probes: it was not trained here, so nothing shows that it is applied.`,
    };
  try {
    const { ok, message } = await probeAdapter({
      baseURL: `${origin}/v1`,
      apiKey,
      model,
      baseModel,
      probes,
      ...(signal === undefined ? {} : { signal }),
    });
    return { ok, message };
  } catch (error) {
    if (!ProbeError.is(error)) throw error;
    return { ok: false, message: error.message };
  }
}

interface Lease {
  readonly ended: Promise<Error | undefined>;
  end(): void;
}

/** Renews the server's lease for as long as this side lives, and notices when the server ends. */
function keepLease({ name, job, spec, pollMs = 500 }: ServingOptions): Lease {
  const stop = new AbortController();
  const everyMs = spec.leaseSeconds === 0 ? 60_000 : Math.min(60_000, (spec.leaseSeconds * 1000) / 4);
  const lookMs = Math.max(pollMs, Math.min(10_000, everyMs));
  const queue = new QueueWatch(job);
  const watch = async (): Promise<Error | undefined> => {
    for (let renewed = performance.now(); ;) {
      try {
        await sleep(lookMs, undefined, { signal: stop.signal });
        await mustRun(job, nameOf({ name, job }), stop.signal);
        await queue.look(stop.signal);
        if (performance.now() - renewed < everyMs) continue;
        await renewLease(job, stop.signal);
        renewed = performance.now();
      } catch (error) {
        if (stop.signal.aborted) return undefined;
        if (!JobError.is(error, 'unreachable')) return error instanceof Error ? error : new Error(String(error));
      }
    }
  };
  return { ended: watch(), end: () => stop.abort() };
}

async function get(
  url: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<{ ok: boolean; value: unknown } | undefined> {
  try {
    const limit = AbortSignal.timeout(30_000);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${key}` },
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    return { ok: response.ok, value: await response.json().catch(() => undefined) };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return undefined;
  }
}
