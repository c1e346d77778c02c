import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../scripts/lib/systemPackages.mjs';
import { LabelDesk } from '../../src/host/annotate/labelDesk.ts';
import { AnnotatorFile } from '../../src/node/annotate/annotatorFile.ts';
import type { StudyFolder } from '../../src/node/annotate/studyFolder.ts';
import { hostileText } from '../fixtures/runFolder.ts';
import { methods, trajectory } from '../unit/annotate/studyFixture.ts';
import { lowestContrast } from '../webview/contrast.ts';
import { openLabelPanel, pressKeys, sendSnapshot, writeDemoStudy } from '../webview/labelPanel.ts';
import type { LabelPanelOptions } from '../webview/labelPanel.ts';
import type { PanelPage, PanelTheme } from '../webview/panelPage.ts';

const themes: PanelTheme[] = ['light', 'dark', 'high contrast'];

describe('the labelling panel by itself', () => {
  let browser: Browser;
  let scratch: string;
  let desk: LabelDesk;
  before(async () => {
    browser = await chromium.launch({
      ...(findChromium() === undefined ? {} : { executablePath: findChromium() ?? '' }),
      args: ['--no-sandbox', '--disable-gpu'],
    });
  });
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'autoact-annotate-'));
    desk = new LabelDesk();
  });
  after(() => browser.close());

  function openStudy(changes: Record<string, unknown> = {}): StudyFolder {
    const folder = writeDemoStudy(scratch, changes);
    desk.openStudy(folder, 'ann');
    return folder;
  }
  const show = (options?: LabelPanelOptions): Promise<PanelPage> => openLabelPanel(browser, () => desk, options);
  const openTrace = (): AnnotatorFile => {
    const file = new AnnotatorFile(join(scratch, 'ann.jsonl'), 'ann');
    const own = trajectory('Oslo', 3);
    const steps = own.steps.map((s, i) => (i === 0 ? { ...s, thought: hostileText, observation: hostileText } : s));
    desk.openTrace({
      target: { run: 'r', item: 'synthesis/i-0001/0', hash: 'h' },
      question: 'Who wrote it?',
      trajectory: { ...own, steps },
      file,
    });
    return file;
  };

  for (const theme of themes)
    test(`in ${theme} every text has a contrast of 4.5 to 1, at every width nothing is wider than the page`, async () => {
      openStudy();
      for (const width of [300, 420, 1200]) {
        const panel = await show({ theme, width });
        await pressKeys(panel, '1');
        const [ratio, text] = await panel.page.evaluate<[number, string]>(lowestContrast);
        assert.ok(ratio >= 4.5, `${ratio.toFixed(2)} to 1 at ${width}: “${text}”`);
        assert.ok((await panel.page.evaluate<number>('document.documentElement.scrollWidth')) <= width, String(width));
        await panel.page.screenshot({
          path: `test-results/screenshots/annotate-${theme.replace(' ', '-')}-${width}.png`,
          fullPage: true,
        });
        assert.deepEqual(panel.errors, []);
        await panel.page.close();
      }
      rmSync(scratch, { recursive: true });
    });

  test('a comparison is done by keyboard alone: choices, a tie, none, a reason, done, undo', async () => {
    const folder = openStudy();
    const panel = await show();
    await pressKeys(panel, '1', '2', 'Shift+Digit3', '0', '4');
    // The tie fell on the third aspect, where nothing was chosen yet; 0 then replaced it.
    const labels = () => desk.snapshot(1).item?.aspects.map((a) => [a.best, a.answered]);
    assert.deepEqual(labels(), [
      [[0], true],
      [[1], true],
      [[], true],
      [[3], true],
      [[], false],
    ]);
    await pressKeys(panel, 'ArrowUp', 'Shift+Digit1');
    assert.deepEqual(labels()?.[3], [[0, 3], true]);
    await pressKeys(panel, 'r');
    await panel.page.keyboard.type('it used the page 1');
    await pressKeys(panel, 'Escape');
    await panel.page.waitForTimeout(600);
    assert.equal(desk.snapshot(1).item?.aspects[3]?.reason, 'it used the page 1', 'digits in a reason choose nothing');
    await pressKeys(panel, 'Enter');
    assert.match((await panel.page.textContent('[role=alert]')) ?? '', /Still open: Overall coherence/);
    await pressKeys(panel, '2', 'Enter');
    assert.equal(desk.snapshot(1).progress.at, 2);
    await pressKeys(panel, 'u');
    assert.deepEqual(
      [desk.snapshot(1).progress.at, desk.snapshot(1).progress.done],
      [1, 0],
      'undo goes back to the item',
    );
    assert.equal(folder.annotator('ann').records().at(-1)?.kind, 'undo');
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('keys faster than the host answers: each meets what the one before led to, and typing is no key', async () => {
    const folder = openStudy();
    const panel = await show();
    // All in one turn of the page, so that no answer can come between.
    const atOnce = (...keys: string[]): Promise<unknown> =>
      panel.page.evaluate(
        `for (const key of ${JSON.stringify(keys)}) document.body.dispatchEvent(new KeyboardEvent('keydown', {
          key, code: /^\\d$/.test(key) ? 'Digit' + key : key, bubbles: true, composed: true, cancelable: true }))`,
      );
    const best = () => desk.snapshot(1).item?.aspects.map((a) => a.best);
    await atOnce('1', '2', '3', '4', '1', 'Enter', '2', '3');
    await panel.page.locator('.pace', { hasText: 'Item 2' }).waitFor();
    await panel.page.locator('.choice[aria-pressed=true]').nth(1).waitFor();
    assert.deepEqual([desk.snapshot(1).progress.at, best()], [2, [[1], [2], [], [], []]]);
    const [done] = desk.study?.session.list ?? [];
    assert.deepEqual(
      folder
        .annotator('ann')
        .records()
        .flatMap((r) => (r.kind === 'choice' && r.presentation === done?.id ? [r.best] : [])),
      [0, 1, 2, 3, 0].map((at) => [done?.order[at]]),
    );
    // "u" of a reason undoes nothing.
    await atOnce('r', 'u', 'p');
    await panel.page.waitForTimeout(300);
    assert.equal(await panel.page.locator('.current textarea.reason').inputValue(), 'up');
    await pressKeys(panel, 'Escape');
    await panel.page.waitForTimeout(600);
    assert.equal(desk.snapshot(1).item?.aspects[1]?.reason, 'up');
    assert.deepEqual(best(), [[1], [2], [], [], []]);
    // What was meant for the next item does not land on this one, and the message is in sight.
    await atOnce('Enter', '1', '1');
    const alert = panel.page.locator('[role=alert]');
    await alert.waitFor();
    await panel.page.waitForTimeout(200);
    assert.deepEqual(best(), [[1], [2], [], [], []]);
    const box = await alert.boundingBox();
    assert.ok(box !== null && box.y >= 0 && box.y < 900, JSON.stringify(box));
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('an editor that is busy is told of, and the keys pressed meanwhile are done in their order', async () => {
    openStudy({ aspects: [{ id: 'whole', title: 'Whole', rubric: 'Better.' }] });
    let go: (() => void) | undefined;
    let held = true;
    const panel = await show({ busy: () => (held ? new Promise<void>((resolve) => (go = resolve)) : null) });
    await pressKeys(panel, '2', 'Enter', '1', 'Enter', '3');
    const late = panel.page.locator('.late');
    await late.waitFor();
    assert.match((await late.textContent()) ?? '', /keys you press are kept/);
    assert.equal(desk.snapshot(1).progress.done, 0);
    held = false;
    go?.();
    await panel.page.locator('.pace', { hasText: 'Item 3 · 2 of' }).waitFor();
    await panel.page.locator('.choice[aria-pressed=true]').waitFor();
    await late.waitFor({ state: 'detached' });
    assert.deepEqual(desk.snapshot(1).item?.aspects[0]?.best, [2]);
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('no key is lost, whenever it comes between an action, what it shows and its answer', async (t) => {
    const folder = openStudy({ aspects: [{ id: 'whole', title: 'Whole', rubric: 'Better.' }] });
    // Always the same turns of the dice.
    let seed = 7;
    const upTo = (ms: number): number => (seed = (seed * 16_807) % 2_147_483_647) % ms;
    const panel = await show({ busy: () => new Promise((resolve) => setTimeout(resolve, upTo(30))) });
    const watching = setInterval(() => void sendSnapshot(panel, desk), 40);
    t.after(() => {
      clearInterval(watching);
    });
    const expected: string[] = [];
    for (let round = 0; round < 20; round++)
      for (const [i, item] of (desk.study?.session.list ?? []).slice(0, 4).entries()) {
        const at = (round + i) % 4;
        expected.push(`${item.id} ${item.order[at]}`);
        for (const key of i === 3
          ? [`${at + 1}`, 'ArrowLeft', 'ArrowLeft', 'ArrowLeft']
          : [`${at + 1}`, 'ArrowRight']) {
          await panel.page.keyboard.press(key);
          await panel.page.waitForTimeout(upTo(60));
        }
      }
    const made = (): string[] =>
      folder
        .annotator('ann')
        .records()
        .flatMap((r) => (r.kind === 'choice' ? [`${r.presentation} ${r.best.join()}`] : []));
    for (let i = 0; i < 100 && made().length < expected.length; i++) await panel.page.waitForTimeout(100);
    assert.deepEqual(made(), expected);
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('a break is kept over a reload, with the very place', async () => {
    const folder = openStudy();
    const panel = await show();
    for (let i = 0; i < 5; i++) await pressKeys(panel, '1');
    await pressKeys(panel, 'Enter', '3', 'p');
    await panel.page.waitForSelector('.break');
    const { state } = desk;
    assert.ok(state?.paused);
    desk = new LabelDesk();
    desk.openStudy(folder, state.rater, state);
    const again = desk.snapshot(1);
    assert.deepEqual([again.paused, again.progress.at, again.item?.focus], [true, 2, 'thoughts']);
    await sendSnapshot(panel, desk);
    await pressKeys(panel, 'p');
    assert.equal(desk.snapshot(1).paused, false);
    await panel.page.close();
  });

  test('the guess comes last, and then the study is finished', async () => {
    openStudy({ aspects: [{ id: 'whole', title: 'Whole', rubric: 'Better.' }] });
    const panel = await show();
    for (let i = 0; i < 4; i++) await pressKeys(panel, '1', 'Enter');
    assert.match((await panel.page.textContent('.guess-question')) ?? '', /comes from the system/);
    await pressKeys(panel, '2', 'Enter');
    await panel.page.waitForSelector('.finished');
    await panel.page.screenshot({ path: 'test-results/screenshots/annotate-finished.png', fullPage: true });
    await panel.page.close();
  });

  test('nothing in the page tells a method, and none of its names for candidates is there', async () => {
    const folder = openStudy();
    const panel = await show();
    const html = await panel.page.content();
    const ids = folder.items().flatMap((item) => item.candidates.map((c) => c.id));
    for (const word of [...methods, ...ids, 'r-1', 'correct', 'reward']) {
      const found = new RegExp(`(?<![a-z-])${word}(?![a-z])`, 'i').exec(
        html.replaceAll(/<script.*?<\/script>|Logical correctness/gs, ''),
      );
      assert.equal(found, null, word);
    }
    assert.ok(!JSON.stringify(desk.snapshot(1)).includes(ids[0] ?? ''));
    await panel.page.close();
  });

  test('one trajectory: verdicts step by step, a correction that forks, accept and reject; hostile text is text', async () => {
    const file = openTrace();
    const panel = await show({ width: 300, theme: 'dark' });
    await pressKeys(panel, '2', '1', 'e');
    const thought = panel.page.locator('.editor textarea').first();
    await thought.fill('I look at the harbour.');
    await pressKeys(panel, 'Control+Enter');
    await pressKeys(panel, 'x');
    const kinds = file.records().map((r) => r.kind);
    assert.deepEqual(kinds, ['verdict', 'verdict', 'correction', 'judgement']);
    const correction = file.records().find((r) => r.kind === 'correction');
    assert.equal(correction?.kind === 'correction' ? correction.after.thought : '', 'I look at the harbour.');
    assert.equal(await panel.page.locator('main script, main img').count(), 0);
    assert.equal(await panel.page.title(), 'annotate');
    assert.ok((await panel.page.evaluate<number>('document.documentElement.scrollWidth')) <= 300);
    await panel.page.screenshot({ path: 'test-results/screenshots/annotate-single-300.png', fullPage: true });
    await pressKeys(panel, 'u', 'u');
    assert.equal(desk.snapshot(1).item?.candidates[0]?.steps[2]?.correction, undefined);
    assert.deepEqual(panel.errors, []);
    await panel.page.close();
  });

  test('every control has a name, choices say whether they are pressed, and the progress is told', async () => {
    openStudy();
    const panel = await show();
    const unnamed = await panel.page.evaluate<string[]>(
      `[...document.querySelectorAll('button, textarea, aat-button, summary, [role=group], [role=progressbar], section')]
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).map((e) => e.outerHTML.slice(0, 100))`,
    );
    assert.deepEqual(unnamed, []);
    await pressKeys(panel, '2');
    assert.equal(
      await panel.page.getByRole('button', { name: 'B is best: Number of rounds', pressed: true }).count(),
      1,
    );
    assert.equal(
      await panel.page.getByRole('progressbar', { name: 'Items done' }).getAttribute('aria-valuetext'),
      '0 of 5 done',
    );
    assert.equal(await panel.page.locator('h1').count(), 1);
    await panel.page.close();
  });
});
