import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { Box } from '../../src/node/box/boxes.ts';
import { cancelJob, startJob } from '../../src/node/box/job.ts';
import type { Job } from '../../src/node/box/jobFolder.ts';
import type { OpenBox } from '../../src/node/box/openBox.ts';
import { openBox } from '../../src/node/box/openBox.ts';
import { findPython } from '../../src/node/box/pythonEnvironment.ts';
import { sshJob, uploadModel } from '../../src/node/box/remoteJob.ts';
import { memorySecrets } from '../../src/node/box/ssh/ports.ts';
import { starterLessons } from '../fixtures/starterLessons.ts';
import { writeConfig } from '../ssh/support.ts';
import { startEditor } from './codeServer.ts';
import type { Editor } from './codeServer.ts';
import { makeKey, processes, removeFolder, sshFolder, Sshd, withoutSshd } from './sshd.ts';

const root = join(import.meta.dirname, '..', '..');
const themes = ['light', 'dark', 'high contrast'] as const;
const python = process.env['AUTOACT_PYTHON'] ?? (await findPython());

/** For `describe(…, { skip })`: a reason, or false. */
export const withoutTraining: string | false =
  withoutSshd !== false ? withoutSshd : python === undefined && 'there is no Python environment (npm run setup)';
export const agents = ['plan', 'tool', 'reflect'];
export const limitMs = 240_000;

export interface TrainingOptions {
  readonly epochs: number;
  /** Puts a task into the workspace. */
  readonly prepare: (workspace: string) => void;
}

/** A window whose box is a real sshd, on which the starter model's three agents are trained; the job's panel is open. */
export class TrainingWindow {
  readonly folder = sshFolder();
  readonly workspace = join(this.folder, 'workspace');
  #server: Sshd | undefined;
  #box: OpenBox | undefined;
  #job: Job | undefined;
  #editor: Editor | undefined;
  #panel: Frame | undefined;

  static async open(options: TrainingOptions): Promise<TrainingWindow> {
    const made = new TrainingWindow();
    try {
      await made.#open(options);
      return made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  get job(): Job {
    return there(this.#job);
  }

  get editor(): Editor {
    return there(this.#editor);
  }

  get panel(): Frame {
    return there(this.#panel);
  }

  async #open({ epochs, prepare }: TrainingOptions): Promise<void> {
    const { folder, workspace } = this;
    mkdirSync(workspace);
    prepare(workspace);
    const key = makeKey(join(folder, 'key'));
    const config = ['SetEnv AUTOACT_WORKERS=1024'];
    this.#server = await Sshd.start({ folder: join(folder, 'server'), keys: [key], config });
    writeFileSync(join(folder, 'known_hosts'), this.#server.knownHost('box'));
    const lines = [`IdentityFile ${key}`, 'HostKeyAlias box'];
    const sshConfig = writeConfig(folder, [{ alias: 'box', port: this.#server.port, lines }]);
    const record = { name: 'gpu', host: 'box', sshConfig, folder: join(folder, 'remote'), python };
    await this.#train(record, epochs);
    delete process.env['XDG_CONFIG_HOME'];
    this.#editor = await startEditor({
      ...{ workspace, theme: 'light', size: { width: 1440, height: 1000 } },
      prepareHome: (home) => {
        mkdirSync(join(home, '.config', 'autoact'), { recursive: true });
        const boxes = JSON.stringify({ version: 1, boxes: [record] });
        writeFileSync(join(home, '.config', 'autoact', 'boxes.json'), boxes);
      },
    });
    const { page } = this.#editor;
    await page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await page.locator('.pane-header', { hasText: 'Boxes' }).click({ timeout: limitMs });
    await this.row(/^gpu/).hover({ timeout: limitMs });
    await this.row(/^gpu/).getByRole('button', { name: 'Connect to Box' }).click({ timeout: limitMs });
    await this.openJob('Training agents-1', 'pre.log');
  }

  async #train(record: Readonly<Record<string, unknown>>, epochs: number): Promise<void> {
    const silent = () => Promise.resolve(undefined);
    const ports = { askSecret: silent, acceptHostKey: () => Promise.resolve(false), secrets: memorySecrets() };
    const box = openBox(Box.parse(record), { ports, configFolder: join(this.folder, 'settings') });
    this.#box = box;
    const remote = { files: box.files, python: python ?? '', folder: join(this.folder, 'remote') };
    const { sets, settings } = await starterLessons({});
    const data: Readonly<Record<string, readonly unknown[]>> = { ...sets };
    this.#job = await sshJob(remote, { boxFolder: join(root, 'box'), id: 'agents-1' });
    await startJob(
      this.#job,
      {
        base: await uploadModel(remote, join(root, 'starter', 'weights')),
        adapters: Object.fromEntries(agents.map((name) => [name, { data: `data/${name}.jsonl` }])),
        ...{ epochs, learningRate: settings.training.learningRate, threads: 1, precision: 'float32' },
      },
      Object.fromEntries(
        Object.entries(data).map(([name, rows]) => [
          `data/${name}.jsonl`,
          rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
        ]),
      ),
    );
  }

  /** Opens the panel of a job by its line in the Boxes view; `shows` is a selector of what only this panel has. */
  async openJob(line: string | RegExp, shows: string): Promise<void> {
    await this.row(line).click({ timeout: limitMs });
    this.#panel = await this.editor.webview(shows, limitMs);
  }

  row(text: string | RegExp): Locator {
    return this.editor.page.locator('.monaco-list-row', { hasText: text }).first();
  }

  state(text: string): Promise<void> {
    return this.panel.locator('.facts .state', { hasText: text }).waitFor({ timeout: limitMs });
  }

  /** A button of the panel. */
  press(name: string): Promise<void> {
    return this.panel.locator('aat-button', { hasText: name }).click({ timeout: limitMs });
  }

  async pictures(name: string): Promise<void> {
    for (const theme of themes) {
      await this.editor.setTheme(theme);
      await this.editor.screenshot(`job-${name}-window-${theme.replace(' ', '-')}`);
    }
  }

  get jobs(): string {
    return join(this.folder, 'remote', 'jobs');
  }

  /** Processes that run and name this path of the box: without one also those that ask after its jobs. */
  left(path = join(this.folder, 'remote')): number[] {
    return [...processes()].flatMap(([pid, { command }]) => (command.includes(path) ? [pid] : []));
  }

  async close(): Promise<void> {
    await this.#editor?.close();
    if (this.#job !== undefined) await cancelJob(this.#job).catch(() => undefined);
    await this.#box?.close();
    await this.#server?.stop();
    // A server that a failed test has left.
    for (const pid of this.left()) process.kill(pid, 'SIGKILL');
    removeFolder(this.folder);
  }
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the window is not open yet');
  return value;
}
