import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeFixtureTask, writeRunFolder } from '../fixtures/runFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { Keyboard } from '../harness/keyboard.ts';

const limitMs = 60_000;

/** Links are followed as a reader does it, and the place is looked at where they lead. */
describe('links in the window', () => {
  let workspace: string;
  let editor: Editor;
  let keyboard: Keyboard;
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    writeFixtureTask(workspace);
    writeRunFolder({ workspace, run: 'run-done', state: 'done', trajectories: 12, questions: 12 });
    editor = await startEditor({ workspace, theme: 'light', size: { width: 1440, height: 900 } });
    keyboard = new Keyboard(editor, limitMs);
  });
  after(async () => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const row = (text: string | RegExp) => editor.page.locator('.monaco-list-row', { hasText: text }).first();
  const line = (text: string) => editor.page.locator('.view-line', { hasText: text }).first();
  const closeAll = () => editor.runCommand('View: Close All Editors');
  /** The line that the cursor stands on. */
  const atCursor = (): Promise<string> =>
    editor.page.evaluate<string>(`(() => {
      const shown = document.querySelector('.part.editor .monaco-editor.focused') ?? document.querySelector('.part.editor .monaco-editor');
      const at = shown?.querySelector('.cursors-layer .cursor')?.getBoundingClientRect();
      if (at === undefined) return '';
      const middle = (at.top + at.bottom) / 2;
      const found = [...shown.querySelectorAll('.view-line')].find((each) => {
        const { top, bottom } = each.getBoundingClientRect();
        return top <= middle && middle < bottom;
      });
      return (found?.textContent ?? '').replaceAll('\\u00a0', ' ');
    })()`);
  const standsAt = async (wanted: RegExp): Promise<void> => {
    const end = Date.now() + limitMs;
    for (let text = ''; !wanted.test(text); text = await atCursor()) {
      if (Date.now() > end) assert.fail(`the cursor stands at "${text}": ${await editor.screenshot('links-failed')}`);
      await editor.page.waitForTimeout(200);
    }
  };

  let copied = '';
  test('a link is copied at a step of a trace', async () => {
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await row('run-done').hover({ timeout: limitMs });
    await keyboard.command('AutoAct: Search Trajectories…');
    await row(/run-done/).waitFor({ timeout: limitMs });
    await keyboard.pick('Search whose trajectories?', 'run-done');
    await keyboard.asked('trajectories of run-done');
    await editor.page.keyboard.type('two books tool:retrieve');
    await row('step 1').waitFor({ timeout: limitMs });
    await editor.page.keyboard.press('Enter');
    await line('=== Step 2').click({ timeout: limitMs });
    await editor.runCommand('AutoAct: Copy Link to This Trace');
    await editor.page.locator('.statusbar-item', { hasText: 'the link is copied' }).waitFor({ timeout: limitMs });
    copied = await editor.page.evaluate<string>('navigator.clipboard.readText()');
    assert.match(copied, /^[\w-]+:\/\/autoact\.autoact\/trace\?/);
    assert.match(decodeURIComponent(decodeURIComponent(copied)), /run=run-done&item=\w+\/.*\/0&step=2$/);
  });

  test('it opens the trace again, at that step, once the reader has agreed', async () => {
    await closeAll();
    await editor.runCommand('Developer: Open URL');
    // The palette's own line has the focus, too, until it closes.
    await editor.page.locator('.quick-input-message', { hasText: 'URL to open' }).waitFor({ timeout: limitMs });
    await editor.page.locator('.quick-input-box input:focus').waitFor({ timeout: limitMs });
    await editor.page.keyboard.insertText(copied);
    await editor.page.keyboard.press('Enter');
    const dialog = editor.page.locator('.monaco-dialog-box');
    await dialog.waitFor({ timeout: limitMs });
    assert.match((await dialog.textContent()) ?? '', /AutoAct/);
    await dialog.getByRole('button', { name: 'Open' }).click();
    await line('AutoAct trace').waitFor({ timeout: limitMs });
    await standsAt(/^=== Step 2/);
    await editor.screenshot('link-followed');
  });

  test('the heading of a provenance document leads to the trace that it is about', async () => {
    await editor.runCommand('AutoAct: Show Provenance');
    await line('Provenance of').waitFor({ timeout: limitMs });
    const link = editor.page.locator('.view-line .detected-link').first();
    await link.waitFor({ timeout: limitMs });
    await closeOther();
    await link.click({ modifiers: ['Control'] });
    await line('=== Step 1').waitFor({ timeout: limitMs });
    await editor.screenshot('link-of-document');
  });

  /** The trace that is open already, so that what the link opens is the link's. */
  async function closeOther(): Promise<void> {
    await editor.runCommand('View: Close Editors in Other Groups');
    await line('=== Step 1').waitFor({ state: 'detached', timeout: limitMs });
  }
});
