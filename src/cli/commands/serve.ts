import type { Command } from 'commander';
import { resolve, join } from 'node:path';
import { startEngine } from '../../node/embedded/engine.ts';
import { ensureEngine } from '../../node/embedded/engineInstall.ts';
import { packageRoot } from '../../node/packageRoot.ts';
import { act, printJson, UsageError, type CommonOptions } from '../action.ts';
import { exitCodes } from '../exitCodes.ts';
import { serveBox } from '../serveBox.ts';
import { collect, wholeNumber } from './run.ts';

export interface ServeOptions extends CommonOptions {
  readonly model?: string;
  readonly adapter: string[];
  readonly context?: number;
  readonly parallel: number;
  readonly box?: string;
  readonly workspace: string;
  readonly run?: string;
  readonly job?: string;
  readonly server: string;
  readonly program?: string;
  readonly lease: number;
  readonly keep?: boolean;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .argument(
      '[command...]',
      'with --server command, after --: what to run on the box; {port}, {base} and {adapters} in it',
    )
    .option(
      '--model <file>',
      'here: GGUF file. From a box: folder in Hugging Face form, or box:/PATH of one on the box',
    )
    .option('--adapter <name=path>', 'LoRA adapter: a GGUF file here, a folder in peft’s form for a box', collect, [])
    .option('--context <tokens>', 'length of a sequence (default: 2048 here, 4608 from a box)', wholeNumber)
    .option('--parallel <n>', 'sequences decoded together, here', wholeNumber, 16)
    .option('--box <name>', 'serve from this box; the port here leads to it for as long as this runs')
    .option('--run <run>', 'with --box: base and adapters of this run')
    .option('--job <id>', 'with --box: what this training job on the box has made, from where it lies')
    .option('-w, --workspace <folder>', 'folder that holds .autoact/, for --run', '.')
    .option('--server <kind>', 'with --box: auto, vllm, sglang, transformers or command', 'auto')
    .option('--program <path>', 'with --box: vLLM’s program, or the interpreter that has SGLang')
    .option(
      '--lease <minutes>',
      'with --box: the server ends when nobody was connected for so long; 0: never',
      wholeNumber,
      30,
    )
    .option('--keep', 'with --box: leave the server running when this ends, for its lease')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nListens on 127.0.0.1 with a random key, which is printed. Ctrl-C ends it. From a box, each adapter is probed\nafter it was loaded: ✓ answers as trained, ✗ does not and must not be used.',
    )
    .action((command: readonly string[], options: ServeOptions) =>
      act(options, async (signal) => {
        if (options.box !== undefined) return serveBox(options.box, command, options, signal);
        const forBox = ['run', 'job', 'program', 'keep'].find(
          (name) => options[name as keyof ServeOptions] !== undefined,
        );
        if (forBox !== undefined)
          throw new UsageError(
            `--${forBox} is of a server on a box: name the box with --box NAME (see: autoact box list).`,
          );
        if (command.length > 0) throw new UsageError('A command is run on a box only: name one with --box.');
        return serveHere(options, signal);
      }),
    );
}

async function serveHere(options: ServeOptions, signal: AbortSignal): Promise<number> {
  const root = packageRoot();
  const adapters = options.adapter.map(namedPath);
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
    contextSize: options.context ?? 2048,
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
}

/** `name=path` as its two halves, the path made absolute. @throws UsageError */
export function namedPath(text: string): { readonly name: string; readonly path: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`"${text}" names no adapter. Write it as name=path.`);
  return { name: text.slice(0, at), path: resolve(text.slice(at + 1)) };
}
