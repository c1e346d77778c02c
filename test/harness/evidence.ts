/**
 * What there was to see when a test failed: the window's picture and words, and the ends of its logs. Every window that
 * `startEditor` opens is watched; no test has to do anything for it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, afterEach, beforeEach } from 'node:test';
import type { TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { inRoot, root } from '../../scripts/lib/project.mjs';

export interface WatchedWindow {
  readonly page: Page;
  /** Console lines of the extension host, oldest first. */
  readonly hostLines: string[];
  /** Errors in webviews' consoles, breaches of their content security policy among them, oldest first. */
  readonly webviewErrors: string[];
  /** Of VS Code's server: its data/logs holds the logs. */
  readonly dataDir: string;
}

/** Lines of a window with nothing wrong, and the numbers beside a text. */
const everyday =
  /connection token|socket|grace time|AgentHost|AccountPolicyGate|Service Worker|open-vsx|authentication provider|resource scoped configuration|_doActivateExtension vscode\.|^at .*vscode[\\/]out[\\/]|^\d+$/;
const logLines = 25;
const windowLines = 50;
/** A window that hangs must not hold up what is said of it. */
const patienceMs = 5000;

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim().slice(0, 200))
    .filter((line) => line !== '' && !everyday.test(line));

function section(title: string, found: readonly string[]): string[] {
  return found.length === 0 ? [] : [`  ${title}:`, ...found.map((line) => `    ${line}`)];
}

/** The extension host's own log and those of this extension's output channels, the newest host's. */
function logsOf(dataDir: string): string[] {
  const logs = join(dataDir, 'data', 'logs');
  if (!existsSync(logs)) return [];
  const files = readdirSync(logs, { recursive: true })
    .map(String)
    .filter((name) => /exthost\d+[\\/](remoteexthost|autoact\.autoact[\\/].*)\.log$/.test(name))
    .sort();
  return files.flatMap((name) => {
    const found = lines(readFileSync(join(logs, name), 'utf8')).slice(-logLines);
    return section(name.replace(/^[^\\/]*[\\/]/, ''), found);
  });
}

const within = <T>(work: Promise<T>, otherwise: T): Promise<T> =>
  Promise.race([
    work.catch(() => otherwise),
    new Promise<T>((done) => setTimeout(done, patienceMs, otherwise).unref()),
  ]);

/** The words in sight: of VS Code itself, then of each webview. */
async function wordsOf(page: Page): Promise<string[]> {
  const frames = page.frames().filter((frame) => !frame.url().includes('webWorkerExtensionHost'));
  const words = await Promise.all(
    frames.map((frame) => within(frame.locator('body').innerText({ timeout: patienceMs }), '')),
  );
  return words.flatMap((text, at) =>
    section(at === 0 ? 'window' : 'webview', [...new Set(lines(text))].slice(0, windowLines)),
  );
}

/** All of it as text; the picture goes to test-results/screenshots. */
export async function evidenceOf(window: WatchedWindow, name: string): Promise<string> {
  const path = inRoot(
    'test-results',
    'screenshots',
    `failed-${name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').slice(0, 80)}.png`,
  );
  const picture = await within(
    window.page.screenshot({ path, animations: 'disabled', timeout: patienceMs }).then(() => relative(root, path)),
    'none, the window does not answer',
  );
  return [
    `what there was when “${name}” failed; picture: ${picture}`,
    ...(await wordsOf(window.page)),
    ...section('errors in webviews', window.webviewErrors.slice(-logLines)),
    ...section('console of the extension host', window.hostLines.flatMap(lines).slice(-logLines)),
    ...logsOf(window.dataDir),
  ].join('\n');
}

const open = new Set<WatchedWindow>();
/** Windows in which no test has ended yet. */
const untested = new Set<WatchedWindow>();
let running: string | undefined;
/** Of windows that the running test has closed itself. */
let closed: string[] = [];

/** From its first moment, so that a window that does not open is seen as well. */
export function watchWindow(window: WatchedWindow): void {
  open.add(window);
  untested.add(window);
}

/** To be called before a window is closed. */
export async function unwatchWindow(window: WatchedWindow): Promise<void> {
  if (!open.delete(window)) return;
  // Closed by a suite that has run no test in it: what comes before the tests has failed.
  const fresh = untested.delete(window);
  if (process.env['NODE_TEST_CONTEXT'] === undefined) return;
  if (running !== undefined) closed.push(await evidenceOf(window, running));
  else if (fresh) console.error(await evidenceOf(window, 'the preparation of its tests'));
}

// Under the test runner only: elsewhere, these would begin a run of tests.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  beforeEach((context) => {
    running = (context as TestContext).fullName;
    closed = [];
  });
  afterEach(async (context) => {
    // Node's types do not know the first yet.
    const { passed, fullName } = context as TestContext & { readonly passed: boolean };
    running = undefined;
    untested.clear();
    if (passed) return;
    for (const text of closed) console.error(text);
    for (const window of open) console.error(await evidenceOf(window, fullName));
  });
  after(() => {
    open.clear();
  });
}
