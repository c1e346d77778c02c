import { availableParallelism } from 'node:os';
import type { AddressInfo } from 'node:net';
import type * as LlamaModule from 'node-llama-cpp';
import { EngineError } from './engineErrors.ts';
import { ENGINE_EXIT, EngineConfig, type EngineFailure, type EngineMessage } from './engineMessages.ts';
import { checkModel } from './inference/ggufChecks.ts';
import { ModelHost } from './inference/modelHost.ts';
import { plainFormat, templateFormat, type ChatFormat } from './server/chat.ts';
import { createApiServer } from './server/httpServer.ts';

/**
 * The engine process. Forked, it is configured by the first IPC message and ends when the channel closes; started by
 * hand it reads AUTOACT_ENGINE_CONFIG (JSON) and ends with its standard input. Either way it cannot outlive its parent.
 */

const DEFAULT_CONTEXT = 4096;
const SHUTDOWN_MS = 3000;

function tell(message: EngineMessage): void {
  if (process.send !== undefined) process.send(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
}

function fail(error: unknown): void {
  const known = EngineError.is(error) && Object.hasOwn(ENGINE_EXIT, error.reason);
  const reason = known ? (error.reason as EngineFailure) : 'crashed';
  const message = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  process.exitCode = ENGINE_EXIT[reason];
  const leave = (): void => process.exit(ENGINE_EXIT[reason]);
  // IPC is asynchronous: leaving at once could lose the reason.
  if (process.send !== undefined) process.send({ type: 'failed', reason, message } satisfies EngineMessage, leave);
  else process.stdout.write(`${JSON.stringify({ type: 'failed', reason, message })}\n`, leave);
}

async function loadModule(module: string | undefined): Promise<typeof LlamaModule> {
  try {
    return (await import(module ?? 'node-llama-cpp')) as typeof LlamaModule;
  } catch (error) {
    throw new EngineError(
      'not-installed',
      `node-llama-cpp cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

async function serve(config: EngineConfig): Promise<void> {
  const header = await checkModel(config.modelPath);
  const library = await loadModule(config.module);
  const llama = await library
    .getLlama({
      gpu: 'auto',
      build: 'never',
      skipDownload: true,
      logLevel: library.LlamaLogLevel.error,
      progressLogs: false,
    })
    .catch((error: unknown) => {
      throw new EngineError(
        'not-installed',
        `node-llama-cpp has no binary for ${process.platform}-${process.arch}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    });
  let shown = 0;
  tell({ type: 'progress', fraction: 0 });
  const onLoadProgress = (fraction: number): void => {
    if (fraction < 1 && fraction - shown < 0.01) return;
    shown = fraction;
    tell({ type: 'progress', fraction });
  };
  const model = await llama.loadModel({ modelPath: config.modelPath, onLoadProgress }).catch((error: unknown) => {
    throw new EngineError(
      'bad-model',
      `llama.cpp cannot load ${config.modelPath}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
  if (shown < 1) tell({ type: 'progress', fraction: 1 });
  const contextSize = config.contextSize ?? Math.min(model.trainContextSize, DEFAULT_CONTEXT);
  const host = new ModelHost(llama, model, header, {
    contextSize,
    parallel: config.parallel,
    threads: config.threads,
    cores: llama.maxThreads > 0 ? llama.maxThreads : availableParallelism(),
    baseNames: config.baseNames,
  });
  for (const { name, path } of config.adapters) await host.addAdapter(name, path);
  const chatFormat: ChatFormat = header.metadata.has('tokenizer.chat_template')
    ? templateFormat(library.resolveChatWrapper(model))
    : plainFormat;
  const server = createApiServer({ host, chatFormat, apiKey: config.apiKey });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    // Idle connections close now, running requests are cut off at the deadline.
    server.close();
    server.closeIdleConnections();
    const deadline = setTimeout(() => process.exit(0), SHUTDOWN_MS);
    server.on('close', () => {
      void host.dispose().finally(() => {
        clearTimeout(deadline);
        process.exit(0);
      });
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  tell({
    type: 'ready',
    baseURL: `http://127.0.0.1:${String(port)}/v1`,
    models: [...host.names],
    engine: {
      name: 'node-llama-cpp',
      version: await library.getModuleVersion(),
      contextSize,
      threads: host.threads,
      lanes: host.lanes,
    },
  });
}

function start(config: unknown): void {
  const parsed = EngineConfig.safeParse(config);
  if (parsed.success) void serve(parsed.data).catch(fail);
  else
    fail(new EngineError('bad-options', `The engine was started with a wrong configuration: ${parsed.error.message}`));
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
if (process.send !== undefined) {
  process.once('message', start);
  process.on('disconnect', () => process.exit(0));
} else {
  process.stdin.on('end', () => process.exit(0)).resume();
  try {
    start(JSON.parse(process.env['AUTOACT_ENGINE_CONFIG'] ?? 'null'));
  } catch (error) {
    fail(new EngineError('bad-options', `AUTOACT_ENGINE_CONFIG is not JSON: ${String(error)}`));
  }
}
