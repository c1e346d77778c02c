import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../scripts/lib/systemPackages.mjs';
import type { JobView } from '../../src/core/box/jobView.ts';
import type { JobSnapshot } from '../../src/protocol/job.ts';
import { protocolVersion } from '../../src/protocol/surface.ts';
import { hostileText } from '../fixtures/runFolder.ts';
import { lowestContrast } from '../webview/contrast.ts';
import { openPanel } from '../webview/panelPage.ts';
import type { PanelPage, PanelTheme } from '../webview/panelPage.ts';

const curve = (adapter: string, steps: number, done: number): JobView['curves'][number] => {
  const loss = (step: number): number => 1.1 * Math.exp(-step / (steps / 3)) + 0.25 + 0.08 * Math.sin(step * 2.1);
  return {
    adapter,
    steps,
    points: Array.from({ length: done }, (_, i) => ({ step: i + 1, loss: loss(i + 1) })),
    heldOut: [0.25, 0.5, 0.75, 1]
      .map((share) => Math.round(share * steps))
      .filter((step) => step <= done)
      .map((step) => ({ step, loss: loss(step) + 0.12 })),
  };
};
const gpu = (name: string): JobView['gpus'][number] => ({
  name,
  memoryTotal: 143_771,
  use: Array.from({ length: 60 }, (_, i) => ({
    ...{ t: 1000 + 5 * i, busy: i < 6 ? 2 : 88 + 8 * Math.sin(i) },
    memoryUsed: i < 6 ? 500 : 61_000 + 900 * Math.sin(i / 3),
  })),
});
const view = (changes: Partial<JobView> = {}): JobView => ({
  ...{
    state: 'running',
    detail: '',
    curves: [curve('plan', 400, 400), curve('tool', 200, 200), curve('reflect', 100, 35)],
  },
  ...{ device: 'cuda', precision: 'bfloat16', tokensPerSecond: 21_480, secondsLeft: 95 },
  notes: [
    { severity: 'info', text: 'dry run: 58.2 GB of memory at most' },
    { severity: 'warning', text: 'wandb: no key on the box; the curves are kept there' },
  ],
  gpus: [gpu('NVIDIA H200'), gpu('NVIDIA H200')],
  log: Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\n'),
  logCut: true,
  ...changes,
});
const snapshot = (changes: Partial<JobSnapshot> = {}): unknown => ({
  ...{ type: 'snapshot', version: protocolVersion, state: { box: 'gpu', job: '3f2a9c01ab44', kind: 'train' } },
  snapshot: {
    ...{ box: 'gpu', host: 'gpu.example.org', job: '3f2a9c01ab44', kind: 'train', local: false, watched: true },
    ...{ served: [], trusted: true, view: view() },
    ...changes,
  } satisfies JobSnapshot,
});
const served: JobSnapshot['served'] = [
  {
    address: 'http://127.0.0.1:24042/v1',
    adapters: [
      { name: 'plan', model: 'plan-3f2a9c01', ok: true, message: 'answers as trained' },
      { name: 'tool', model: 'tool-77aa00ff', ok: false, message: 'does not answer as trained' },
      { name: 'mine', model: 'mine-01020304', message: 'has no probes' },
    ],
  },
];
/** What the panel may have to show, by name. */
const cases: Readonly<Record<string, Partial<JobSnapshot>>> = {
  running: {},
  waiting: {
    view: view({
      state: 'waiting',
      detail: 'number 2 in the queue, Resources',
      curves: [],
      notes: [],
      gpus: [],
      log: '',
    }),
  },
  lost: { view: view({ state: 'lost-contact', detail: 'the box does not answer; the job goes on there' }) },
  stopped: {
    view: view({
      ...{ state: 'cancelled' },
      notes: [{ severity: 'error', text: 'The GPU still lists its ended processes (4711).' }],
    }),
    watched: false,
  },
  served: { view: view({ state: 'finished' }), watched: false, served },
  hostile: {
    view: view({
      ...{
        detail: hostileText,
        log: hostileText,
        device: hostileText,
        notes: [{ severity: 'error', text: hostileText }],
      },
      ...{ gpus: [{ name: hostileText, use: [] }] },
    }),
    problem: hostileText,
  },
};

