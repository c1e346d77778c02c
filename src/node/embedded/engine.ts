import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { EngineError } from './engineErrors.ts';
import { EngineMessage, type EngineConfig } from './engineMessages.ts';

export interface EngineOptions {
  /** Path of engineMain: `dist/engine.js`, or the TypeScript source under Node 24. */
  readonly entry: string;
  /** From {@link locateEngine}; undefined: resolved from the entry's own folder. */
  readonly module?: string;
  readonly modelPath: string;
  /** Names under which the base model answers; default `['base']`. */
  readonly baseNames?: readonly string[];
  readonly adapters?: readonly { readonly name: string; readonly path: string }[];
  /** Tokens of one sequence, prompt and completion together. */
  readonly contextSize?: number;
  /** Sequences evaluated at once for one model name; default 32. */
  readonly parallel?: number;
  readonly threads?: number;
  /** Ends the engine, whether it is still loading or already running. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
  /** Lines that the engine writes to standard error. */
  readonly onLog?: (text: string) => void;
  readonly startTimeoutMs?: number;
}

export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningEngine {
  /** Ends in `/v1`. */
  readonly baseURL: string;
  readonly apiKey: string;
  /** Base names and adapters served now. */
  readonly models: readonly string[];
  readonly pid: number;
  readonly info: {
    readonly name: string;
    readonly version: string;
    readonly contextSize: number;
    readonly threads: number;
    readonly lanes: number;
  };
  /** @throws EngineError `bad-adapter` | `refused` | `crashed` */
  loadAdapter(name: string, path: string): Promise<void>;
  /** @throws EngineError `refused` | `crashed` */
  unloadAdapter(name: string): Promise<void>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
  /** Never rejects. A crash shows here; the parent goes on. */
  readonly exited: Promise<EngineExit>;
}

const START_TIMEOUT_MS = 600_000;
const STOP_TIMEOUT_MS = 5000;
const LOG_TAIL = 4000;

/**
 * Start the embedded server in a process of its own and wait until its model is loaded.
 * @throws EngineError
 */
export async function startEngine(options: EngineOptions): Promise<RunningEngine> {
  const { signal } = options;
  if (signal?.aborted === true) throw aborted(signal);
  const apiKey = randomBytes(24).toString('base64url');
  const child = fork(options.entry, [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Inspector and loader flags of the parent are not meant for it.
    execArgv: options.entry.endsWith('.ts') ? ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'] : [],
    // Evaluation, sampling and file reads share libuv's threads; with the usual four they would wait for each other.
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  let log = '';
  const collect = (chunk: Buffer): void => {
    const text = chunk.toString('utf8');
    log = (log + text).slice(-LOG_TAIL);
    options.onLog?.(text);
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const exited = new Promise<EngineExit>((resolve) => {
    child.once('exit', (code, killedBy) => resolve({ code, signal: killedBy }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };

  let unhook = (): void => undefined;
  const ready = new Promise<Extract<EngineMessage, { type: 'ready' }>>((resolve, reject) => {
    child.on('message', (raw) => {
      const message = EngineMessage.safeParse(raw).data;
      if (message?.type === 'progress') options.onProgress?.(message.fraction);
      else if (message?.type === 'ready') resolve(message);
      else if (message?.type === 'failed') reject(new EngineError(message.reason, message.message));
    });
    child.once('error', (error) =>
      reject(
        new EngineError('crashed', `The engine process could not be started (${options.entry}): ${error.message}`, {
          cause: error,
        }),
      ),
    );
    void exited.then((exit) => reject(crash(exit, log)));
    const limit = options.startTimeoutMs ?? START_TIMEOUT_MS;
    const timer = setTimeout(
      () =>
        reject(
          new EngineError(
            'start-timeout',
            `The engine did not load ${options.modelPath} within ${String(Math.round(limit / 1000))} s: choose a smaller model or raise the limit.`,
          ),
        ),
      limit,
    );
    const onAbort = (): void => reject(aborted(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    unhook = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  const config: EngineConfig = {
    ...(options.module !== undefined && { module: options.module }),
    modelPath: options.modelPath,
    baseNames: [...(options.baseNames ?? ['base'])],
    adapters: (options.adapters ?? []).map(({ name, path }) => ({ name, path })),
    ...(options.contextSize !== undefined && { contextSize: options.contextSize }),
    parallel: options.parallel ?? 32,
    ...(options.threads !== undefined && { threads: options.threads }),
    apiKey,
  };
  child.send({ ...config }, () => undefined); // A failure to send shows as the process's exit.
  let started: Extract<EngineMessage, { type: 'ready' }>;
  try {
    started = await ready;
  } catch (error) {
    await kill();
    throw error;
  } finally {
    unhook();
  }
  const stopOnAbort = (): void => void kill();
  signal?.addEventListener('abort', stopOnAbort, { once: true });
  void exited.then(() => signal?.removeEventListener('abort', stopOnAbort));
  const models = [...started.models];

  const control = async (path: string, body: Record<string, string>): Promise<void> => {
    let response: Response;
    try {
      response = await fetch(`${started.baseURL}/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    } catch (error) {
      throw new EngineError('crashed', 'The embedded engine does not answer: it has ended. Start it again.', {
        cause: error,
      });
    }
    if (response.ok) return;
    const { error } = (await response.json()) as { error?: { message?: string; code?: string } };
    throw new EngineError(
      error?.code === 'bad-adapter' ? 'bad-adapter' : 'refused',
      error?.message ?? `The engine answered ${String(response.status)}.`,
    );
  };
  return {
    baseURL: started.baseURL,
    apiKey,
    models,
    pid: child.pid ?? 0,
    info: started.engine,
    exited,
    stop: kill,
    async loadAdapter(name, path) {
      await control('load_lora_adapter', { lora_name: name, lora_path: path });
      models.push(name);
    },
    async unloadAdapter(name) {
      await control('unload_lora_adapter', { lora_name: name });
      models.splice(models.indexOf(name), 1);
    },
  };
}

function aborted(signal: AbortSignal | undefined): EngineError {
  return new EngineError('aborted', 'Starting the engine was cancelled.', { cause: signal?.reason });
}

function crash({ code, signal }: EngineExit, log: string): EngineError {
  const how = signal !== null ? `was ended by ${signal}` : `ended with code ${String(code)}`;
  const tail = log.trim() === '' ? '' : ` Its last lines:\n${log.trim()}`;
  return new EngineError('crashed', `The engine process ${how} while loading.${tail}`);
}
