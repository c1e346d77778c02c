import * as l10n from '@vscode/l10n';
import type { BoxStatus, JobSummary, ServingEvent } from '../../core/box/boxStatus.ts';
import { localBox, readGpuAfter } from '../../core/box/boxStatus.ts';
import { treeContext } from '../../contrib/ids.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { Configuration } from '../../protocol/dashboard.ts';
import { stateName } from '../../protocol/words.ts';

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
  /** Jobs that this window has told to stop, and of which the box has not said yet that they have. */
  readonly stopping?: readonly string[];
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
        label: l10n.t('The boxes cannot be listed'),
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
    idle: l10n.t('{0}, not connected', host),
    connecting: l10n.t('{0}, connecting…', host),
    connected: status === undefined ? host : machine(status),
    unreachable: l10n.t('{0}, does not answer; it is tried again, and jobs go on there', host),
    failed: `${host}, ${problem ?? l10n.t('failed')}`,
  };
  const gpus = (status?.gpus ?? []).map((gpu) =>
    l10n.t(
      '{0}: {1} of {2} MiB taken, {3} % busy',
      gpu.name,
      gpu.memoryUsed ?? '?',
      gpu.memoryTotal ?? '?',
      gpu.busy ?? '?',
    ),
  );
  const opened = (status?.jobs.length ?? 0) > 0 ? 'open' : 'leaf';
  return {
    // A node that was a leaf stays closed when it has got children, unless it is another one then.
    id: `box:${name}:${opened}`,
    label: name === localBox ? l10n.t('This machine') : name,
    description: line(said[connection]),
    tooltip: [`${name} (${host})`, ...gpus, ...(problem === undefined ? [] : [problem])]
      .map((text) => line(text, 1000))
      .join('\n'),
    icon,
    ...(colour === undefined ? {} : { colour }),
    context:
      name === localBox
        ? treeContext.boxHere
        : connection === 'idle' || connection === 'failed'
          ? treeContext.boxIdle
          : treeContext.boxConnected,
    open: opened,
  };
}

function machine({ gpus, disk, jobs }: BoxStatus): string {
  const busy = gpus.map((gpu) => `${gpu.busy ?? '?'} %`).join(', ');
  const [first] = gpus;
  const graphics =
    first === undefined
      ? l10n.t('no GPU')
      : l10n.t('{0} ({1} busy)', gpus.length > 1 ? `${gpus.length} × ${first.name}` : first.name, busy);
  const free = l10n.t('{0} GB of disk free', Math.round(disk.free / 1e9));
  return [graphics, free, ...(jobs.length === 0 ? [l10n.t('no jobs')] : [])].join(', ');
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
  const stopping = box.stopping?.includes(job.id) === true;
  const live = job.state === 'running' || job.state === 'waiting';
  const [icon, colour] =
    serves && job.state === 'running' && !stopping
      ? (['broadcast', 'testing.iconPassed'] as const)
      : jobIcons[job.state];
  const state = stopping ? l10n.t('stopping') : stateText(job);
  const parts = [state, ...(serves ? [stopping ? '' : (serving?.baseURL ?? job.server ?? '')] : [progressText(job)])];
  const context = stopping
    ? treeContext.jobEnded
    : serves
      ? serving !== undefined
        ? treeContext.jobServed
        : live
          ? treeContext.jobServing
          : treeContext.jobEnded
      : live
        ? treeContext.jobTraining
        : job.state === 'finished'
          ? box.name === localBox
            ? treeContext.jobTrainedHere
            : treeContext.jobTrained
          : job.state === 'unreadable'
            ? treeContext.jobEnded
            : treeContext.jobHalted;
  const adapters = Object.entries(job.adapters).map(([name, { step, steps, loss, heldOut }]) =>
    [
      name,
      typeof steps === 'number' ? l10n.t('step {0} of {1}', step ?? 0, steps) : '',
      typeof loss === 'number' ? l10n.t('loss {0}', loss.toFixed(4)) : '',
      typeof heldOut === 'number' ? l10n.t('held out {0}', heldOut.toFixed(4)) : '',
    ]
      .filter((text) => text !== '')
      .join(', '),
  );
  const opened = (serving?.adapters.length ?? 0) > 0 ? 'open' : 'leaf';
  return {
    id: `job:${box.name}:${job.id}:${opened}`,
    label: serves ? l10n.t('Server {0}', job.id) : l10n.t('Training {0}', job.id),
    description: line(parts.filter((text) => text !== '').join(', ')),
    tooltip: [
      `${box.name}/${job.id}, ${state}`,
      ...(typeof job.queue?.reason === 'string' ? [l10n.t('Queue: {0}, {1}', job.queue.state, job.queue.reason)] : []),
      ...adapters,
      ...(typeof job.run === 'string' ? [l10n.t('Run {0}', job.run)] : []),
      ...(typeof job.gpu === 'string' ? [readGpuAfter(job.gpu).message] : []),
      ...(typeof job.error === 'string' ? [job.error] : []),
    ]
      .map((text) => line(text, 1000))
      .join('\n'),
    icon,
    ...(colour === undefined ? {} : { colour }),
    context,
    open: opened,
  };
}

function stateText({ state, queue, rc }: JobSummary): string {
  if (state === 'waiting' && typeof queue?.place === 'number')
    return l10n.t('waiting, number {0} in the queue', queue.place);
  if (state === 'vanished') return l10n.t('vanished: killed, or the machine was restarted; training it again goes on');
  return state === 'failed' && typeof rc === 'number' ? l10n.t('failed (exit code {0})', rc) : stateName(state);
}

/** Over all adapters: share of the steps, and the newest losses. */
function progressText({ adapters }: JobSummary): string {
  const all = Object.entries(adapters);
  const steps = all.reduce((sum, [, one]) => sum + (one.steps ?? 0), 0);
  const done = all.reduce((sum, [, one]) => sum + (one.step ?? 0), 0);
  const losses = all.flatMap(([name, { loss }]) => (typeof loss === 'number' ? [`${name} ${loss.toFixed(3)}`] : []));
  return [
    steps === 0 ? '' : `${Math.floor((100 * done) / steps)} %`,
    losses.length === 0 ? '' : l10n.t('loss {0}', losses.join(', ')),
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
      ? ['pass', 'testing.iconPassed', l10n.t('answers as trained')]
      : verdict.ok === false
        ? ['error', 'testing.iconFailed', l10n.t('does not answer as trained: not to be used')]
        : ['question', undefined, l10n.t('not verified')];
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
