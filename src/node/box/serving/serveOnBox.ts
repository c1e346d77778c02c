import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { JobError } from '../boxErrors.ts';
import type { Box } from '../boxes.ts';
import type { RemoteFiles } from '../boxFiles.ts';
import { readSmall } from '../boxFiles.ts';
import type { Job } from '../jobFolder.ts';
import type { Launcher } from '../launcher.ts';
import type { OpenBox } from '../openBox.ts';
import { folderOfJob } from '../jobList.ts';
import { persistently } from '../persist.ts';
import type { Preflight } from '../preflight.ts';
import { mustBeFit, mustHavePython, preflight } from '../preflight.ts';
import type { RemoteBox } from '../remoteJob.ts';
import { rootOf, sshJob, uploadModel } from '../remoteJob.ts';
import { slurmLauncher } from '../slurm/slurmLauncher.ts';
import type { SlurmSettings } from '../slurm/slurmSettings.ts';
import type { TransferOptions } from '../transfer.ts';
import { uploadFolder } from '../transfer.ts';
import type { AdapterSource } from './adapterSource.ts';
import { adaptersOfJob, servedName } from './adapterSource.ts';
import type { FoundServer, PlannedAdapter, ServePlan } from './serverCommand.ts';
import { ownCommand, sglangCommand, vllmCommand } from './serverCommand.ts';
import type { ServerKind, ServeSpec } from './serveJob.ts';
import type { Serving } from './servingSession.ts';
import { startServing } from './servingSession.ts';

export interface ServeOnBoxOptions {
  readonly box: Box;
  readonly opened: OpenBox;
  /** The folder box/ of this product. */
  readonly boxFolder: string;
  /** The base model: a folder of this machine, or one of the box. The box's own, or that of `job`, when left out. */
  readonly model?: { readonly here: string } | { readonly onBox: string };
  readonly adapters: readonly AdapterSource[];
  /** A finished training job on the box, whose adapters are served where they lie. */
  readonly job?: string;
  /** `auto`: vLLM or SGLang where there are one and a GPU, else the server that comes with this product. */
  readonly server: ServerKind | 'auto';
  /** vLLM's program, or the interpreter that has SGLang, when they are not found. */
  readonly program?: string;
  /** For the server `command`. */
  readonly command?: readonly string[];
  readonly contextLength: number;
  readonly leaseSeconds: number;
  readonly seed: number;
  readonly onProgress: (message: string) => void;
  readonly onProblem?: (message: string) => void;
  readonly signal?: AbortSignal;
}

export interface ServedOnBox extends Serving {
  readonly server: ServerKind;
  /** Id of the job on the box. */
  readonly id: string;
}

const Found = z.object({ program: z.string().max(4096), help: z.string().max(1 << 20) });
const Servers = z.object({ vllm: Found.nullable(), sglang: Found.nullable() });
type Servers = z.infer<typeof Servers>;
const Config = z.object({ max_position_embeddings: z.number().int().positive() });
const Base = z.object({ base: z.string().min(1).max(4096) });
const jsonLimit = 4 << 20;

