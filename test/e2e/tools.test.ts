import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DatasetManifest } from '../../src/core/data/dataset.ts';
import { metaServer } from '../doubles/metaServer.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';

const limitMs = 90_000;
const canary = 'brave-canary-51c2';

/** A tool of one's own, keys of tools, and importing data, as a user does them in the window. */
describe('tools and data in the window', () => {
  let workspace: string;
  let editor: Editor;
  const server = metaServer();

  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-tools-'));
    const write = (name: string, value: unknown): void =>
      writeFileSync(join(workspace, name), typeof value === 'string' ? value : JSON.stringify(value));
    write('own.tool.json', {
      name: 'Own',
      argument: 'town',
      definition: 'tells about a town',
      usage: 'Own[Arden]',
      command: ['node', 'own.mjs', '{{argument}}'],
    });
    write('own.mjs', 'console.log("A town.")');
    write('towns.task.json', {
      name: 'Towns',
      description: 'You answer questions about towns.',
      examples: [{ question: 'Where is Arden?', answer: 'Orvale' }],
      metric: 'f1',
      tools: [
        { tool: 'Own', provider: 'description', file: 'own.tool.json' },
        { tool: 'Search', provider: 'brave' },
      ],
      settings: {
        servers: { mine: { baseURL: await server.start() } },
        roles: { default: { server: 'mine', model: 'base' } },
      },
    });
    write('mine.csv', 'Query,Gold\nWhere is Arden?,Orvale\nWhere is Velm?,Sarn\n');
    editor = await startEditor({ workspace, size: { width: 1440, height: 900 } });
  });
  after(async () => {
    await server.stop();
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  /** Toasts may have gone by now; the list keeps them. */
  const notification = async (words: string) => {
    await delay(1000);
    await editor.runCommand('Notifications: Show Notifications');
    const found = editor.page.locator('.notifications-center .notification-list-item', { hasText: words });
    await found.first().waitFor({ timeout: limitMs });
    return found.first();
  };
  const input = () => editor.page.locator('.quick-input-widget input:visible').last();
  /** Takes the row of the quick pick under this title. */
  const choose = async (title: RegExp, label: string | undefined): Promise<void> => {
    await editor.page.locator('.quick-input-widget', { hasText: title }).waitFor({ timeout: limitMs });
    if (label === undefined) await editor.page.keyboard.press('Enter');
    else await editor.page.locator('.quick-input-list .label-name', { hasText: label }).first().click();
  };
  /** The Doctor's report, once it says all of this. */
  const report = async (...words: readonly RegExp[]): Promise<string> => {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const lines = await editor.page.locator('.editor-instance .view-line').allTextContents();
      const text = lines.join('\n').replaceAll('\u00a0', ' ');
      if (words.every((one) => one.test(text))) return text;
      assert.ok(Date.now() < deadline, `the report does not say ${words.join(', ')}:\n${text}`);
      await delay(200);
    }
  };

  test('the Doctor looks at the tools of the card, and a tool of one’s own runs only when what it is was shown', async () => {
    await editor.runCommand('AutoAct: Doctor');
    await report(/✗ Tool Own .*not approved/s, /✗ Tool Search/);
    await editor.runCommand('AutoAct: Approve Tool…');
    const dialog = editor.page.locator('.monaco-dialog-box');
    await dialog.waitFor({ timeout: limitMs });
    assert.match((await dialog.textContent()) ?? '', /Allow the tool Own to run.*own\.mjs/s);
    await editor.screenshot('approve-tool');
    await dialog.locator('.monaco-button', { hasText: 'Approve' }).click();
    await notification('Own is approved');
  });

  test('the key of a tool reaches the checks and no document', async () => {
    await editor.runCommand('AutoAct: Set API Key of a Tool…');
    await choose(/API key of which tool/, 'BRAVE_API_KEY');
    await editor.page.locator('.quick-input-title', { hasText: 'API key' }).waitFor({ timeout: limitMs });
    await input().fill(canary);
    await editor.page.keyboard.press('Enter');
    await editor.runCommand('AutoAct: Doctor');
    const text = await report(/✓ Tools +Search,.*Own can be used|✓ Tools .*Own/);
    assert.doesNotMatch(text, /Tool Own|Tool Search/);
    assert.ok(!text.includes(canary));
  });

  test('Import Data maps a table and makes a task card', async () => {
    const { page } = editor;
    await editor.runCommand('AutoAct: Import Data…');
    await choose(/Import data/, 'Table');
    await chooseFile('Import Table', join(workspace, 'mine.csv'));
    for (const question of [/holds the question/, /holds the gold answer/, /difficulty level/])
      await chooseFirst(question);
    await chooseFirst(/options of a multiple-choice/);
    await chooseFirst(/title of a document/);
    await page.locator('.quick-input-title', { hasText: 'Import data' }).waitFor({ timeout: limitMs });
    await page.keyboard.press('Enter');
    const done = await notification('2 questions and 0 documents');
    await done.locator('.monaco-button', { hasText: 'Make Task Card' }).click();
    const card = join(workspace, 'data', 'mine.task.json');
    const deadline = Date.now() + limitMs;
    // The editor writes it in place: it is there before its text is.
    while (!existsSync(card) || !readFileSync(card, 'utf8').includes('"folder": "mine"')) {
      assert.ok(Date.now() < deadline, 'there is no task card of these data');
      await delay(100);
    }
    const manifest = DatasetManifest.parse(
      JSON.parse(readFileSync(join(workspace, 'data', 'mine', 'dataset.json'), 'utf8')),
    );
    assert.deepEqual([manifest.questions, manifest.mapping?.['question']], [2, 'Query']);
  });

  /** The file dialog reads the folder after each change of its line, and a key that comes before is lost. */
  const chooseFile = async (title: string, path: string): Promise<void> => {
    const dialog = editor.page.locator('.quick-input-title', { hasText: title });
    await dialog.waitFor({ timeout: limitMs });
    for (let attempt = 1; await dialog.isVisible(); attempt++) {
      assert.ok(attempt <= 5, `the dialog "${title}" does not take ${path}`);
      await input().fill(path);
      await editor.page
        .locator('.quick-input-list .label-name', { hasText: basename(path) })
        .first()
        .waitFor({ timeout: 5000 })
        .catch(() => undefined);
      await editor.page.keyboard.press('Enter');
      await dialog.waitFor({ state: 'hidden', timeout: 5000 }).catch(() => undefined);
    }
  };
  /** The guess is on top. */
  const chooseFirst = async (question: RegExp): Promise<void> => {
    const placeholder = editor.page.locator('.quick-input-widget input:visible');
    const deadline = Date.now() + limitMs;
    while (!question.test((await placeholder.last().getAttribute('placeholder')) ?? '')) {
      assert.ok(Date.now() < deadline, `nothing asks ${String(question)}`);
      await delay(100);
    }
    await editor.page.keyboard.press('Enter');
  };
});
