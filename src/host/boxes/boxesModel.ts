import type { BoxStatus, JobSummary, ServingEvent } from '../../core/box/boxStatus.ts';
import { treeContext } from '../../contrib/ids.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { Configuration } from '../../protocol/dashboard.ts';

/** What this window knows of a box. */
export interface BoxState {
  readonly name: string;
  readonly host: string;
  readonly connection: 'idle' | 'connecting' | 'connected' | 'unreachable' | 'failed';
  readonly status?: BoxStatus;
  /** Why it is unreachable or failed. */
  readonly problem?: string;
  /** Servers that this window has a port to. */
  readonly served: readonly ServingEvent[];
}

export type BoxesNode =
  /** The list of boxes cannot be read. */
  | { readonly kind: 'problem'; readonly message: string }
  | { readonly kind: 'box'; readonly box: BoxState }
  | { readonly kind: 'job'; readonly box: BoxState; readonly job: JobSummary; readonly serving?: ServingEvent }
  | {
      readonly kind: 'adapter';
      readonly box: BoxState;
      readonly adapter: ServingEvent['adapters'][number];
      readonly job: string;
    };

/** How a node looks; the tree makes the editor's item of it. */
export interface BoxesItem {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly icon: string;
  readonly colour?: string;
  readonly context?: string;
  readonly open: 'leaf' | 'closed' | 'open';
}

export function childrenOf(boxes: readonly BoxState[], node: BoxesNode | undefined): readonly BoxesNode[] {
  if (node === undefined) return boxes.map((box) => ({ kind: 'box', box }));
  if (node.kind === 'box') {
    const { box } = node;
    return (box.status?.jobs ?? []).map((job) => {
      const serving = box.served.find((one) => one.job === job.id);
      return { kind: 'job', box, job, ...(serving === undefined ? {} : { serving }) };
    });
  }
  if (node.kind === 'job')
    return (node.serving?.adapters ?? []).map((adapter) => ({
      kind: 'adapter',
      box: node.box,
      adapter,
      job: node.job.id,
    }));
  return [];
}

export function itemOf(node: BoxesNode): BoxesItem {
  switch (node.kind) {
    case 'problem':
      return {
        id: 'problem',
        label: 'The boxes cannot be listed',
        description: line(node.message),
        tooltip: line(node.message, 1000),
        icon: 'warning',
        colour: 'list.warningForeground',
        open: 'leaf',
      };
    case 'box':
      return boxItem(node.box);
    case 'job':
      return jobItem(node.box, node.job, node.serving);
    case 'adapter':
      return adapterItem(node.box, node.job, node.adapter);
  }
}

const boxIcons: Readonly<Record<BoxState['connection'], readonly [icon: string, colour?: string]>> = {
  idle: ['vm-outline'],
  connecting: ['loading~spin'],
  connected: ['vm-active', 'testing.iconPassed'],
  unreachable: ['debug-disconnect', 'list.warningForeground'],
  failed: ['error', 'testing.iconFailed'],
};

function boxItem(box: BoxState): BoxesItem {
  const { name, host, connection, status, problem } = box;
  const [icon, colour] = boxIcons[connection];
  const said: Readonly<Record<BoxState['connection'], string>> = {
    idle: `${host}, not connected`,
    connecting: `${host}, connecting…`,
    connected: status === undefined ? host : machine(status),
    unreachable: `${host}, does not answer; it is tried again, and jobs go on there`,
    failed: `${host}, ${problem ?? 'failed'}`,
  };
  const gpus = (status?.gpus ?? []).map(
    (gpu) => `${gpu.name}: ${gpu.memoryUsed ?? '?'} of ${gpu.memoryTotal ?? '?'} MiB taken, ${gpu.busy ?? '?'} % busy`,
  );
  return {
    id: `box:${name}`,
    label: name,
    description: line(said[connection]),
    tooltip: [`${name} (${host})`, ...gpus, ...(problem === undefined ? [] : [problem])]
      .map((text) => line(text, 1000))
      .join('\n'),
    icon,
    ...(colour === undefined ? {} : { colour }),
    context: connection === 'idle' || connection === 'failed' ? treeContext.boxIdle : treeContext.boxConnected,
    open: (status?.jobs.length ?? 0) > 0 ? 'open' : 'leaf',
  };
}

function machine({ gpus, disk, jobs }: BoxStatus): string {
  const busy = gpus.map((gpu) => `${gpu.busy ?? '?'} %`).join(', ');
  const [first] = gpus;
  const graphics =
    first === undefined ? 'no GPU' : `${gpus.length > 1 ? `${gpus.length} × ` : ''}${first.name} (${busy} busy)`;
  return `${graphics}, ${Math.round(disk.free / 1e9)} GB of disk free${jobs.length === 0 ? ', no jobs' : ''}`;
}

