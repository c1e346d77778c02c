/**
 * Shows a panel's real bundles in plain Chromium, with a double of the host behind `acquireVsCodeApi` and VS Code's
 * colours as CSS variables; for tests of what a panel does and how it looks in every theme.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';

const dist = fileURLToPath(new URL('../../dist/webview/', import.meta.url));

export type PanelTheme = 'light' | 'dark' | 'high contrast';

interface ThemeColours {
  /** Class that VS Code gives a webview's body. */
  readonly kind: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** What VS Code 1.139 gave a webview in its default themes, as far as panels use it. */
const colours = JSON.parse(readFileSync(new URL('colours.json', import.meta.url), 'utf8')) as Record<
  PanelTheme,
  ThemeColours
>;

export interface PanelPage {
  readonly page: Page;
  /** Messages that the panel posted, oldest first. */
  readonly posted: unknown[];
  /** Errors of the console, breaches of the content security policy among them. */
  readonly errors: string[];
  send(message: unknown): Promise<void>;
  setTheme(theme: PanelTheme): Promise<void>;
}

export interface PanelOptions {
  readonly browser: Browser;
  readonly name: string;
  readonly theme?: PanelTheme;
  readonly size?: { readonly width: number; readonly height: number };
  /** The editor's bundle, where it does not speak English. */
  readonly words?: Readonly<Record<string, string>>;
  /** Answers requests; what it gives, or promises, is the response's value. */
  readonly answer?: (method: string, params: unknown) => unknown;
}

export async function openPanel(options: PanelOptions): Promise<PanelPage> {
  const { browser, name, theme = 'light', size = { width: 1280, height: 900 }, words } = options;
  const page = await browser.newPage({ viewport: size, reducedMotion: 'reduce' });
  const posted: unknown[] = [];
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  const send = async (message: unknown): Promise<void> => {
    // A text, since the types of a page's globals are not those of a test's.
    try {
      await page.evaluate(`window.postMessage(${JSON.stringify(message)}, '*')`);
    } catch (error) {
      // An answer to what was asked just before the page was closed reaches nobody.
      if (!/has been closed/.test(String(error))) throw error;
    }
  };
  await page.exposeFunction(
    'panelPosts',
    async (message: { type?: string; id?: number; method?: string; params?: unknown }) => {
      posted.push(message);
      if (message.type !== 'request') return;
      const value = (await options.answer?.(message.method ?? '', message.params)) ?? null;
      void send({ type: 'response', id: message.id, ok: true, value });
    },
  );
  await page.route('http://panel.test/**', (route) => {
    const path = new URL(route.request().url()).pathname.slice(1);
    if (path === '') {
      const variables = Object.entries(colours[theme].variables).map(([key, value]) => `--vscode-${key}: ${value};`);
      return route.fulfill({
        contentType: 'text/html',
        // The policy of src/host/dashboard/html.ts, with the page's own origin as the source of styles.
        body: `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-N'; style-src http://panel.test 'nonce-N'; img-src data:; font-src http://panel.test">
<meta property="csp-nonce" content="N"><title>${name}</title>
<style nonce="N" id="theme">:root { ${variables.join(' ')} --vscode-font-family: system-ui, sans-serif; --vscode-font-size: 13px; --vscode-editor-font-family: monospace; }</style>
<link rel="stylesheet" href="/${name}.css"></head><body class="${colours[theme].kind}"><div id="root"></div>
${words === undefined ? '' : `<script type="application/json" id="words">${JSON.stringify(words)}</script>`}
<script nonce="N">window.acquireVsCodeApi = () => ({ postMessage: (m) => window.panelPosts(m), setState: (s) => { window.kept = s; } });</script>
<script nonce="N" src="/kit.js"></script><script nonce="N" src="/${name}.js"></script></body></html>`,
      });
    }
    return route.fulfill({
      contentType: path.endsWith('.css') ? 'text/css' : 'text/javascript',
      body: readFileSync(join(dist, path), 'utf8'),
    });
  });
  await page.goto('http://panel.test/');
  // What is sent before the panel listens is lost, here as in the editor.
  while (!posted.some((message) => (message as { type?: string }).type === 'ready')) await page.waitForTimeout(20);
  return {
    page,
    posted,
    errors,
    send,
    async setTheme(next) {
      const properties = Object.entries(colours[next].variables).map(([key, value]) => [`--vscode-${key}`, value]);
      await page.evaluate(`
        for (const [name, value] of ${JSON.stringify(properties)}) document.documentElement.style.setProperty(name, value);
        document.body.className = ${JSON.stringify(colours[next].kind)};
      `);
    },
  };
}
