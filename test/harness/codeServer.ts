/**
 * A real VS Code for tests: code-server's VS Code server, its window a page in Chromium. `startEditor` opens this
 * extension in it; the returned `Editor` is how a test drives and reads the window.
 */
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Frame, Page } from 'playwright-core';
import { startCodeServer, windowAddress } from '../../scripts/lib/codeServer.mjs';
import { inRoot, root } from '../../scripts/lib/project.mjs';
import { findChromium } from '../../scripts/lib/systemPackages.mjs';
import type { WatchedWindow } from './evidence.ts';
import { evidenceOf, unwatchWindow, watchWindow } from './evidence.ts';

export type Theme = 'light' | 'dark' | 'high contrast';

// Ids as settings have long spelled them: VS Code drops today's ids from the settings file on its first start.
const themes: Record<Theme, string> = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  'high contrast': 'Default High Contrast',
};
/** What the theme picker calls them, and the class that VS Code's window has in them. */
const themeLabels: Record<Theme, { label: string; marker: string }> = {
  light: { label: 'Light Modern', marker: '.vs' },
  dark: { label: 'Dark Modern', marker: '.vs-dark' },
  'high contrast': { label: 'Dark High Contrast', marker: '.hc-black' },
};

/** Generous: a machine that trains a model at the same time takes a minute to open a window. */
const startLimitMs = 180_000;

/** Quiet window: nothing that moves, asks or phones home, so that a screenshot shows our work alone. */
const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'extensions.ignoreRecommendations': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'security.workspace.trust.startupPrompt': 'never',
  'editor.cursorBlinking': 'solid',
  'window.commandCenter': false,
};

export interface EditorOptions {
  /** Absolute folder to open; without it a new empty folder is made and removed at the end. */
  readonly workspace?: string;
  /** False opens a window without any folder. Default true. */
  readonly folder?: boolean;
  /** Absolute path of a CommonJS file whose exported `run()` VS Code's extension host calls. */
  readonly extensionTests?: string;
  /** Absolute folders of other extensions that are installed beside ours. */
  readonly extensions?: readonly string[];
  /** User settings on top of the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** False opens the workspace in restricted mode. Default true. */
  readonly trusted?: boolean;
  readonly theme?: Theme;
  /** Puts files into the home folder of the window's programs before they start. */
  readonly prepareHome?: (home: string) => void;
  /** CSS pixels. Default 1280 by 800. */
  readonly size?: { readonly width: number; readonly height: number };
}

export interface Editor {
  readonly page: Page;
  readonly workspace: string;
  readonly hostLines: WatchedWindow['hostLines'];
  readonly webviewErrors: WatchedWindow['webviewErrors'];
  /** Exit code of the run that `extensionTests` started. */
  readonly testsExited: Promise<number>;
  /** Runs a command by its title, e.g. `AutoAct: Create Task Card`, through the palette. */
  runCommand(title: string): Promise<void>;
  /** Opens a file by its path from the workspace folder. */
  openFile(path: string): Promise<void>;
  setTheme(theme: Theme): Promise<void>;
  /** The inner frame of a webview whose document contains `selector`. */
  webview(selector: string, timeoutMs?: number): Promise<Frame>;
  /** What there is to see, as text for the log of a failure named `name`; a failing test of node:test gets it by itself. */
  evidence(name: string): Promise<string>;
  /** Saves test-results/screenshots/<name>.png and gives its path. */
  screenshot(name: string): Promise<string>;
  close(): Promise<void>;
}