describe('the panel of a job by itself', () => {
  let browser: Browser;
  before(async () => {
    const executablePath = findChromium();
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ['--no-sandbox', '--disable-gpu'],
    });
  });
  after(() => browser.close());

  const show = async (
    changes: Partial<JobSnapshot>,
    options: { theme?: PanelTheme; width?: number } = {},
  ): Promise<PanelPage> => {
    const { theme = 'light', width = 1280 } = options;
    const panel = await openPanel({ browser, name: 'job', theme, size: { width, height: 900 } });
    await panel.send(snapshot(changes));
    await panel.page.waitForSelector('h1');
    return panel;
  };

  for (const theme of ['light', 'dark', 'high contrast'] as const)
    test(`in ${theme} every text has a contrast of 4.5 to 1, and nothing breaks the policy`, async () => {
      for (const [name, changes] of Object.entries(cases)) {
        const panel = await show(changes, { theme });
        const [ratio, text] = await panel.page.evaluate<[number, string]>(lowestContrast);
        assert.ok(ratio >= 4.5, `${ratio.toFixed(2)} to 1 in ${name}: “${text}”`);
        assert.deepEqual(panel.errors, []);
        if (['running', 'served', 'stopped'].includes(name))
          await panel.page.screenshot({
            path: `test-results/screenshots/job-${name}-${theme.replace(' ', '-')}.png`,
            fullPage: true,
          });
        await panel.page.close();
      }
    });

  test('at 320 pixels nothing is wider than the page', async () => {
    const panel = await show({ served }, { width: 320, theme: 'dark' });
    assert.ok((await panel.page.evaluate<number>('document.documentElement.scrollWidth')) <= 320);
    await panel.page.screenshot({ path: 'test-results/screenshots/job-320.png', fullPage: true });
    await panel.page.close();
  });

  test('what a box says is text, wherever it shows', async () => {
    const panel = await show(cases['hostile'] ?? {});
    // Were any of it read as a page, there would be an element that nobody here has written.
    assert.equal(await panel.page.locator('main img, main script, main iframe, main b').count(), 0);
    assert.ok((await panel.page.locator('pre.log').innerText()).includes('<'));
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('offers what can be done in each state, and asks the host for it', async () => {
    const offered: Record<string, string[]> = {};
    for (const [name, changes] of Object.entries({
      ...{ running: {}, finished: { view: view({ state: 'finished' }) } },
      ...{ here: { view: view({ state: 'finished' }), local: true }, vanished: { view: view({ state: 'vanished' }) } },
      ...{ server: { kind: 'serve' as const, view: view({ curves: [] }) }, untrusted: { trusted: false } },
      busy: { busy: 'Stopping' },
    })) {
      const panel = await show(changes);
      const buttons = panel.page.locator('header aat-button:not([disabled])');
      offered[name] = await buttons.allInnerTexts();
      for (const button of await buttons.all()) await button.click();
      const asked = panel.posted.flatMap((message) => {
        const { type, method } = message as { type?: string; method?: string };
        return type === 'request' && method !== undefined ? [method] : [];
      });
      assert.equal(asked.length, offered[name].length);
      await panel.page.close();
    }
    assert.deepEqual(offered, {
      ...{ running: ['Cancel'], finished: ['Serve', 'Download'], here: ['Download'], vanished: ['Resume'] },
      ...{ server: ['Stop'], untrusted: [], busy: [] },
    });
  });

  test('what is served is offered for the roles, unless an adapter does not answer as it was trained', async () => {
    const good = served.map((one) => ({ ...one, adapters: one.adapters.filter(({ ok }) => ok !== false) }));
    const counts: number[] = [];
    for (const changes of [{ served }, { served: good, trusted: false }, { served: good }]) {
      const panel = await show({ view: view({ state: 'finished' }), ...changes });
      const button = panel.page.locator('aat-button:not([disabled])', { hasText: 'Use for the Roles' });
      counts.push(await button.count());
      // It is served already.
      assert.equal(await panel.page.locator('header aat-button', { hasText: 'Serve' }).count(), 0);
      for (const one of await button.all()) await one.click();
      const asked = panel.posted.filter((message) => (message as { method?: string }).method === 'use');
      assert.equal(asked.length, counts.at(-1));
      await panel.page.close();
    }
    assert.deepEqual(counts, [0, 0, 1]);
  });

  test('an empty log says whether something may still come, and what to do where nothing will', async () => {
    const panel = await show({ view: view({ state: 'waiting', log: '' }) });
    const log = panel.page.locator('pre.log');
    assert.match(await log.innerText(), /nothing yet/);
    for (const [state, said] of [
      ['finished', /ended without writing a line\.$/],
      ['cancelled', /ended without writing a line\.$/],
      ['failed', /never began\. Look at the machine.*start it again/],
      ['vanished', /ended from outside/],
    ] as const) {
      await panel.send(snapshot({ view: view({ state, log: '' }), watched: false }));
      await panel.page.waitForFunction("!/nothing yet/.test(document.querySelector('pre.log').textContent)");
      await panel.page.waitForTimeout(50);
      assert.match(await log.innerText(), said);
    }
    await panel.page.close();
  });

  test('the log follows its end, and stays where somebody reads', async () => {
    const panel = await show({});
    const at = (): Promise<number> =>
      panel.page.evaluate<number>(
        "(() => { const e = document.querySelector('pre.log'); return e.scrollHeight - e.scrollTop - e.clientHeight; })()",
      );
    assert.ok((await at()) < 4);
    const longer = { view: view({ log: Array.from({ length: 90 }, (_, i) => `line ${i}`).join('\n') }) };
    await panel.send(snapshot(longer));
    await panel.page.waitForFunction("document.querySelector('pre.log').textContent.includes('line 89')");
    assert.ok((await at()) < 4);
    await panel.page.evaluate("document.querySelector('pre.log').scrollTop = 0");
    await panel.page.waitForTimeout(100);
    await panel.send(snapshot({}));
    await panel.page.waitForFunction("!document.querySelector('pre.log').textContent.includes('line 89')");
    assert.equal(await panel.page.evaluate<number>("document.querySelector('pre.log').scrollTop"), 0);
    await panel.page.close();
  });
});
