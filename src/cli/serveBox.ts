import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ServerKind } from '../node/box/serving/serveJob.ts';
import { findBox } from '../node/box/boxes.ts';
import type { AdapterSource } from '../node/box/serving/adapterSource.ts';
import { adapterHere } from '../node/box/serving/adapterSource.ts';
import type { ServedOnBox, ServeOnBoxOptions } from '../node/box/serving/serveOnBox.ts';
import { serveOnBox } from '../node/box/serving/serveOnBox.ts';
import { packageRoot } from '../node/packageRoot.ts';
import { RunFolder } from '../node/store/runFolder.ts';
import { Settings } from '../core/pipeline/settings.ts';
import { noticesOf, printJson, UsageError } from './action.ts';
import type { ServeOptions } from './commands/serve.ts';
import { namedPath } from './commands/serve.ts';
import { endWithEditor } from './editorPrompts.ts';
import { exitCodes } from './exitCodes.ts';
import { openBoxHere } from './openBoxHere.ts';
import { runsFolder } from './session.ts';

const kinds: readonly (ServerKind | 'auto')[] = ['auto', 'vllm', 'sglang', 'transformers', 'command'];
const marks = new Map<boolean | undefined, string>([
  [true, '✓'],
  [false, '✗'],
  [undefined, '?'],
]);

/** Serves from a box until `signal`, or until the server ends by itself. */
export async function serveBox(
  name: string,
  command: readonly string[],
  options: ServeOptions,
  signal: AbortSignal,
): Promise<number> {
  const server = kinds.find((kind) => kind === options.server);
  if (server === undefined) throw new UsageError(`--server is one of ${kinds.join(', ')}.`);
  if ((server === 'command') !== command.length > 0)
    throw new UsageError(
      'A command of your own goes with --server command, after two dashes: … --server command -- PROGRAM --port {port}',
    );
  const box = findBox(name);
  const ofRun = options.run === undefined ? undefined : fromRun(options.workspace, options.run);
  const adapters = [
    ...(ofRun?.adapters ?? []),
    ...options.adapter.map(namedPath).map((a) => adapterHere(a.name, a.path)),
  ];
  const model = modelOf(options.model, ofRun?.base, box.base, options.job);
  const tell = noticesOf(options);
  endWithEditor();
  const opened = await openBoxHere(box);
  try {
    const serving = await serveOnBox({
      box,
      opened,
      boxFolder: join(packageRoot(), 'box'),
      ...(model === undefined ? {} : { model }),
      adapters,
      ...(options.job === undefined ? {} : { job: options.job }),
      server,
      ...(options.program === undefined ? {} : { program: options.program }),
      command,
      contextLength: options.context ?? 4608,
      leaseSeconds: options.lease * 60,
      seed: 1,
      onProgress: tell,
      onProblem: tell,
      signal,
    });
    print(name, serving, options);
    const left = new Promise<'left'>((done) => signal.addEventListener('abort', () => done('left'), { once: true }));
    const end = signal.aborted ? 'left' : await Promise.race([serving.ended, left]);
    if (end === 'left') {
      if (options.keep === true) serving.close();
      else await serving.stop();
      return exitCodes.ok;
    }
    if (end !== undefined) throw end;
    return exitCodes.server;
  } finally {
    await opened.close();
  }
}

function print(
  box: string,
  { baseURL, apiKey, baseModel, adapters, server, id }: ServedOnBox,
  options: ServeOptions,
): void {
  if (options.json === true) {
    printJson({ type: 'serving', box, job: id, server, baseURL, apiKey, baseModel, adapters });
    return;
  }
  process.stdout.write(
    `Serving from ${box} (${server}, job ${box}/${id})\n  address  ${baseURL}\n  key      ${apiKey}\n`,
  );
  process.stdout.write(`  ${baseModel.padEnd(24)} the model without an adapter\n`);
  for (const { model, verdict } of adapters)
    process.stdout.write(`${marks.get(verdict.ok) ?? ' '} ${model.padEnd(24)} ${verdict.message}\n`);
}

/** The newest adapters of a run, and the base that they were trained on. */
function fromRun(workspace: string, run: string): { base: string; adapters: readonly AdapterSource[] } {
  const folder = new RunFolder(runsFolder(resolve(workspace)), run);
  const record = folder.record();
  const { training } = Settings.parse(record.settings);
  const jobs = join(folder.path, 'jobs');
  const [out] = (existsSync(jobs) ? readdirSync(jobs) : [])
    .map((id) => join(jobs, id, 'out'))
    .filter((path) => existsSync(join(path, 'manifest.json')))
    .toSorted((a, b) => statSync(join(b, 'manifest.json')).mtimeMs - statSync(join(a, 'manifest.json')).mtimeMs);
  if (out === undefined)
    throw new UsageError(
      `Run "${run}" has trained no adapters yet. Train them with: autoact train --resume ${run} --box NAME`,
    );
  const names = readdirSync(out).filter((name) => existsSync(join(out, name, 'adapter_config.json')));
  return {
    base:
      training.base === undefined
        ? join(packageRoot(), 'starter', 'weights')
        : resolve(dirname(resolve(workspace, record.taskFile)), training.base),
    adapters: names.map((name) => adapterHere(name, join(out, name))),
  };
}

function modelOf(
  text: string | undefined,
  ofRun: string | undefined,
  onBox: string | undefined,
  job: string | undefined,
): ServeOnBoxOptions['model'] {
  if (text?.startsWith('box:') === true) return { onBox: text.slice('box:'.length) };
  if (text !== undefined) {
    const here = resolve(text);
    if (!existsSync(join(here, 'config.json')))
      throw new UsageError(
        `There is no model in Hugging Face form at ${here} (no config.json). One on the box is named as box:/PATH.`,
      );
    return { here };
  }
  if (job !== undefined) return undefined;
  if (onBox !== undefined) return { onBox };
  return ofRun === undefined ? undefined : { here: ofRun };
}
