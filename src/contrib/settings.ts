/**
 * Every setting with its type and default, once; the manifest's `contributes.configuration` is checked against this
 * list by a unit test.
 */

/** Where a role's model is served. */
export interface ServerSetting {
  /** Base URL of a server with OpenAI's HTTP API, such as `http://localhost:8000/v1`. */
  readonly url: string;
  /** Model name on that server. */
  readonly model?: string;
}

export interface Settings {
  servers: Readonly<Record<string, ServerSetting>>;
  mode: 'fixed' | 'reference';
  seed: number;
  concurrency: number | null;
  python: string;
  box: string;
  'selfInstruct.instances': number | null;
  'toolSelection.count': number | null;
  'synthesis.rollouts': number | null;
  'filter.trajectories': number | null;
  'training.epochs': number | null;
  'training.rank': number | null;
  'planning.maxSteps': number | null;
  'evaluation.perLevel': number | null;
  'evaluation.samples': number | null;
  'dashboard.openOnRun': boolean;
}

export type SettingId = keyof Settings;
export const settingsSection = 'autoact';

/** Scope as VS Code names it: `machine` settings cannot be redirected by a repository. */
export type SettingScope = 'machine-overridable' | 'machine' | 'resource' | 'window' | 'application';

interface SettingSpec<T> {
  readonly scope: SettingScope;
  readonly value: T;
  /** Has no effect from an untrusted workspace's settings. */
  readonly restricted?: boolean;
}

export const settings: { readonly [K in SettingId]: SettingSpec<Settings[K]> } = {
  servers: { scope: 'machine-overridable', value: {}, restricted: true },
  mode: { scope: 'resource', value: 'fixed' },
  seed: { scope: 'resource', value: 1 },
  concurrency: { scope: 'resource', value: null },
  python: { scope: 'machine-overridable', value: '', restricted: true },
  box: { scope: 'machine-overridable', value: 'local', restricted: true },
  'selfInstruct.instances': { scope: 'resource', value: null },
  'toolSelection.count': { scope: 'resource', value: null },
  'synthesis.rollouts': { scope: 'resource', value: null },
  'filter.trajectories': { scope: 'resource', value: null },
  'training.epochs': { scope: 'resource', value: null },
  'training.rank': { scope: 'resource', value: null },
  'planning.maxSteps': { scope: 'resource', value: null },
  'evaluation.perLevel': { scope: 'resource', value: null },
  'evaluation.samples': { scope: 'resource', value: null },
  'dashboard.openOnRun': { scope: 'window', value: true },
};

export const settingIds = Object.keys(settings) as SettingId[];

/**
 * Settings that stand for a setting of the run with the same path. Empty means that the task card's value holds, or
 * else the default that the text names.
 */
export interface RunField {
  readonly id: SettingId;
  readonly label: string;
  readonly description: string;
  readonly defaultText: string;
}

export const runFields: readonly RunField[] = [
  {
    id: 'selfInstruct.instances',
    label: 'Database size',
    description: 'Question-answer pairs that self-instruct grows.',
    defaultText: 'task card, else 800',
  },
  {
    id: 'toolSelection.count',
    label: 'Tools',
    description: 'Tools that the Meta-Agent selects.',
    defaultText: 'task card, else 3',
  },
  {
    id: 'synthesis.rollouts',
    label: 'Rollouts',
    description: 'Trajectories sampled for each pair.',
    defaultText: 'task card, else 1',
  },
  {
    id: 'filter.trajectories',
    label: 'Kept trajectories',
    description: 'Trajectories that training uses at most.',
    defaultText: 'task card, else 200',
  },
  {
    id: 'training.epochs',
    label: 'Epochs',
    description: 'Passes over the training data for each adapter.',
    defaultText: 'task card, else 5',
  },
  {
    id: 'training.rank',
    label: 'LoRA rank',
    description: 'Rank of the three adapters.',
    defaultText: 'task card, else 8',
  },
  {
    id: 'planning.maxSteps',
    label: 'Steps',
    description: 'Steps of group planning for a question, at most.',
    defaultText: 'task card, else 10',
  },
  {
    id: 'evaluation.perLevel',
    label: 'Questions a level',
    description: '0 evaluates all of them.',
    defaultText: 'task card, else all',
  },
  {
    id: 'evaluation.samples',
    label: 'Samples',
    description: 'Runs of each evaluation question; its score is their mean.',
    defaultText: 'task card, else 1',
  },
  {
    id: 'concurrency',
    label: 'Concurrency',
    description: 'Questions under way at once.',
    defaultText: 'task card, else as many as the server takes',
  },
];
