import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { inRoot } from '../../scripts/lib/project.mjs';
import { foldLabels } from '../../src/core/annotate/labels.ts';
import { StudyFolder } from '../../src/node/annotate/studyFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { Keyboard } from '../harness/keyboard.ts';
import { writeFixtureTask, writeRunFolder } from '../fixtures/runFolder.ts';

const limitMs = 90_000;
const published = inRoot('..', 'shared', 'data');
const comparisons = 30;

const cli = (...args: string[]): string =>
  execFileSync(
    process.execPath,
    ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', inRoot('src', 'cli', 'main.ts'), ...args],
    {
      encoding: 'utf8',
    },
  );

/**
 * Two methods of real trajectories: the published system's, and the same cut off at its first answer, which is what
 * the system does without reflection. Both files have the published form.
 */
function writeMethods(workspace: string): void {
  for (const level of ['easy', 'medium', 'hard']) {
    const lines = readFileSync(join(published, `reference-13b-${level}.jsonl`), 'utf8')
      .trim()
      .split('\n');
    const cut = lines.map((line) => {
      const row = JSON.parse(line) as { prompt: string; question: string };
      const answered = row.prompt.indexOf('\nAction: Finish[', row.prompt.indexOf(row.question));
      const end = answered < 0 ? -1 : row.prompt.indexOf('\nThought: ', answered);
      return JSON.stringify({ ...row, prompt: end < 0 ? row.prompt : row.prompt.slice(0, end) });
    });
    writeFileSync(join(workspace, `cut-${level}.jsonl`), `${cut.join('\n')}\n`);
  }
  const files = (stem: string, folder: string): string[] =>
    ['easy', 'medium', 'hard'].map((level) => join(folder, `${stem}-${level}.jsonl`));
  cli('import', 'trajectories', ...files('reference-13b', published), '-o', join(workspace, 'uncut'));
  cli('import', 'trajectories', ...files('cut', workspace), '-o', join(workspace, 'cut-short'));
}

