import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor, Theme } from '../harness/codeServer.ts';

const themes: Theme[] = ['light', 'dark', 'high contrast'];

describe('a first look, in an empty workspace', () => {
  let editor: Editor;
  before(async () => (editor = await startEditor({ theme: 'light' })));
  after(() => editor.close());

  test('the activity bar has AutoAct, and its empty view says what to do first', async () => {
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    const welcome = editor.page.locator('.pane-body .welcome-view').first();
    await welcome.getByText('Open Starter Task').waitFor({ timeout: 20_000 });
    assert.match((await welcome.textContent()) ?? '', /There is no task card in this folder yet/);
  });

  test('the first activation opens the walkthrough', async () => {
    await editor.page.locator('h2', { hasText: 'Grow an agent from two examples' }).waitFor({ timeout: 30_000 });
  });

  for (const theme of themes)
    test(`it can be read in ${theme}`, async () => {
      await editor.setTheme(theme);
      await editor.screenshot(`first-look-${theme.replace(' ', '-')}`);
    });

  test('no webview reported an error', () => assert.deepEqual(editor.webviewErrors, []));
});
