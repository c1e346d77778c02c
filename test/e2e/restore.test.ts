import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeFixtureTask, writeRunFolder } from '../fixtures/runFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';

const limitMs = 90_000;

function newWorkspace(): string {
  const workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
  writeFixtureTask(workspace);
  writeRunFolder({ workspace, run: 'run-cut', state: 'interrupted', trajectories: 12, questions: 12 });
  writeRunFolder({ workspace, run: 'run-done', state: 'done', trajectories: 12, questions: 12 });
  return workspace;
}

describe('a window that is reloaded', () => {
  let workspace: string;
  let editor: Editor;
  before(async () => {
    workspace = newWorkspace();
    editor = await startEditor({ workspace, size: { width: 1440, height: 900 } });
  });
  after(async () => {
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  test('has its dashboard and its trace back', async () => {
    const { page } = editor;
    await page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await page.locator('.monaco-list-row', { hasText: 'run-done' }).first().click();
    const panel = await editor.webview('table.results', limitMs);
    const traces = panel.locator('.stage', { hasText: 'Evaluation' }).locator('details.traces');
    await traces.locator('summary').click();
    await traces.locator('button.link').first().click();
    await page.locator('.view-line', { hasText: 'Tool agent' }).first().waitFor({ timeout: limitMs });
    // The preview tab becomes a kept one, as a reader would make it.
    await page.locator('.tab.active').dblclick();
    // The editor's own command writes the window's state first; a reload of the page would not.
    const loaded = page.waitForEvent('load', { timeout: limitMs });
    await editor.runCommand('Developer: Reload Window');
    await loaded;
    await page.locator('.view-line', { hasText: 'Tool agent' }).first().waitFor({ timeout: limitMs });
    await page.locator('.tab', { hasText: 'run-done' }).first().click();
    const restored = await editor.webview('table.results', limitMs);
    assert.match((await restored.textContent('.facts')) ?? '', /run-done/);
  });

  test('has its table of trajectories back', async () => {
    const { page } = editor;
    const row = page.locator('.monaco-list-row', { hasText: 'run-done' }).first();
    await row.hover();
    await row.getByRole('button', { name: /Show Trajectories as a Table/ }).click();
    const table = await editor.webview('.rows .row.right', limitMs);
    // While it looks again, after a file was changed, it says so in the same place.
    const status = '.status:has-text("trajectories")';
    const said = (await table.textContent(status)) ?? '';
    const loaded = page.waitForEvent('load', { timeout: limitMs });
    await editor.runCommand('Developer: Reload Window');
    await loaded;
    const restored = await editor.webview('.rows .row.right', limitMs);
    assert.equal(await restored.textContent(status), said);
  });

  test('offers to resume a run whose process is gone', async () => {
    // The view is open already, and a click on its tab would close it.
    await editor.page.locator('.monaco-list-row', { hasText: 'run-cut' }).first().click();
    const panel = await editor.webview('.banner', limitMs);
    assert.match((await panel.textContent('.banner')) ?? '', /process is gone/);
    assert.equal(await panel.locator('aat-button', { hasText: 'Resume' }).count(), 1);
  });
});

describe('a workspace that is not trusted', () => {
  let workspace: string;
  let editor: Editor;
  before(async () => {
    workspace = newWorkspace();
    editor = await startEditor({ workspace, trusted: false, size: { width: 1440, height: 900 } });
  });
  after(async () => {
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  test('shows its runs and starts nothing', async () => {
    const before = readFileSync(join(workspace, '.autoact', 'runs', 'run-cut', 'log.jsonl'));
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await editor.page.locator('.monaco-list-row', { hasText: 'run-cut' }).first().click();
    const panel = await editor.webview('.banner', limitMs);
    assert.match((await panel.locator('.banner').first().textContent()) ?? '', /not trusted/);
    await panel.locator('aat-button', { hasText: 'Resume' }).click({ force: true });
    await editor.page.waitForTimeout(1500);
    assert.deepEqual(readFileSync(join(workspace, '.autoact', 'runs', 'run-cut', 'log.jsonl')), before);
    await editor.screenshot('untrusted');
  });
});

describe('a task of one’s own', () => {
  let editor: Editor;
  before(async () => {
    editor = await startEditor({ size: { width: 1440, height: 900 } });
  });
  after(() => editor.close());

  test('is asked for step by step and opens as a valid card', async () => {
    const { page } = editor;
    await editor.runCommand('AutoAct: New Task Card…');
    const input = page.locator('.quick-input-widget input:visible').last();
    for (const [step, text] of [
      'Étude & Archive',
      'Answer questions about the archive.',
      'Who founded it?',
      'Pell Ansgar',
      'When?',
      '1874',
    ].entries()) {
      await page.locator('.quick-input-title', { hasText: `(${step + 1} of 7)` }).waitFor({ timeout: limitMs });
      await input.fill(text);
      await page.keyboard.press('Enter');
    }
    await page.locator('.quick-input-list .label-name', { hasText: 'Exact match' }).click({ timeout: limitMs });
    await page.locator('.tab', { hasText: 'étude-archive.task.json' }).waitFor({ timeout: limitMs });
    const card = JSON.parse(readFileSync(join(editor.workspace, 'étude-archive.task.json'), 'utf8')) as unknown;
    assert.deepEqual(card, {
      name: 'Étude & Archive',
      description: 'Answer questions about the archive.',
      examples: [
        { question: 'Who founded it?', answer: 'Pell Ansgar' },
        { question: 'When?', answer: '1874' },
      ],
      metric: 'em',
    });
    await editor.screenshot('task-card');
  });

  test('the starter task opens from the palette, and its dashboard from the card', async () => {
    await editor.runCommand('AutoAct: Open Starter Task');
    await editor.page.locator('.tab', { hasText: 'starter.task.json' }).waitFor({ timeout: limitMs });
    await editor.runCommand('AutoAct: Open Dashboard');
    const panel = await editor.webview('.welcome', limitMs);
    assert.equal(await panel.textContent('h1'), 'Starter encyclopedia');
    await editor.screenshot('starter-dashboard');
  });

  test('Doctor shows what it found', async () => {
    await editor.runCommand('AutoAct: Doctor');
    // There are two cards by now, so it asks which one.
    const card = editor.page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Starter encyclopedia' });
    await card.first().click({ timeout: limitMs });
    await editor.page.locator('.view-line', { hasText: 'Engine' }).first().waitFor({ timeout: limitMs });
    await editor.screenshot('doctor');
  });
});