const jobIcons: Readonly<Record<JobSummary['state'], readonly [icon: string, colour?: string]>> = {
  waiting: ['clock'],
  running: ['loading~spin'],
  finished: ['pass', 'testing.iconPassed'],
  failed: ['error', 'testing.iconFailed'],
  cancelled: ['circle-slash'],
  vanished: ['debug-disconnect', 'list.warningForeground'],
  unreadable: ['warning', 'list.warningForeground'],
};

function jobItem(box: BoxState, job: JobSummary, serving: ServingEvent | undefined): BoxesItem {
  const serves = job.kind === 'serve';
  const live = job.state === 'running' || job.state === 'waiting';
  const [icon, colour] =
    serves && job.state === 'running' ? (['broadcast', 'testing.iconPassed'] as const) : jobIcons[job.state];
  const parts = [stateText(job), ...(serves ? [serving?.baseURL ?? job.server ?? ''] : [progressText(job)])];
  const context = serves
    ? serving !== undefined
      ? treeContext.jobServed
      : live
        ? treeContext.jobServing
        : treeContext.jobEnded
    : live
      ? treeContext.jobTraining
      : job.state === 'finished'
        ? treeContext.jobTrained
        : treeContext.jobEnded;
  const adapters = Object.entries(job.adapters).map(([name, { step, steps, loss, heldOut }]) =>
    [
      name,
      typeof steps === 'number' ? `step ${step ?? 0} of ${steps}` : '',
      typeof loss === 'number' ? `loss ${loss.toFixed(4)}` : '',
      typeof heldOut === 'number' ? `held out ${heldOut.toFixed(4)}` : '',
    ]
      .filter((text) => text !== '')
      .join(', '),
  );
  return {
    id: `job:${box.name}:${job.id}`,
    label: `${serves ? 'Server' : 'Training'} ${job.id}`,
    description: line(parts.filter((text) => text !== '').join(', ')),
    tooltip: [
      `${box.name}/${job.id}, ${stateText(job)}`,
      ...(typeof job.queue?.reason === 'string' ? [`Queue: ${job.queue.state}, ${job.queue.reason}`] : []),
      ...adapters,
      ...(typeof job.error === 'string' ? [job.error] : []),
    ]
      .map((text) => line(text, 1000))
      .join('\n'),
    icon,
    ...(colour === undefined ? {} : { colour }),
    context,
    open: (serving?.adapters.length ?? 0) > 0 ? 'open' : 'leaf',
  };
}

function stateText({ state, queue, rc }: JobSummary): string {
  if (state === 'waiting' && typeof queue?.place === 'number') return `waiting, number ${queue.place} in the queue`;
  if (state === 'vanished') return 'vanished: killed, or the machine was restarted; training it again goes on';
  return state === 'failed' && typeof rc === 'number' ? `failed (exit code ${rc})` : state;
}

/** Over all adapters: share of the steps, and the newest losses. */
function progressText({ adapters }: JobSummary): string {
  const all = Object.entries(adapters);
  const steps = all.reduce((sum, [, one]) => sum + (one.steps ?? 0), 0);
  const done = all.reduce((sum, [, one]) => sum + (one.step ?? 0), 0);
  const losses = all.flatMap(([name, { loss }]) => (typeof loss === 'number' ? [`${name} ${loss.toFixed(3)}`] : []));
  return [
    steps === 0 ? '' : `${Math.floor((100 * done) / steps)} %`,
    losses.length === 0 ? '' : `loss ${losses.join(', ')}`,
  ]
    .filter((text) => text !== '')
    .join(', ');
}

function adapterItem(
  box: BoxState,
  job: string,
  { name, model, verdict }: ServingEvent['adapters'][number],
): BoxesItem {
  const [icon, colour, said] =
    verdict.ok === true
      ? ['pass', 'testing.iconPassed', 'answers as trained']
      : verdict.ok === false
        ? ['error', 'testing.iconFailed', 'does not answer as trained: not to be used']
        : ['question', undefined, 'not verified'];
  return {
    id: `adapter:${box.name}:${job}:${model}`,
    label: line(name, 80),
    description: `${line(model, 80)}, ${said}`,
    tooltip: line(verdict.message, 1000),
    icon,
    ...(colour === undefined ? {} : { colour }),
    open: 'leaf',
  };
}

/**
 * A task's configuration in which the agents are answered by these adapters. The Meta-Agent stays where it is: it has
 * no adapter. undefined when no adapter is an agent's.
 */
export function withAdapters(configuration: Configuration, serving: ServingEvent): Configuration | undefined {
  const models = new Map(serving.adapters.map(({ name, model }) => [name, model]));
  if (!configuration.servers.some(({ role }) => models.has(role))) return undefined;
  return {
    ...configuration,
    servers: configuration.servers.map((server) => {
      const model = models.get(server.role);
      return model === undefined ? server : { role: server.role, kind: 'url', url: serving.baseURL, model };
    }),
  };
}

const line = (text: string, limit = 200): string => visibleLine(text, limit);
