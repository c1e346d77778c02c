import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ServerError } from '../../core/ports/models.ts';
import type { Settings } from '../../core/pipeline/settings.ts';
import type { EmbeddedEndpoint } from '../openai/modelServers.ts';
import { ensureEngine } from './engineInstall.ts';
import { startEngine, type RunningEngine } from './engine.ts';

export interface EngineHostOptions {
  /** The folder with dist/. */
  readonly root: string;
  readonly modelPath: string;
  readonly settings: Settings['embedded'];
  readonly notify: (message: string) => void;
  /** Ends the engine; the whole session's, so that a request that is given up does not take the engine with it. */
  readonly signal: AbortSignal;
}

/** The embedded engine of one run: started when the first request needs it, stopped with the run. */
export class EngineHost {
  readonly #options: EngineHostOptions;
  #engine: Promise<RunningEngine> | undefined;

  constructor(options: EngineHostOptions) {
    this.#options = options;
  }

  async endpoint(): Promise<EmbeddedEndpoint> {
    const { baseURL, apiKey } = await this.#running();
    return { baseURL, apiKey };
  }

  /** Serves an adapter under a model name of its own. @throws EngineError when the file does not fit the model. */
  async loadAdapter(name: string, path: string): Promise<void> {
    await (await this.#running()).loadAdapter(name, path);
  }

  async stop(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await (await engine?.catch(() => undefined))?.stop();
  }

  #running(): Promise<RunningEngine> {
    if (this.#engine === undefined) {
      const forget = (): void => {
        this.#engine = undefined;
      };
      this.#engine = this.#start();
      this.#engine.then((engine) => engine.exited).then(forget, forget);
    }
    return this.#engine;
  }

  async #start(): Promise<RunningEngine> {
    const { root, modelPath, settings, notify, signal } = this.#options;
    if (!existsSync(modelPath)) {
      throw new ServerError(
        'engine',
        `There is no model file ${modelPath}.`,
        'Name a GGUF file under embedded.model, or a server of your own under roles. The starter model is in the repository under starter/weights.',
      );
    }
    const { module } = await ensureEngine({ root, onProgress: notify, signal });
    let shown = -1;
    return startEngine({
      entry: join(root, 'dist', 'engine.js'),
      module,
      modelPath,
      adapters: [],
      contextSize: settings.contextSize,
      parallel: settings.parallel,
      ...(settings.threads === 0 ? {} : { threads: settings.threads }),
      signal,
      onProgress: (fraction) => {
        const tenth = Math.floor(fraction * 4);
        if (tenth > shown && fraction < 1) notify(`Loading the model: ${Math.round(fraction * 100)} %`);
        shown = Math.max(shown, tenth);
      },
    });
  }
}
