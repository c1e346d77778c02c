import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../scripts/lib/systemPackages.mjs';
import { runFields } from '../../src/contrib/settings.ts';
import type { RunStatus } from '../../src/core/run/status.ts';
import type { DashboardSnapshot } from '../../src/protocol/dashboard.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import { fixtureTask, hostileText, writeRunFolder } from '../fixtures/runFolder.ts';
import { lowestContrast } from '../webview/contrast.ts';
import { openPanel } from '../webview/panelPage.ts';
import type { PanelPage, PanelTheme } from '../webview/panelPage.ts';

const themes: PanelTheme[] = ['light', 'dark', 'high contrast'];

function snapshot(status?: RunStatus, changes: Partial<DashboardSnapshot> = {}): unknown {
  return {
    type: 'snapshot',
    version: protocolVersion,
    state: { task: '/w/a.task.json', ...(status === undefined ? {} : { run: status.run }) },
    snapshot: {
      task: {
        name: fixtureTask.name,
        description: fixtureTask.description,
        metric: 'f1',
        file: '/w/a.task.json',
        examples: 2,
      },
      ...(status === undefined ? {} : { status }),
      runner: { state: status?.state === 'running' ? 'running' : 'idle' },
      trusted: true,
      configuration: {
        servers: ['meta', 'plan', 'tool', 'reflect'].map((role) => ({
          role,
          kind: role === 'plan' ? 'url' : 'embedded',
          url: role === 'plan' ? 'http://localhost:8000/v1' : '',
          model: '',
        })),
        mode: 'fixed',
        seed: 1,
        box: 'local',
        python: '',
        settings: {},
      },
      fields: runFields.map(({ id, label, description, defaultText }) => ({
        name: id,
        label,
        description,
        defaultText,
        kind: 'number' as const,
      })),
      editorModels: [{ name: 'vendor/small', title: 'Small' }],
      keyed: [],
      hasReport: status?.state === 'done',
      ...changes,
    } satisfies DashboardSnapshot,
  };
}