/** Ends the server with everything it started: extension hosts, the runner, the engine. */
async function endGroup(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.pid === undefined) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  process.kill(-server.pid, 'SIGTERM');
  const timer = setTimeout(() => process.kill(-server.pid!, 'SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

export async function startEditor(options: EditorOptions = {}): Promise<Editor> {
  const scratch = mkdtempSync(join(tmpdir(), 'autoact-editor-'));
  for (const folder of ['workspace', 'home']) mkdirSync(join(scratch, folder));
  const workspace = options.workspace ?? join(scratch, 'workspace');
  const userDir = join(scratch, 'data', 'data', 'User');
  mkdirSync(userDir, { recursive: true });
  const settings = { ...quietSettings, 'workbench.colorTheme': themes[options.theme ?? 'light'], ...options.settings };
  writeFileSync(join(userDir, 'settings.json'), JSON.stringify(settings, null, 2));

  // VS Code makes the list of a new profile from what lies in its folder.
  for (const extension of options.extensions ?? [])
    cpSync(extension, join(scratch, 'data', 'extensions', `autoact-test.${basename(extension)}-1.0.0`), {
      recursive: true,
    });
  options.prepareHome?.(join(scratch, 'home'));

  let server: ChildProcess | undefined;
  let browser: Browser | undefined;
  // A test file that throws, or is ended, must not leave a VS Code behind.
  const orphaned = () => {
    if (server?.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL');
  };
  const ended = () => process.exit(143);
  process.once('exit', orphaned);
  process.once('SIGTERM', ended);
  let watched: WatchedWindow | undefined;
  const close = async () => {
    if (watched !== undefined) await unwatchWindow(watched);
    process.off('exit', orphaned);
    process.off('SIGTERM', ended);
    await browser?.close();
    if (server !== undefined) await endGroup(server);
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const started = await startCodeServer({
      dataDir: join(scratch, 'data'),
      home: join(scratch, 'home'),
      trusted: options.trusted ?? true,
    });
    server = started.server;
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('Chromium is missing: apt-get install chromium');
    browser = await chromium.launch({
      executablePath,
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
        ...['--disable-component-update', '--disable-sync'],
      ],
    });
    const page = await browser.newPage({ viewport: options.size ?? { width: 1280, height: 800 } });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    watched = { page, hostLines: [], webviewErrors: [], dataDir: join(scratch, 'data') };
    watchWindow(watched);
    return await openWindow(watched, started.port, { workspace, options, close });
  } catch (error) {
    await close();
    throw error;
  }
}

function hasTaskCard(folder: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((path) => path.endsWith('.task.json'));
}

interface WindowParts {
  readonly workspace: string;
  readonly options: EditorOptions;
  readonly close: () => Promise<void>;
}

async function openWindow(
  watched: WatchedWindow,
  port: number,
  { workspace, options, close }: WindowParts,
): Promise<Editor> {
  const { page, hostLines, webviewErrors } = watched;
  let exited: (code: number) => void = () => undefined;
  const testsExited = new Promise<number>((resolve) => (exited = resolve));
  await page.exposeFunction(
    'codeAutomationLog',
    (_kind: string, args: unknown[]) => void hostLines.push(args.map(String).join(' ')),
  );
  await page.exposeFunction('codeAutomationExit', (code: number) => exited(code));
  page.on('console', (message) => {
    const inWebview =
      /webview|vscode-resource/.test(message.location().url) || /Content Security Policy/.test(message.text());
    if (message.type() === 'error' && inWebview) webviewErrors.push(`${message.text()} (${message.location().url})`);
  });

  await page.goto(windowAddress(port, options.folder === false ? undefined : workspace, root, options.extensionTests), {
    timeout: startLimitMs,
  });
  // The theme comes from a built-in extension: once it is applied, extensions have been read.
  const { marker } = themeLabels[options.theme ?? 'light'];
  await page.waitForSelector(`.monaco-workbench${marker}[class*=vscode-theme-defaults] .part.statusbar`, {
    timeout: startLimitMs,
  });
  // The extension starts by itself where there are task cards and, in a trusted workspace, opens its walkthrough, which
  // takes the focus: a test that types before that types into nothing.
  if (options.extensionTests === undefined && options.trusted !== false && hasTaskCard(workspace))
    await page.locator('.tab', { hasText: 'Welcome' }).waitFor({ timeout: startLimitMs });

  const quickInput = page.locator('.quick-input-widget');
  const box = quickInput.locator('.quick-input-box input');
  /** Opens a quick pick by its keys, filters it and takes the row with exactly this label. */
  const pick = async (keys: readonly string[], filter: string, label: string) => {
    const exactly = new RegExp(`^${label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
    const row = quickInput
      .locator('.monaco-list-row')
      .filter({ has: page.locator('.label-name', { hasText: exactly }) })
      .first();
    // A busy window may lose a key, or close the pick when something else takes the focus: then it is opened again.
    for (let attempt = 1; ; attempt++)
      try {
        if (await quickInput.isVisible()) await page.keyboard.press('Escape');
        for (const key of keys) await page.keyboard.press(key);
        await box.fill(filter, { timeout: 5000 });
        await row.click({ timeout: 10_000 });
        return;
      } catch (error) {
        if (attempt === 4) throw new Error(`no row "${label}" for "${filter}"`, { cause: error });
      }
  };

  const editor: Editor = {
    page,
    workspace,
    hostLines,
    webviewErrors,
    testsExited,
    close,
    runCommand: (title) => pick(['F1'], `>${title}`, title),
    openFile: (path) => pick(['Control+p'], path, basename(path)),
    async setTheme(theme) {
      const { label, marker } = themeLabels[theme];
      await pick(['Control+k', 'Control+t'], label, label);
      await page.waitForSelector(`.monaco-workbench${marker}`, { timeout: 20_000 });
    },
    async webview(selector, timeoutMs = 30_000) {
      const deadline = Date.now() + timeoutMs;
      while (Date.now() < deadline) {
        for (const frame of page.frames())
          if (frame !== page.mainFrame() && (await frame.$(selector).catch(() => null)) !== null) return frame;
        await page.waitForTimeout(100);
      }
      throw new Error(`no webview shows ${selector} after ${timeoutMs} ms`);
    },
    evidence: (name) => evidenceOf(watched, name),
    async screenshot(name) {
      const path = inRoot('test-results', 'screenshots', `${name}.png`);
      await page.screenshot({ path, animations: 'disabled' });
      return path;
    },
  };
  return editor;
}
