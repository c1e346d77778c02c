import { JobError } from '../boxErrors.ts';

/** What is to be served, whichever server does it. */
export interface ServePlan {
  /** Folder on the box, or a name that the server can resolve there. */
  readonly base: string;
  readonly adapters: readonly PlannedAdapter[];
  /** Tokens of prompt and completion together. */
  readonly contextLength: number;
  readonly seed: number;
  /** Share of the GPU's memory that is free now, 0..1; undefined when it is not known. */
  readonly freeMemory?: number;
  /** On a node of a cluster, which is reached by its address. */
  readonly onNode?: boolean;
}

export interface PlannedAdapter {
  /** Name that it is served under; it tells its content, since prefix caches tell adapters apart by name alone. */
  readonly model: string;
  /** Folder on the box. */
  readonly path: string;
  readonly rank: number;
}

/** A server that was found on the box. */
export interface FoundServer {
  /** Absolute path of the program, or of the interpreter that has it. */
  readonly program: string;
  /** What it prints for `--help`. */
  readonly help: string;
}

export interface ServerCommand {
  /** Without a shell; `{host}` and `{port}` in it are replaced on the box. */
  readonly command: readonly string[];
  /** Flags that this version does not know and that can be done without. */
  readonly leftOut: readonly string[];
}

/** Name of the model without an adapter. */
export const baseModel = 'base';
/** Ranks that vLLM has kernels for, where its help does not list them. */
const usualRanks = [8, 16, 32, 64, 128, 256, 320, 512];

interface Flag {
  readonly name: string;
  readonly values?: readonly string[];
  /** Without it something else would be served. */
  readonly needed?: boolean;
}

/** Names of the flags that a help text mentions. */
export function flagsOf(help: string): ReadonlySet<string> {
  return new Set(Array.from(help.matchAll(/(?<![\w-])--[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*/g), ([flag]) => flag));
}

/** @throws JobError 'cannot-start' when this vLLM lacks what serving adapters needs */
export function vllmCommand(server: FoundServer, plan: ServePlan): ServerCommand {
  const { adapters } = plan;
  const count = String(adapters.length);
  return command(
    'vLLM',
    server,
    [server.program, 'serve', plan.base],
    [
      ...listening(plan),
      ...(adapters.length === 0
        ? []
        : [
            { name: '--enable-lora', needed: true },
            { name: '--lora-modules', values: adapters.map(({ model, path }) => `${model}=${path}`), needed: true },
            // Its default, 1, would compute one adapter at a time.
            { name: '--max-loras', values: [count] },
            { name: '--max-cpu-loras', values: [count] },
            { name: '--max-lora-rank', values: [String(vllmRank(server.help, adapters))], needed: true },
          ]),
      { name: '--max-model-len', values: [String(plan.contextLength)] },
      // What a model's own settings say must not take the place of what a request leaves out.
      { name: '--generation-config', values: ['vllm'] },
      ...memory('--gpu-memory-utilization', plan),
      { name: '--seed', values: [String(plan.seed)] },
    ],
  );
}

/** SGLang names an adapter `base:adapter` in a request. @throws JobError 'cannot-start' */
export function sglangCommand(server: FoundServer, plan: ServePlan): ServerCommand {
  const { adapters } = plan;
  const start = [server.program, '-m', 'sglang.launch_server'];
  return command('SGLang', server, start, [
    { name: '--model-path', values: [plan.base], needed: true },
    ...listening(plan),
    ...(adapters.length === 0
      ? []
      : [
          { name: '--enable-lora' },
          { name: '--lora-paths', values: adapters.map(({ model, path }) => `${model}=${path}`), needed: true },
          { name: '--max-loras-per-batch', values: [String(adapters.length + 1)] },
          { name: '--max-lora-rank', values: [String(Math.max(...adapters.map(({ rank }) => rank)))] },
        ]),
    { name: '--context-length', values: [String(plan.contextLength)] },
    { name: '--sampling-defaults', values: ['openai'] },
    ...memory('--mem-fraction-static', plan),
    { name: '--random-seed', values: [String(plan.seed)] },
  ]);
}

/**
 * A command of the user's. `{base}` in it becomes the base model, and an argument that is `{adapters}` one `name=folder`
 * for each adapter; on the box, the port comes for `{port}`, the address to listen at for `{host}`, and the key in
 * AUTOACT_API_KEY.
 * @throws JobError 'cannot-start'
 */
export function ownCommand(words: readonly string[], plan: ServePlan): ServerCommand {
  if (!words.some((word) => word.includes('{port}')))
    throw new JobError(
      'cannot-start',
      'The command of your own has no {port}: write it where the server is told its port, as in: --port {port}',
    );
  if (plan.onNode === true && !words.some((word) => word.includes('{host}')))
    throw new JobError(
      'cannot-start',
      'The command of your own has no {host}: on a node of a cluster it must listen where the login node reaches it, as in: --host {host}',
    );
  const adapters = plan.adapters.map(({ model, path }) => `${model}=${path}`);
  return {
    command: words.flatMap((word) => (word === '{adapters}' ? adapters : [word.replaceAll('{base}', plan.base)])),
    leftOut: [],
  };
}

function listening(plan: ServePlan): Flag[] {
  return [
    // Loopback, but on a node of a cluster. Other users reach such a port, and some of those on loopback: hence the key.
    { name: '--host', values: ['{host}'], needed: true },
    { name: '--port', values: ['{port}'], needed: true },
    { name: '--served-model-name', values: [baseModel], needed: plan.adapters.length > 0 },
  ];
}

/** A GPU that is partly taken is used as far as it is free; one that is free is left to the server's own default. */
function memory(name: string, { freeMemory }: ServePlan): Flag[] {
  if (freeMemory === undefined || freeMemory > 0.93) return [];
  return [{ name, values: [Math.max(0.05, Math.floor((freeMemory - 0.03) * 100) / 100).toFixed(2)] }];
}

function vllmRank(help: string, adapters: readonly PlannedAdapter[]): number {
  const listed = /--max-lora-rank\s+\{([\d,\s]+)\}/.exec(help)?.[1]?.split(',').map(Number);
  const ranks = (listed ?? usualRanks).toSorted((a, b) => a - b);
  const wanted = Math.max(...adapters.map(({ rank }) => rank));
  const rank = ranks.find((one) => one >= wanted);
  if (rank === undefined)
    throw new JobError(
      'cannot-start',
      `This vLLM serves adapters up to rank ${ranks.at(-1) ?? 0}, and one has rank ${wanted}. Train with a lower rank, or choose another server.`,
    );
  return rank;
}

function command(
  title: string,
  { program, help }: FoundServer,
  start: string[],
  flags: readonly Flag[],
): ServerCommand {
  const known = flagsOf(help);
  const missing = flags.filter(({ name }) => !known.has(name));
  const needed = missing.find((flag) => flag.needed === true);
  if (needed !== undefined)
    throw new JobError(
      'cannot-start',
      `The ${title} at ${program} does not know ${needed.name}, without which it would serve something else. Install a newer one, or choose another server.`,
    );
  return {
    command: [
      ...start,
      ...flags.filter((flag) => known.has(flag.name)).flatMap(({ name, values = [] }) => [name, ...values]),
    ],
    leftOut: missing.map(({ name }) => name),
  };
}
