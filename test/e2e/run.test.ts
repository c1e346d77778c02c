import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from 'playwright-core';
import type { RunStatus } from '../../src/core/run/status.ts';
import { isAlive } from '../../src/node/store/runFolder.ts';
import { CompletionServer } from '../doubles/completionServer.ts';
import { fixtureTask, writeFixtureTask } from '../fixtures/runFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { notified } from '../harness/notified.ts';
import { runsOf } from '../harness/runsOf.ts';

const roles = ['meta', 'plan', 'tool', 'reflect'];
const limitMs = 90_000;

/** A run that is started, cancelled and resumed in the window, against a server that counts what it is asked. */
describe('a run from the window', () => {
  let workspace: string;
  let editor: Editor;
  let server: CompletionServer;
  let panel: Frame;
  let url: string;

  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-run-'));
    writeFixtureTask(workspace);
    // Pairs that share no word with each other, so that none is dropped as a near-duplicate.
    server = new CompletionServer((_asked, count) => {
      const word = (k: number): string => `w${count}k${k}`;
      return `Question: ${[1, 2, 3, 4, 5].map(word).join(' ')}?\nAnswer: ${word(6)}\n`;
    });
    url = await server.delay(400).start();
    const servers = Object.fromEntries(roles.map((role) => [role, { url, model: 'base' }]));
    // In a remote window, and this is one, a user's own settings for a machine do not hold; a folder's do.
    mkdirSync(join(workspace, '.vscode'));
    const settings = { 'autoact.servers': servers, 'autoact.selfInstruct.instances': 20_000, 'autoact.seed': 5 };
    writeFileSync(join(workspace, '.vscode', 'settings.json'), JSON.stringify(settings));
    editor = await startEditor({ workspace, theme: 'dark', size: { width: 1440, height: 900 } });
  });
  after(async () => {
    await server.stop();
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const runs = () => runsOf(workspace);
  const status = (): RunStatus => {
    const [first] = runs();
    assert.ok(first, 'there is a run');
    return first.status;
  };
  const until = async (what: string, look: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + limitMs;
    while (!(await look())) {
      if (Date.now() > deadline) assert.fail(`not so after ${limitMs} ms: ${what}`);
      await delay(100);
    }
  };
  /** Each of these buttons gives way to another when it is pressed. */
  const press = async (name: string): Promise<void> => {
    const button = panel.locator('aat-button', { hasText: new RegExp(`^${name}`) }).first();
    for (let tries = 1; ; tries++) {
      await button.click();
      const taken = await button.waitFor({ state: 'detached', timeout: 15_000 }).then(
        () => true,
        () => false,
      );
      if (taken) return;
      console.log(`the press of "${name}" changed nothing: ${await panel.innerText('header')}`);
      if (tries === 2) throw new Error(`"${name}" cannot be pressed`);
    }
  };
  const waitFor = (selector: string) => panel.waitForSelector(selector, { timeout: limitMs });

  test('the dashboard of a task that has not run shows what will be used', async () => {
    await editor.runCommand('AutoAct: Open Dashboard');
    panel = await editor.webview('form.configuration', limitMs);
    const address = await panel
      .locator('aat-text-field[aria-label="Address"]')
      .first()
      .evaluate((field: unknown) => (field as { value: string }).value);
    assert.equal(address, url);
    await editor.screenshot('dashboard-new');
  });

  test('Start runs the loop in a process of its own, and the dashboard follows it', async () => {
    await press('Start');
    await until('a run has a status', () => runs().length === 1);
    await waitFor('.stage.running [role=progressbar]');
    const { pid, seed, roles: served } = status();
    assert.equal(seed, 5);
    assert.ok(served.every(({ server: name }) => roles.includes(name)));
    assert.ok(pid !== undefined && isAlive(pid));
    await until('some pairs were kept', () => (status().stages[0]?.done ?? 0) >= 20);
    await waitFor('.counts >> text=kept');
    await editor.screenshot('run-live');
  });

  test('Cancel ends the process and leaves the run resumable', async () => {
    const { pid } = status();
    await press('Cancel');
    await until('the run is cancelled', () => status().state === 'cancelled');
    await until('its process is gone', () => pid === undefined || !isAlive(pid));
    await waitFor('text=Resume');
    assert.equal(runs().length, 1);
  });

  test('Resume goes on with the same run and asks nothing twice', async () => {
    const kept = status().stages[0]?.done ?? 0;
    await press('Resume');
    await until(
      'it has kept more than before',
      () => status().state === 'running' && (status().stages[0]?.done ?? 0) > kept,
    );
    assert.equal(runs().length, 1);
    const prompts = server.asked.map(({ prompt, seed }) => `${seed} ${prompt}`);
    // What was under way when the run was cancelled had no answer yet, and may be asked again.
    assert.ok(prompts.length - new Set(prompts).size <= 64, 'requests were repeated');
  });

  test('a server that goes away is waited for, which the run says with what to do', async () => {
    await server.stop();
    await until('the run waits', () => status().servers?.some(({ state }) => state === 'waiting') === true);
    assert.equal(status().state, 'running');
    assert.match(
      status()
        .notices.map(({ message }) => message)
        .join('\n'),
      /cannot be reached/,
    );
    const said = (await panel.locator('.problem', { hasText: 'has not answered since' }).first().textContent()) ?? '';
    assert.match(said, /"meta" has not answered since \d.*Start it.*Doctor says.*waits until \d.*resumed/);
    assert.match((await panel.textContent('.facts')) ?? '', /Waiting for a server/);
    const item = editor.page.locator('.statusbar-item', { hasText: 'meta does not answer' });
    await item.waitFor({ timeout: limitMs });
    assert.match((await item.getAttribute('class')) ?? '', /warning-kind/);
    const told = await notified(editor, 'has not answered since');
    for (const name of ['Stop the Run', 'Doctor'])
      assert.equal(await told.getByRole('button', { name }).count(), 1, name);
    await editor.screenshot('run-waiting');
    await editor.runCommand('Notifications: Clear All Notifications');
  });

  test('Stop beside it ends the run, which can be resumed', async () => {
    await panel.locator('.problem aat-button', { hasText: 'Stop' }).click();
    await until('the run is stopped', () => status().state === 'cancelled');
    await waitFor('text=Resume');
    await editor.page
      .locator('.statusbar-item', { hasText: 'AutoAct: ' })
      .waitFor({ state: 'detached', timeout: limitMs });
  });

  test('a run whose server stays away fails, and says so with the remedy', async () => {
    await editor.runCommand('Notifications: Clear All Notifications');
    // The card's own servers hold where the editor's settings name none.
    const settingsRead = 'without servers';
    writeFileSync(
      join(workspace, '.vscode', 'settings.json'),
      JSON.stringify({ 'autoact.seed': 6, 'window.title': settingsRead }),
    );
    await until('the window has read the settings', async () => (await editor.page.title()).includes(settingsRead));
    url = await server.start();
    const settings = {
      servers: { brief: { baseURL: url, outageMinutes: 0.02 } },
      roles: Object.fromEntries(roles.map((role) => [role, { server: 'brief', model: 'base' }])),
      selfInstruct: { instances: 20_000 },
    };
    writeFileSync(join(workspace, 'brief.task.json'), JSON.stringify({ ...fixtureTask, name: 'Brief', settings }));
    await editor.runCommand('AutoAct: Run the Whole Loop');
    await editor.page
      .locator('.quick-input-widget .monaco-list-row', { hasText: 'brief.task.json' })
      .click({ timeout: limitMs });
    const second = () => runs()[1]?.status;
    await until('the second run keeps pairs', () => (second()?.stages[0]?.done ?? 0) > 0);
    await server.stop();
    await until('it has failed', () => second()?.state === 'failed');
    const toast = await notified(editor, 'cannot be reached for 0.02 minutes');
    assert.match((await toast.textContent()) ?? '', /"brief".*Start it, or correct its address.*resume the run/);
    for (const name of ['Resume', 'Show Log']) assert.equal(await toast.getByRole('button', { name }).count(), 1, name);
    await editor.screenshot('run-failed');
  });

  test('no webview reported an error', () => {
    assert.deepEqual(editor.webviewErrors, []);
  });
});
