import type { Command } from 'commander';
import { resolve, join } from 'node:path';
import { startEngine } from '../../node/embedded/engine.ts';
import { ensureEngine } from '../../node/embedded/engineInstall.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { TaskError } from '../../node/store/taskError.ts';
import { act, printJson, type CommonOptions } from '../action.ts';
import { exitCodes } from '../exitCodes.ts';
import { collect, wholeNumber } from './run.ts';

interface ServeOptions extends CommonOptions {
  readonly model?: string;
  readonly adapter: string[];
  readonly context: number;
  readonly parallel: number;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Serve a GGUF model and LoRA adapters over OpenAI’s HTTP API on this machine.')
    .option('--model <file>', 'GGUF file; the starter model when left out')
    .option('--adapter <name=file>', 'LoRA adapter in GGUF form under a model name; may be given again', collect, [])
    .option('--context <tokens>', 'length of a sequence', wholeNumber, 2048)
    .option('--parallel <n>', 'sequences decoded together', wholeNumber, 16)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nListens on 127.0.0.1 with a random key, which is printed. Ctrl-C ends it.')
    .action((options: ServeOptions) =>
      act(options, async (signal) => {
        const root = packageRoot();
        const adapters = options.adapter.map((text) => {
          const at = text.indexOf('=');
          if (at < 1) throw new TaskError('data', `"${text}" names no adapter.`, 'Write it as name=file.gguf.');
          return { name: text.slice(0, at), path: resolve(text.slice(at + 1)) };
        });
        const { module } = await ensureEngine({
          root,
          onProgress: (text) => void process.stderr.write(`${text}\n`),
          signal,
        });
        const engine = await startEngine({
          entry: join(root, 'dist', 'engine.js'),
          module,
          modelPath: resolve(options.model ?? join(root, 'starter', 'weights', 'starter.gguf')),
          adapters,
          contextSize: options.context,
          parallel: options.parallel,
          signal,
        });
        if (options.json === true)
          printJson({ baseURL: engine.baseURL, apiKey: engine.apiKey, models: engine.models, pid: engine.pid });
        else
          process.stdout.write(
            `Serving ${engine.models.join(', ')}\n  address  ${engine.baseURL}\n  key      ${engine.apiKey}\n`,
          );
        const { code } = await engine.exited;
        return signal.aborted || code === 0 ? exitCodes.ok : exitCodes.server;
      }),
    );
}