describe('the dashboard’s panel by itself', () => {
  let browser: Browser;
  let scratch: string;
  const statuses = new Map<string, RunStatus>();
  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'autoact-panel-'));
    for (const state of ['live', 'done', 'failed'] as const)
      statuses.set(
        state,
        writeRunFolder({ workspace: scratch, run: state, state, trajectories: 20, questions: 20 }).status,
      );
    browser = await chromium.launch({
      ...(findChromium() === undefined ? {} : { executablePath: findChromium() ?? '' }),
      args: ['--no-sandbox', '--disable-gpu'],
    });
  });
  after(async () => {
    await browser.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  const show = async (
    status: RunStatus | undefined,
    options: { theme?: PanelTheme; width?: number; changes?: Partial<DashboardSnapshot> } = {},
  ): Promise<PanelPage> => {
    const panel = await openPanel({
      browser,
      name: 'dashboard',
      theme: options.theme ?? 'light',
      size: { width: options.width ?? 1280, height: 900 },
      answer: (method) => {
        if (method === 'listDropped')
          return { rows: [{ item: 'selfInstruct/0', text: hostileText, reason: 'near-duplicate' }], total: 1 };
        if (method === 'listTraces')
          return {
            rows: [{ item: 'synthesis/i-0001/0', title: hostileText, outcome: hostileText, state: 'right' }],
            total: 1,
          };
        return null;
      },
    });
    await panel.send(snapshot(status, options.changes));
    await panel.page.waitForSelector('h1');
    return panel;
  };

  for (const theme of themes)
    test(`in ${theme} every text has a contrast of 4.5 to 1, and nothing breaks the policy`, async () => {
      for (const state of [undefined, 'live', 'done', 'failed']) {
        const panel = await show(state === undefined ? undefined : statuses.get(state), { theme });
        const [ratio, text] = await panel.page.evaluate<[number, string]>(lowestContrast);
        assert.ok(ratio >= 4.5, `${ratio.toFixed(2)} to 1 in ${state ?? 'a new run'}: “${text}”`);
        assert.deepEqual(panel.errors, []);
        await panel.page.close();
      }
    });

  for (const width of [320, 400, 700])
    test(`at ${width} pixels nothing is wider than the page`, async () => {
      for (const state of ['done', undefined]) {
        const panel = await show(state === undefined ? undefined : statuses.get(state), { width, theme: 'dark' });
        assert.ok((await panel.page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
        await panel.page.screenshot({
          path: `test-results/screenshots/panel-${state ?? 'new'}-${width}.png`,
          fullPage: true,
        });
        await panel.page.close();
      }
    });

  test('every control has a name, and headings are in order', async () => {
    const panel = await show(undefined);
    const unnamed = await panel.page.evaluate<
      string[]
    >(`[...document.querySelectorAll('button, aat-button, aat-text-field, aat-dropdown, [role=progressbar], [role=region], [role=img]')]
      .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).map((e) => e.outerHTML.slice(0, 100))`);
    assert.deepEqual(unnamed, []);
    const named = await panel.page.getByRole('textbox', { name: 'Seed' }).count();
    assert.equal(named, 1, 'the seed’s field is known by its label');
    assert.equal(await panel.page.locator('aat-dropdown[aria-label="Mode"]').count(), 1);
    assert.deepEqual(await panel.page.locator('h1').count(), 1);
    await panel.page.close();
  });

  test('what models wrote is text, wherever it shows', async () => {
    const panel = await show(statuses.get('done'), {
      changes: { task: { name: hostileText, description: hostileText, metric: 'f1', file: '/w', examples: 2 } },
    });
    await panel.page.click('.chip');
    await panel.page.click('.traces summary');
    await panel.page.waitForSelector('.dropped-list li');
    await panel.page.waitForSelector('.traces li');
    assert.equal(await panel.page.locator('main script, main img').count(), 0);
    assert.equal(await panel.page.title(), 'dashboard');
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('works by keyboard', async () => {
    const panel = await show(statuses.get('done'));
    for (let presses = 0; presses < 12; presses++) {
      await panel.page.keyboard.press('Tab');
      if (await panel.page.evaluate<boolean>(`document.activeElement?.classList.contains('chip') ?? false`)) break;
    }
    await panel.page.keyboard.press('Enter');
    await panel.page.waitForSelector('.dropped-list');
    assert.equal(await panel.page.getAttribute('.chip', 'aria-expanded'), 'true');
    await panel.page.keyboard.press('Enter');
    assert.equal(await panel.page.locator('.dropped-list').count(), 0);
    await panel.page.close();
  });

  test('asks the host, and sends the whole configuration when a part of it changes', async () => {
    const panel = await show(undefined);
    await panel.page.locator('aat-button', { hasText: 'Start' }).click();
    await panel.page.getByRole('textbox', { name: 'Seed' }).fill('42');
    await panel.page.locator('aat-button', { hasText: 'Set …' }).click();
    await panel.page.waitForTimeout(700);
    const requests = panel.posted.filter(
      (message): message is { method: string; params: { seed?: number; servers?: unknown[]; url?: string } } =>
        typeof message === 'object' && message !== null && 'method' in message,
    );
    assert.deepEqual(requests.map(({ method }) => method).sort(), ['setApiKey', 'setConfiguration', 'start']);
    const configuration = requests.find(({ method }) => method === 'setConfiguration')?.params;
    assert.deepEqual([configuration?.seed, configuration?.servers?.length], [42, 4]);
    assert.deepEqual(requests.find(({ method }) => method === 'setApiKey')?.params, {
      url: 'http://localhost:8000/v1',
    });
    await panel.page.close();
  });

  test('a message that cannot be read is an error that is shown, and keeps what was there', async () => {
    const panel = await show(statuses.get('live'));
    await panel.send({ type: 'snapshot', version: protocolVersion, snapshot: { task: 1 } });
    await panel.page.waitForSelector('.problem[role=alert]');
    assert.match((await panel.page.textContent('.problem')) ?? '', /cannot read/);
    assert.equal(await panel.page.locator('.stage').count(), 7);
    await panel.page.close();
  });

  test('an untrusted workspace reads, and starts nothing', async () => {
    const panel = await show(statuses.get('failed'), { changes: { trusted: false } });
    assert.match((await panel.page.textContent('.banner')) ?? '', /not trusted/);
    await panel.page.locator('aat-button', { hasText: 'Resume' }).click({ force: true });
    await panel.page.locator('aat-button', { hasText: 'Start a new run' }).click({ force: true });
    assert.deepEqual(
      panel.posted.filter((message) => typeof message === 'object' && message !== null && 'method' in message),
      [],
    );
    await panel.page.close();
  });
});
