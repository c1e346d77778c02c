import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { importTrajectories } from '../../src/node/data/trajectoryFolder.ts';
import { hostileText, writeFixtureTask, writeRunFolder } from '../fixtures/runFolder.ts';
import { publishedLine, storedLine } from '../fixtures/trajectories.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor, Theme } from '../harness/codeServer.ts';

const themes: Theme[] = ['light', 'dark', 'high contrast'];

/** A file with what people and models write at their worst. */
function hostileFile(): string {
  const rows = [
    storedLine(0, hostileText),
    storedLine(1, `[click](command:workbench.action.quit) \u202egnirts\u202c ${'x'.repeat(10 << 20)}`),
    storedLine(2).replace(
      'Where was person 2 born?',
      '<img src=x onerror=\\"document.title=\'pwned\'\\"> \\u202e born?',
    ),
  ];
  return `${rows.join('\n')}\n`;
}

/** More than the 50 MB up to which VS Code gives a document to extensions. */
function writeLargeFile(path: string): void {
  const page = 'A page about the harbour. '.repeat(800);
  const lines = Array.from({ length: 2600 }, (_, k) => `${storedLine(k, page, k % 2 === 0)}\n`);
  for (let k = 0; k < lines.length; k += 200) appendFileSync(path, lines.slice(k, k + 200).join(''));
}

