import * as vscode from 'vscode';
import { runFields, settings, settingsSection } from '../../contrib/settings.ts';
import type { SettingId, Settings } from '../../contrib/settings.ts';
import { Configuration } from '../../protocol/dashboard.ts';

export const roles = ['meta', 'plan', 'tool', 'reflect'] as const;

/** What a task is run with: the editor's settings, changed by what was chosen in its dashboard. */
export class Configurations {
  private readonly state: vscode.Memento;
  private readonly log: vscode.LogOutputChannel;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel) {
    this.state = context.workspaceState;
    this.log = log;
  }

  get(taskFile: string): Configuration {
    const stored = this.state.get<unknown>(`configuration:${taskFile}`);
    if (stored !== undefined) {
      const parsed = Configuration.safeParse(stored);
      if (parsed.success) return parsed.data;
      this.log.warn(`The stored configuration of ${taskFile} is not valid any more; the settings are used instead.`);
    }
    return this.fromSettings(taskFile);
  }

  async set(taskFile: string, configuration: Configuration): Promise<void> {
    await this.state.update(`configuration:${taskFile}`, configuration);
  }

  private fromSettings(taskFile: string): Configuration {
    const section = vscode.workspace.getConfiguration(settingsSection, vscode.Uri.file(taskFile));
    const read = <K extends SettingId>(id: K): Settings[K] => section.get<Settings[K]>(id) ?? settings[id].value;
    const servers = read('servers');
    return {
      servers: roles.map((role) => {
        const server = Object.hasOwn(servers, role) ? servers[role] : undefined;
        return server === undefined
          ? { role, kind: 'embedded' as const, url: '', model: '' }
          : { role, kind: 'url' as const, url: text(server.url), model: text(server.model) };
      }),
      mode: read('mode'),
      seed: read('seed'),
      box: read('box'),
      python: read('python'),
      settings: Object.fromEntries(runFields.map(({ id }) => [id, text(read(id))])),
    };
  }
}

/** A setting's value as text; people can write anything into a settings file. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
