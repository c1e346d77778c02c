import type { Configuration } from '../../protocol/dashboard.ts';

/** Arguments of the command line and environment that a configuration stands for. */
export interface RunnerArguments {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Pure, so that what the editor asks of the command line can be tested without an editor. */
export function runnerArguments(
  configuration: Configuration,
  keyOf: (url: string) => string | undefined,
): RunnerArguments {
  const args: string[] = [];
  const env: Record<string, string> = {};
  const set = (path: string, value: unknown): void => {
    args.push('--setting', `${path}=${JSON.stringify(value)}`);
  };
  set('mode', configuration.mode);
  set('seed', configuration.seed);
  if (configuration.box !== '') set('training.box', configuration.box);
  for (const server of configuration.servers) {
    if (server.kind === 'embedded') {
      if (server.model !== '') set(`roles.${server.role}`, { server: 'embedded', model: server.model });
      continue;
    }
    if (server.kind === 'vscode') {
      set(`servers.${server.role}`, { kind: 'vscode' });
      set(`roles.${server.role}`, { server: server.role, model: server.model });
      continue;
    }
    // One server entry a role: two roles on one address then have limits of their own, and renaming none can clash.
    const variable = `AUTOACT_KEY_${server.role.toUpperCase().replace(/\W/g, '_')}`;
    const key = keyOf(server.url);
    if (key !== undefined) env[variable] = key;
    set(`servers.${server.role}`, { baseURL: server.url, ...(key === undefined ? {} : { apiKeyVariable: variable }) });
    set(`roles.${server.role}`, { server: server.role, ...(server.model === '' ? {} : { model: server.model }) });
  }
  for (const [path, text] of Object.entries(configuration.settings)) {
    if (text.trim() === '') continue;
    const number = Number(text);
    set(path, Number.isFinite(number) ? number : text);
  }
  if (configuration.python !== '') env['AUTOACT_PYTHON'] = configuration.python;
  return { args, env };
}
