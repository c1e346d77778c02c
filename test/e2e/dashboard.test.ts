import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { writeFixtureTask, writeRunFolder } from '../fixtures/runFolder.ts';
import type { RunWriter } from '../fixtures/runFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor, Theme } from '../harness/codeServer.ts';

const themes: Theme[] = ['light', 'dark', 'high contrast'];

describe('runs in the window', () => {
  let workspace: string;
  let editor: Editor;
  let live: RunWriter;
  let done: RunWriter;
  let panel: Frame;
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    writeFixtureTask(workspace);
    live = writeRunFolder({ workspace, run: 'run-live', state: 'live', trajectories: 120, questions: 40 });
    done = writeRunFolder({ workspace, run: 'run-done', state: 'done', trajectories: 20, questions: 30 });
    editor = await startEditor({ workspace, theme: 'light', size: { width: 1440, height: 1000 } });
  });
  after(async () => {
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const row = (text: string | RegExp) => editor.page.locator('.monaco-list-row', { hasText: text }).first();

  test('the view lists the task’s runs, and a click opens the dashboard of one', async () => {
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await row('run-done').waitFor({ timeout: 30_000 });
    await row('run-done').click();
    panel = await editor.webview('table.results', 60_000);
    assert.match((await panel.textContent('table.results')) ?? '', /AutoAct.*86\.0/);
    assert.match((await panel.textContent('.paired')) ?? '', /\+31\.2 points/);
  });

  for (const theme of themes)
    test(`it can be read in ${theme}`, async () => {
      await editor.setTheme(theme);
      await editor.screenshot(`dashboard-${theme.replace(' ', '-')}`);
    });

  test('a stage that is done asks before it replaces what the run shows', async () => {
    const before = JSON.stringify(done.status);
    await panel.locator('button[aria-label="Run Filtering only"]').click();
    const dialog = editor.page.locator('.monaco-dialog-box');
    await dialog.waitFor({ timeout: 30_000 });
    const said = (await dialog.textContent()) ?? '';
    assert.match(said, /Filtering of this run is done\. Run it again\?/);
    assert.match(said, /made anew: Filtering, .*Evaluation, Report\. .*marked as such/);
    await editor.screenshot('dashboard-run-again');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached', timeout: 30_000 });
    assert.equal(readFileSync(join(done.folder, 'status.json'), 'utf8'), before, 'refused, nothing runs');
  });

  test('figures of before are marked while a stage is run again', async () => {
    const now = structuredClone(done.status);
    const filter = done.status.stages.find(({ id }) => id === 'filter');
    assert.ok(filter !== undefined && filter.counts.length > 0);
    Object.assign(done.status, { state: 'cancelled', earlierResults: true });
    Object.assign(filter, { state: 'cancelled', earlier: true });
    done.saveStatus();
    await panel.waitForSelector('.results-card .banner', { timeout: 60_000 });
    assert.match((await panel.textContent('.results-card')) ?? '', /results of the earlier report.*AutoAct/s);
    const stage = panel.locator('.stage', { hasText: 'Filtering' });
    assert.match((await stage.textContent()) ?? '', /Figures of the last time that this stage was done/);
    await editor.screenshot('dashboard-earlier-results');
    Object.assign(done.status, now);
    delete done.status.earlierResults;
    done.saveStatus();
    await panel.waitForSelector('.results-card .banner', { state: 'detached', timeout: 60_000 });
  });

  test('a reason opens the list of what was dropped, as text', async () => {
    await panel.click('.chip');
    await panel.waitForSelector('.dropped-list li');
    const text = (await panel.textContent('.dropped-list')) ?? '';
    assert.ok(text.includes('<script>'), text.slice(0, 200));
    assert.equal(await panel.$('.dropped-list script, .dropped-list img'), null);
    assert.notEqual(await panel.title(), 'pwned');
  });

  test('a live run moves by itself', async () => {
    await row('run-live').click();
    // The clicks before this left the first panel hidden; the live one is the panel that shows progress.
    panel = await editor.webview('[role=progressbar]', 60_000);
    const evaluation = live.status.stages.find((stage) => stage.id === 'evaluation');
    assert.ok(evaluation);
    evaluation.done = 77;
    live.saveStatus();
    await panel.waitForSelector('text=77 of 80', { timeout: 30_000 });
    await editor.screenshot('dashboard-live');
  });

  test('a trace opens from the dashboard, with its lenses', async () => {
    const traces = panel.locator('.stage', { hasText: 'Evaluation' }).locator('details.traces');
    await traces.locator('summary').click();
    await traces.locator('button.link').first().click();
    await editor.page.locator('.codelens-decoration', { hasText: 'Provenance' }).first().waitFor({ timeout: 60_000 });
    await editor.page.locator('.view-line', { hasText: 'Tool agent' }).first().waitFor();
    await editor.screenshot('trace');
  });

  test('no webview reported an error', () => {
    assert.deepEqual(editor.webviewErrors, []);
  });
});