describe('trajectories in the window', () => {
  let workspace: string;
  let editor: Editor;
  let table: Frame;
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    writeFixtureTask(workspace);
    writeRunFolder({ workspace, run: 'run-done', state: 'done', trajectories: 40, questions: 60 });
    const source = join(workspace, 'published-easy.jsonl');
    writeFileSync(source, Array.from({ length: 400 }, (_, k) => `${publishedLine(k, k % 3 > 0)}\n`).join(''));
    mkdirSync(join(workspace, 'data'));
    await importTrajectories([source], join(workspace, 'data', 'published'));
    writeFileSync(join(workspace, 'hostile.jsonl'), hostileFile());
    writeLargeFile(join(workspace, 'large.jsonl'));
    editor = await startEditor({ workspace, theme: 'light', size: { width: 1440, height: 1000 } });
  });
  after(async () => {
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const row = (text: string | RegExp) => editor.page.locator('.monaco-list-row', { hasText: text }).first();

  /** A menu takes no click in its first moment, lest the one that opened it choose. */
  const showAsTable = async (file: string): Promise<void> => {
    const entry = editor.page.locator('.monaco-menu .action-label', { hasText: 'Show Trajectories as a Table' });
    // A menu closes when something else takes the focus: then it is opened again.
    for (let attempt = 1; ; attempt++)
      try {
        await row(file).click({ button: 'right' });
        await entry.waitFor({ timeout: 10_000 });
        await entry.hover({ timeout: 5000 });
        await editor.page.waitForTimeout(600);
        await entry.click({ timeout: 5000 });
        await entry.waitFor({ state: 'detached', timeout: 5000 });
        return;
      } catch (error) {
        if (attempt === 4) throw error;
        await editor.page.keyboard.press('Escape');
      }
  };

  test('the view lists imported trajectories, and a click opens one as a trace', async () => {
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await row('published').waitFor({ timeout: 60_000 });
    await row('published').click();
    await row('1 to 100').waitFor({ timeout: 30_000 });
    await row('1 to 100').click();
    await row('Where was person 1 born?').click();
    await editor.page.locator('.view-line', { hasText: 'Retrieve' }).first().waitFor({ timeout: 30_000 });
    await editor.page.locator('.codelens-decoration', { hasText: 'Compare' }).first().waitFor({ timeout: 30_000 });
    await editor.screenshot('imported-trace-light');
  });

  test('a run opens as a table, with the matrix of its two systems', async () => {
    await row('run-done').hover();
    await row('run-done')
      .getByRole('button', { name: /Show Trajectories as a Table/ })
      .click();
    table = await editor.webview('.rows .row.right', 60_000);
    assert.match((await table.textContent('.status:has-text("trajectories")')) ?? '', /^161 of 161 trajectories/);
    await table.waitForSelector('.matrix tbody tr');
  });

  for (const theme of themes)
    test(`the table and a trace can be read in ${theme}`, async () => {
      await editor.setTheme(theme);
      await editor.screenshot(`trajectories-${theme.replace(' ', '-')}`);
    });

  test('conditions narrow it down, a column sorts it, and the keyboard opens a trace', async () => {
    await table.getByRole('button', { name: 'wrong' }).click();
    await table.waitForSelector('.status:has-text("of 161 trajectories"):not(:has-text("161 of 161"))');
    assert.equal(await table.locator('.rows .row.right').count(), 0);
    await table.getByRole('button', { name: 'wrong' }).click();
    await table.getByRole('button', { name: 'Sort by Tokens' }).click();
    await table.waitForSelector('[aria-sort=ascending]');
    await table.focus('.rows');
    await editor.page.keyboard.press('ArrowDown');
    await editor.page.keyboard.press('Enter');
    await editor.page.locator('.view-line', { hasText: 'AutoAct trace' }).first().waitFor({ timeout: 30_000 });
    await editor.page.locator('.view-line', { hasText: '=== Step 1' }).first().waitFor();
    await editor.page.waitForTimeout(500); // the remarks at line ends come a moment later
    await editor.screenshot('trace-remarks-high-contrast');
    await editor.setTheme('dark');
    await editor.screenshot('trace-remarks-dark');
  });

  test('two trajectories of a question stand side by side with their steps aligned', async () => {
    await editor.runCommand('AutoAct: Compare With Another Trajectory…');
    const pick = editor.page.locator('.quick-input-widget .monaco-list-row').first();
    await pick.waitFor({ timeout: 30_000 });
    await pick.click();
    await editor.page
      .locator('.monaco-diff-editor .view-line', { hasText: '=== Step 1' })
      .first()
      .waitFor({ timeout: 30_000 });
    await editor.screenshot('compare-dark');
    await editor.setTheme('light');
    await editor.screenshot('compare-light');
  });

  test('a search finds text and conditions, and opens at the step', async () => {
    await editor.runCommand('AutoAct: Search Trajectories…');
    const input = editor.page.locator('.quick-input-widget');
    await input.locator('.monaco-list-row').first().waitFor({ timeout: 30_000 });
    await input.locator('.monaco-list-row', { hasText: 'run-done' }).first().click();
    await input.locator('.quick-input-box input').fill('two books tool:retrieve');
    await input.locator('.monaco-list-row', { hasText: 'step 1' }).first().waitFor({ timeout: 30_000 });
    await editor.screenshot('search-light');
    await editor.page.keyboard.press('Enter');
    await editor.page.locator('.view-line', { hasText: 'two' }).first().waitFor({ timeout: 30_000 });
  });

  test('a hostile file is shown in the table and as a trace, and does nothing', async () => {
    await editor.page
      .getByRole('tab', { name: /^Explorer/ })
      .first()
      .click();
    await showAsTable('hostile.jsonl');
    const hostile = await editor
      .webview('.rows .row:has-text("onerror")', 30_000)
      .catch(async (error: unknown) => assert.fail(`${String(error)}: ${await editor.screenshot('hostile-failed')}`));
    assert.equal(await hostile.locator('#root img, #root script').count(), 0);
    assert.match((await hostile.textContent('.rows')) ?? '', /\\u\{202E\}/);
    await hostile.locator('.rows .row').nth(2).click();
    await editor.page.locator('.view-line', { hasText: 'gnirts' }).first().waitFor({ timeout: 60_000 });
    // Lenses, which come a moment later, push what follows the long text out of sight.
    await editor.page.keyboard.press('Control+End');
    await editor.page.locator('.view-line', { hasText: '[cut' }).first().waitFor({ timeout: 30_000 });
    assert.notEqual(await editor.page.title(), 'pwned');
    await editor.screenshot('hostile-light');
  });

  test('a file of more than 50 MB, which VS Code hands to no extension, opens as a table', async () => {
    await showAsTable('large.jsonl');
    const large = await editor.webview('.status:has-text("2,600 of 2,600")', 60_000);
    await large.focus('.rows');
    await editor.page.keyboard.press('End');
    await large.waitForSelector('.row.active:has-text("person 2599")');
    assert.ok((await large.locator('.rows .row').count()) < 120, 'only the rows in sight are in the page');
    await editor.page.keyboard.press('Enter');
    await editor.page.locator('.view-line', { hasText: 'line 2600' }).first().waitFor({ timeout: 30_000 });
  });

  test('files that are dropped onto the view are imported', async () => {
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await row('published').waitFor();
    const content = `${publishedLine(7)}\n${publishedLine(8, false)}\n`;
    // A text, since the types of a page's globals are not those of a test's.
    const transfer = await editor.page.evaluateHandle(
      `(() => { const made = new DataTransfer(); made.items.add(new File([${JSON.stringify(content)}], 'dropped-hard.jsonl')); return made; })()`,
    );
    for (const type of ['dragenter', 'dragover', 'drop'])
      await row('published').dispatchEvent(type, { dataTransfer: transfer });
    const input = editor.page.locator('.quick-input-widget');
    await input.locator('.monaco-list-row', { hasText: 'likely' }).click({ timeout: 30_000 });
    await input.locator('.quick-input-box input').fill('dropped');
    await editor.page.keyboard.press('Enter');
    await editor.webview('.status:has-text("2 of 2")', 60_000);
    const folder = join(workspace, 'data', 'dropped');
    assert.ok(existsSync(join(folder, 'import.json')));
    assert.doesNotMatch(readFileSync(join(folder, 'trajectories.jsonl'), 'utf8'), /CORRECT/);
    await row('dropped').waitFor({ timeout: 30_000 });
    await editor.screenshot('dropped-light');
  });

  test('no webview reported an error', () => {
    assert.deepEqual(editor.webviewErrors, []);
  });
});