/** Everything from a box's name to an address that answers for the adapters. @throws JobError, SshError, BoxError */
export async function serveOnBox(options: ServeOnBoxOptions): Promise<ServedOnBox> {
  const { box, opened, boxFolder, signal, onProgress } = options;
  const { files } = opened;
  onProgress(`connecting to ${box.name}`);
  const transfer: TransferOptions = {
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ file, done, total }) =>
      onProgress(
        `copying ${file.split('/').at(-1) ?? file}: ${total === 0 ? 100 : Math.floor((100 * done) / total)} %`,
      ),
  };
  const checked = await persistently(transfer, () => preflight(files, box, { boxFolder, ...transfer }));
  mustBeFit(box.name, checked);
  const python = checked.python ?? box.python ?? 'python3';
  const remote: RemoteBox = { files, python, folder: box.folder };
  const root = await rootOf(remote, transfer);
  const { job: id } = options;
  // What is asked for is looked for before anything is copied.
  const trained = id === undefined ? undefined : await folderOfJob(files, root, box.name, id, signal);
  const adapters =
    trained === undefined
      ? options.adapters
      : [...(await adaptersOfJob(files, trained, `${box.name}/${id ?? ''}`, signal)), ...options.adapters];
  const { box: code } = await sshJob(remote, { ...transfer, boxFolder, id: 'serve' });
  const launcher = queueOf(options);

  const base = await placeBase(options, remote, trained, transfer);
  const planned: PlannedAdapter[] = [];
  for (const adapter of adapters)
    planned.push({
      model: servedName(adapter),
      rank: adapter.rank,
      path: await placeAdapter(remote, root, adapter, transfer),
    });

  const { server, gpu, freeMemory } = await chooseServer(options, checked, remote, code);
  const plan: ServePlan = {
    base,
    adapters: planned,
    contextLength: Math.min(options.contextLength, (await contextOf(files, base, signal)) ?? Infinity),
    seed: options.seed,
    ...(freeMemory === undefined ? {} : { freeMemory }),
    onNode: box.slurm !== undefined,
  };
  if (server.kind === 'transformers') mustHavePython(box.name, checked);
  const command =
    server.kind === 'vllm'
      ? vllmCommand(server.found, plan)
      : server.kind === 'sglang'
        ? sglangCommand(server.found, plan)
        : server.kind === 'command'
          ? ownCommand(options.command ?? [], plan)
          : undefined;
  if (command !== undefined && command.leftOut.length > 0)
    onProgress(`this ${server.kind} does not know ${command.leftOut.join(', ')}; its defaults hold`);
  const spec: ServeSpec = {
    kind: 'serve',
    server: server.kind,
    base,
    adapters: Object.fromEntries(planned.map(({ model, path }) => [model, path])),
    ...(command === undefined ? {} : { command: command.command }),
    leaseSeconds: options.leaseSeconds,
    ...(gpu === undefined ? {} : { gpu }),
    ...(launcher === undefined ? {} : { reach: 'login' }),
  };
  const name = `serve-${createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 10)}`;
  const folder = files.join(root, 'jobs', name);
  const job: Job = { files, python, box: code, folder, ...(launcher === undefined ? {} : { launcher }) };
  const serving = await startServing({
    box: opened,
    name: box.name,
    job,
    spec,
    adapters,
    onProgress,
    ...(options.onProblem === undefined ? {} : { onProblem: options.onProblem }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { ...serving, server: server.kind, id: name };
}

type Chosen =
  { readonly kind: 'vllm' | 'sglang'; readonly found: FoundServer } | { readonly kind: 'transformers' | 'command' };

async function chooseServer(
  options: ServeOnBoxOptions,
  checked: Preflight,
  { files, python }: RemoteBox,
  code: string,
): Promise<{ server: Chosen; gpu?: number; freeMemory?: number }> {
  const { server: wanted, onProgress, signal, box } = options;
  const device = box.slurm === undefined ? freest(checked) : ofNode(box.slurm);
  if (wanted === 'command' || wanted === 'transformers') return { server: { kind: wanted }, ...device };
  if (wanted === 'auto' && device === undefined) return { server: { kind: 'transformers' } };
  onProgress('looking for a server on the box');
  const interpreter = wanted === 'sglang' && options.program !== undefined ? options.program : python;
  const find = [python, files.join(code, 'serve.py'), 'find', interpreter];
  if (wanted === 'vllm' && options.program !== undefined) find.push(options.program);
  const done = await persistently(signal === undefined ? {} : { signal }, () =>
    files.exec(find, { timeoutMs: 600_000, ...(signal === undefined ? {} : { signal }) }),
  );
  const found: Servers = Servers.safeParse(parseJson(done.stdout)).data ?? { vllm: null, sglang: null };
  for (const kind of ['vllm', 'sglang'] as const) {
    const one = found[kind];
    if (one !== null && (wanted === kind || wanted === 'auto')) return { server: { kind, found: one }, ...device };
  }
  if (wanted !== 'auto')
    throw new JobError(
      'cannot-start',
      `Box "${box.name}": ${wanted === 'vllm' ? 'vLLM' : 'SGLang'} was not found, or does not tell its flags. Name it with --program, or use --server transformers.`,
    );
  onProgress('neither vLLM nor SGLang is there; the server that comes with AutoAct is slower');
  return { server: { kind: 'transformers' }, ...device };
}

/** A node runs what the queue gives it: no checkpoint to go on from, so nothing to begin anew behind the user's back. */
function queueOf({ box, opened }: ServeOnBoxOptions): Launcher | undefined {
  if (box.slurm === undefined) return undefined;
  // A server is one process, however many nodes a training takes.
  const settings = { ...box.slurm, nodes: 1 };
  return slurmLauncher({ host: opened.files.host, settings, requeue: false });
}

/** Of what is asked for; which GPU it is and how free, only the node knows. undefined without one. */
function ofNode({ gres, options = [] }: SlurmSettings): { gpu?: number; freeMemory?: number } | undefined {
  return [gres ?? '', ...options].some((asked) => /\bgpus?\b/.test(asked)) ? {} : undefined;
}

/** The GPU with the most free memory. */
function freest({ report }: Preflight): { gpu?: number; freeMemory?: number } | undefined {
  const gpus = (report.gpu?.gpus ?? []).toSorted((a, b) => (b.memoryFree ?? 0) - (a.memoryFree ?? 0));
  const [best] = gpus;
  if (best === undefined) return undefined;
  const { index, memoryFree, memoryTotal } = best;
  return {
    ...(index === null || gpus.length === 1 ? {} : { gpu: index }),
    ...(memoryFree === null || memoryTotal === null || memoryTotal === 0
      ? {}
      : { freeMemory: memoryFree / memoryTotal }),
  };
}

async function placeBase(
  { model, box }: ServeOnBoxOptions,
  remote: RemoteBox,
  trained: string | undefined,
  transfer: TransferOptions,
): Promise<string> {
  if (model !== undefined && 'here' in model) return uploadModel(remote, model.here, transfer);
  if (model !== undefined) return thereOn(remote, box, model.onBox, transfer.signal);
  if (trained !== undefined) {
    const { files } = remote;
    const spec = await readSmall(files, files.join(trained, 'spec.json'), jsonLimit, transfer.signal);
    const parsed = Base.safeParse(parseJson(spec));
    if (parsed.success) return parsed.data.base;
  }
  if (box.base !== undefined) return thereOn(remote, box, box.base, transfer.signal);
  throw new JobError(
    'cannot-start',
    `Box "${box.name}": there is no base model to serve. Name the one that the adapters were trained on with --model.`,
  );
}

/** A wrong path is told before anything is started. What only a cluster's node may see, the node says itself. */
async function thereOn({ files }: RemoteBox, box: Box, path: string, signal?: AbortSignal): Promise<string> {
  if (!path.startsWith('/') || box.slurm !== undefined) return path;
  if ((await files.stat(files.join(path, 'config.json'), signal)) !== undefined) return path;
  throw new JobError(
    'cannot-start',
    `Box "${box.name}": there is no model in Hugging Face form at ${path} there (no config.json). Name another with --model box:/PATH, or mend the box's: autoact box add … --base PATH`,
  );
}

async function placeAdapter(
  { files }: RemoteBox,
  root: string,
  adapter: AdapterSource,
  transfer: TransferOptions,
): Promise<string> {
  if ('onBox' in adapter.place) return adapter.place.onBox;
  const { here } = adapter.place;
  // Named by weights and settings: both decide what is served.
  const config = createHash('sha256')
    .update(readFileSync(join(here, 'adapter_config.json')))
    .digest('hex');
  const to = files.join(root, 'adapters', `${adapter.sha256.slice(0, 12)}-${config.slice(0, 8)}`);
  await uploadFolder(files, here, to, {
    ...transfer,
    filter: (name) => /^adapter_(config\.json|model\.safetensors)$/.test(name),
  });
  return to;
}

/** Tokens that the base was made for; undefined for one that lies nowhere on the box yet. */
async function contextOf(files: RemoteFiles, base: string, signal?: AbortSignal): Promise<number | undefined> {
  if (!base.startsWith('/')) return undefined;
  const config = Config.safeParse(
    parseJson(await readSmall(files, files.join(base, 'config.json'), jsonLimit, signal)),
  );
  return config.success ? config.data.max_position_embeddings : undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