describe(
  'an annotator at work, by keyboard alone',
  { skip: existsSync(published) ? false : 'the published trajectories are not here' },
  () => {
    let workspace: string;
    let editor: Editor;
    let keyboard: Keyboard;
    let folder: StudyFolder;
    before(async () => {
      workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
      writeMethods(workspace);
      const methods = ['-m', 'uncut=uncut', '-m', 'cut-short=cut-short'];
      cli('study', 'new', 'reflection', '-w', workspace, ...methods, '-r', 'ann', '-r', 'ben', '--per-level', '10');
      const file = join(workspace, 'reflection.study.json');
      const study = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      const one = { id: 'coherence', title: 'Overall coherence', rubric: 'One line of reasoning to the answer.' };
      writeFileSync(file, JSON.stringify({ ...study, aspects: [one], repeats: 0, audit: { items: 0 } }));
      cli('study', 'prepare', file);
      folder = new StudyFolder(file);
      editor = await startEditor({ workspace, trusted: false, theme: 'dark', size: { width: 1300, height: 950 } });
      keyboard = new Keyboard(editor, limitMs);
      await keyboard.watchPointer();
    });
    after(async () => {
      await editor.close();
      rmSync(workspace, { recursive: true, force: true });
    });

    /** Also the way back into the panel: whoever is at work comes first. */
    const start = async (): Promise<void> => {
      await keyboard.command('AutoAct: Start Labelling');
      await keyboard.pick('Who are you', 'ann');
    };
    const labels = () => foldLabels(folder.annotator('ann').records(), 'reflection');
    const panel = (): Promise<Frame> => editor.webview('main.annotate header h1', limitMs);
    const at = async (frame: Frame): Promise<number> =>
      Number(/Item (\d+)/.exec((await frame.textContent('.pace')) ?? '')?.[1]);
    /** Waits until the panel shows what a key press led to. */
    const becomes = async (frame: Frame, text: string): Promise<void> => {
      try {
        await frame.locator('.pace', { hasText: text }).waitFor({ timeout: limitMs });
      } catch (error) {
        const keys = await frame.evaluate<string[]>('window.keysReached.slice(-8)');
        const records = folder.annotator('ann').records().slice(-4);
        throw new Error(`after the keys ${keys.join(' ')} the last labels are ${JSON.stringify(records)}`, {
          cause: error,
        });
      }
    };
    /** Nothing that the panel shows tells a method, whatever item is on it. */
    const showsNoTell = async (frame: Frame): Promise<void> => {
      const shown = (await frame.textContent('main')) ?? '';
      // None of these words is in the pages that the trajectories quote.
      for (const tell of [
        /BingSearch/,
        /\bReflect\b/,
        /\buncut\b/,
        /cut-short/,
        /13b/,
        /INCORRECT/,
        /\breward["']?[:=]/,
      ])
        assert.ok(!tell.test(shown), `${String(tell)} in: ${shown.slice(0, 3000)}`);
      assert.equal(await frame.locator('.tool-name', { hasText: /^Check$/ }).count(), 0, 'a step that reflects');
    };
    /** What the command line exports of the same labels. */
    const exportedByProgram = (): string => {
      const out = join(workspace, 'exported.csv');
      cli('study', 'export', folder.file, '-o', out);
      return readFileSync(out, 'utf8');
    };
    const judge = async (frame: Frame, from: number, to: number): Promise<void> => {
      for (let n = from; n <= to; n++) {
        await showsNoTell(frame);
        await keyboard.pressIn(frame, n % 3 === 0 ? '2' : '1');
        await frame.locator('.choice[aria-pressed=true]').waitFor({ timeout: limitMs });
        await keyboard.pressIn(frame, 'Enter');
        await becomes(frame, `${n} of ${comparisons} done`);
      }
    };

    test('starts in a workspace that is not trusted, and labels twelve of thirty', async () => {
      await start();
      const frame = await panel();
      await becomes(frame, `0 of ${comparisons} done`);
      await editor.screenshot('annotate-dark');
      await judge(frame, 1, 12);
      assert.equal(labels().done.size, 12);
      assert.equal(labels().opened, folder.commitment().commitment);
    });

    test('takes one back, and after a break and a reload goes on at the very place', async () => {
      let frame = await panel();
      await keyboard.pressIn(frame, 'u');
      await becomes(frame, `11 of ${comparisons} done`);
      const place = await at(frame);
      await keyboard.pressIn(frame, 'p');
      await frame.locator('.break').waitFor({ timeout: limitMs });
      const loaded = editor.page.waitForEvent('load', { timeout: limitMs });
      await keyboard.command('Developer: Reload Window');
      await loaded;
      frame = await panel();
      await frame.locator('.break').waitFor({ timeout: limitMs });
      assert.equal(await at(frame), place);
      await start();
      await editor.page.waitForTimeout(700);
      await keyboard.pressIn(frame, 'p');
      await frame.locator('.break').waitFor({ state: 'detached', timeout: limitMs });
      await keyboard.pressIn(frame, 'Enter');
      await becomes(frame, `12 of ${comparisons} done`);
    });

    test('finishes all thirty; the labels are exported and analysed', async () => {
      const frame = await panel();
      await judge(frame, 13, comparisons);
      // The queue has kept step with the panel.
      const queue = editor.page.locator('.monaco-list-row', { hasText: new RegExp(`^${comparisons}\\. `) });
      await queue.waitFor({ timeout: limitMs });
      await frame.locator('.finished').waitFor({ timeout: limitMs });
      await editor.screenshot('annotate-done');
      await keyboard.command('AutoAct: Export Labels…');
      await keyboard.pick('Export the labels of reflection', 'CSV');
      await editor.page.locator('.tab', { hasText: 'labels.csv' }).waitFor({ timeout: limitMs });
      const csv = readFileSync(join(folder.path, 'labels.csv'), 'utf8');
      assert.equal(csv.trim().split('\n').length, 1 + comparisons);
      assert.equal(csv, exportedByProgram());
      await keyboard.command('AutoAct: Analyse Study');
      const report = await editor.webview('h2#win-rates', limitMs);
      await report.locator('img').first().waitFor({ timeout: limitMs });
      await editor.page.waitForTimeout(1000);
      await editor.screenshot('annotate-report');
      assert.match(readFileSync(join(folder.path, 'report.md'), 'utf8'), /ann began under this commitment/);
      assert.equal(keyboard.pointerPresses, 0, 'all of it went without a mouse');
    });

    for (const theme of ['light', 'high contrast'] as const)
      test(`in ${theme} it can be looked at`, async () => {
        await editor.setTheme(theme);
        assert.ok(keyboard.pointerPresses > 0, 'a theme is chosen with the mouse, and the count sees it');
        await start();
        await editor.page.waitForTimeout(700);
        await editor.page.keyboard.press('ArrowLeft');
        await editor.page.waitForTimeout(500);
        await editor.screenshot(`annotate-${theme.replace(' ', '-')}`);
        assert.deepEqual(
          editor.webviewErrors.filter((line) => /annotate|Content Security/.test(line)),
          [],
        );
      });
  },
);

describe('a trace that is open', () => {
  let workspace: string;
  let editor: Editor;
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    writeFixtureTask(workspace);
    writeRunFolder({ workspace, run: 'run-done', state: 'done', trajectories: 6, questions: 6 });
    editor = await startEditor({ workspace, trusted: false, size: { width: 1400, height: 900 } });
  });
  after(async () => {
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  test('is judged step by step in the panel, under a name that is asked for once', async () => {
    const { page } = editor;
    await page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await page.locator('.monaco-list-row', { hasText: 'run-done' }).first().click();
    const dashboard = await editor.webview('table.results', limitMs);
    const traces = dashboard.locator('.stage', { hasText: 'Evaluation' }).locator('details.traces');
    await traces.locator('summary').click();
    await traces.locator('button.link').first().click();
    await page.locator('.view-line', { hasText: 'Tool agent' }).first().waitFor({ timeout: limitMs });
    await editor.runCommand('AutoAct: Judge This Trajectory');
    const input = page.locator('.quick-input-widget input:visible').last();
    await input.waitFor({ timeout: limitMs });
    await input.fill('ann');
    await page.keyboard.press('Enter');
    const frame = await editor.webview('main.annotate .step', limitMs);
    const keyboard = new Keyboard(editor, limitMs);
    await keyboard.pressIn(frame, '1');
    await frame.locator('.verdict.good').first().waitFor({ timeout: limitMs });
    await keyboard.pressIn(frame, 'a');
    await frame.locator('.whole .choice[aria-pressed=true]', { hasText: 'Accept' }).waitFor({ timeout: limitMs });
    const file = join(workspace, '.autoact', 'annotations', 'ann.jsonl');
    const kinds = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    assert.deepEqual(kinds, ['verdict', 'judgement']);
    await editor.screenshot('annotate-trace');
  });
});
