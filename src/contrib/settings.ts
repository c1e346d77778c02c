/**
 * Every setting with its type and default, once; the manifest's `contributes.configuration` is checked against this
 * list by a unit test.
 */

/** Where a role's model is served. `embedded` is the server that comes with the extension. */
export interface ServerSetting {
  /** `embedded`, or the base URL of a server with OpenAI's HTTP API, such as `http://localhost:8000/v1`. */
  readonly url: string;
  /** Model name on that server; left out for the embedded server's starter model. */
  readonly model?: string;
}

export interface Settings {
  servers: Readonly<Record<string, ServerSetting>>;
  mode: 'fixed' | 'reference';
  seed: number;
  concurrency: number;
  python: string;
  box: string;
  databaseSize: number;
  generatePerRound: number;
  toolCount: number;
  maxSteps: number;
  epochs: number;
  loraRank: number;
  evaluationLimit: number;
  'dashboard.openOnRun': boolean;
  'trace.openRawRequests': 'beside' | 'active';
  'log.runner': 'all' | 'problems';
}

export type SettingId = keyof Settings;
export const settingsSection = 'autoact';

/** Scope as VS Code names it: `machine` settings cannot be redirected by a repository. */
export type SettingScope = 'machine-overridable' | 'machine' | 'resource' | 'window' | 'application';

interface SettingSpec<T> {
  readonly scope: SettingScope;
  readonly value: T;
  /** Name of the run's setting that it gives (`--setting NAME=VALUE`); absent for what concerns the editor only. */
  readonly run?: string;
  /** Has no effect from an untrusted workspace's settings. */
  readonly restricted?: boolean;
}

export const settings: { readonly [K in SettingId]: SettingSpec<Settings[K]> } = {
  servers: { scope: 'machine-overridable', value: {}, restricted: true },
  mode: { scope: 'resource', value: 'fixed' },
  seed: { scope: 'resource', value: 1, run: 'seed' },
  concurrency: { scope: 'resource', value: 64, run: 'concurrency' },
  python: { scope: 'machine-overridable', value: '', run: 'python', restricted: true },
  box: { scope: 'machine-overridable', value: 'local', restricted: true },
  databaseSize: { scope: 'resource', value: 0, run: 'databaseSize' },
  generatePerRound: { scope: 'resource', value: 0, run: 'generatePerRound' },
  toolCount: { scope: 'resource', value: 0, run: 'toolCount' },
  maxSteps: { scope: 'resource', value: 0, run: 'maxSteps' },
  epochs: { scope: 'resource', value: 0, run: 'epochs' },
  loraRank: { scope: 'resource', value: 0, run: 'loraRank' },
  evaluationLimit: { scope: 'resource', value: 0, run: 'evaluationLimit' },
  'dashboard.openOnRun': { scope: 'window', value: true },
  'trace.openRawRequests': { scope: 'window', value: 'beside' },
  'log.runner': { scope: 'window', value: 'problems' },
};

export const settingIds = Object.keys(settings) as SettingId[];
