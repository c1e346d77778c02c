import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEntry } from '../../src/core/run/log.ts';
import { inRoot } from '../../scripts/lib/project.mjs';
import { notified } from '../harness/notified.ts';
import { runsOf } from '../harness/runsOf.ts';
import { agents, limitMs, TrainingWindow, withoutTraining } from '../harness/trainingWindow.ts';

/** The starter task at a size that ends in seconds: a question a level, and nothing is trained in it. */
function writeTask(workspace: string): void {
  const card = JSON.parse(readFileSync(inRoot('starter', 'starter.task.json'), 'utf8')) as { settings: object };
  const settings = {
    ...card.settings,
    selfInstruct: { ...(card.settings as { selfInstruct: object }).selfInstruct, instances: 6 },
    synthesis: { maxSteps: 6, rollouts: 1 },
    evaluation: { systems: ['zero-shot'], perLevel: 1 },
  };
  writeFileSync(join(workspace, 'starter.task.json'), JSON.stringify({ ...card, settings }));
}

describe('what a training job has made, used from the window', { skip: withoutTraining }, () => {
  let window: TrainingWindow;
  let opened: TrainingWindow | undefined;
  let models: readonly string[] = [];

  before(async () => {
    window = opened = await TrainingWindow.open({ epochs: 2, prepare: writeTask });
    await window.state('Finished');
  });
  after(() => opened?.close());

  test('Download copies the adapters to a folder that is chosen', async () => {
    const { editor, folder, job } = window;
    mkdirSync(join(folder, 'downloads'));
    await window.press('Download');
    const dialog = editor.page.locator('.quick-input-widget');
    const row = dialog.locator('.monaco-list-row');
    // What is typed or accepted while the dialog still reads a folder is lost.
    await row.filter({ hasText: '..' }).waitFor({ timeout: limitMs });
    await dialog
      .locator('input:visible')
      .last()
      .fill(`${join(folder, 'downloads')}/`);
    await editor.page.waitForTimeout(1000);
    await dialog.locator('.monaco-button', { hasText: 'Download Here' }).click();
    await dialog.waitFor({ state: 'hidden', timeout: limitMs });
    await notified(editor, 'the adapters are in', limitMs);
    const made = join(folder, 'downloads', 'agents-1');
    for (const name of agents)
      assert.deepEqual(
        readFileSync(join(made, name, 'adapter_model.safetensors')),
        readFileSync(join(job.folder, 'out', name, 'adapter_model.safetensors')),
      );
    assert.ok(existsSync(join(made, 'manifest.json')));
    // Nobody has to read the notification first.
    await window.panel.locator('aat-button:not([disabled])', { hasText: 'Serve' }).waitFor({ timeout: limitMs });
    await editor.runCommand('Notifications: Clear All Notifications');
  });

  test('Serve, and one click more: the next run of the task asks the three agents on the box', async () => {
    const { editor, panel, workspace } = window;
    await window.press('Serve');
    await notified(editor, '3 adapters answer from gpu as they were trained', limitMs);
    await editor.runCommand('Notifications: Clear All Notifications');
    await panel.locator('.badge.good').nth(2).waitFor({ timeout: limitMs });
    models = await panel.locator('.served .mono').allInnerTexts();
    assert.deepEqual(models.map((model) => model.replace(/-[0-9a-f]{8}$/, '')).sort(), [...agents].sort());
    await window.pictures('served');
    await window.press('Use for the Roles');
    const told = await notified(editor, 'the next run of "Starter encyclopedia" asks', limitMs);
    const message = (await told.textContent()) ?? '';
    for (const model of models) assert.ok(message.includes(model), message);
    await editor.runCommand('Notifications: Clear All Notifications');

    await editor.runCommand('AutoAct: Run the Whole Loop');
    const status = () => runsOf(workspace)[0]?.status;
    const end = Date.now() + limitMs;
    while (['running', undefined].includes(status()?.state)) {
      assert.ok(Date.now() < end, `the run does not end: ${JSON.stringify(status())}`);
      await sleep(200);
    }
    assert.equal(status()?.state, 'done', JSON.stringify(status()));
    const asked = new Map<string, Set<string>>();
    const log = join(runsOf(workspace)[0]?.folder ?? '', 'log.jsonl');
    for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
      const entry = JSON.parse(line) as LogEntry;
      assert.ok(!('failed' in entry), line);
      if (!entry.item.startsWith('evaluation/') || !('asked' in entry) || !('role' in entry.asked)) continue;
      const { role, model } = entry.asked;
      asked.set(role, (asked.get(role) ?? new Set()).add(model ?? ''));
    }
    for (const name of agents)
      assert.deepEqual([...(asked.get(name) ?? [])], [models.find((model) => model.startsWith(`${name}-`))]);
    await editor.screenshot('job-served-run');
  });

  test('Stop ends the server, and nothing of it is left on the box', async () => {
    const { editor } = window;
    const server = readdirSync(window.jobs).find((id) => id !== 'agents-1') ?? '';
    assert.notDeepEqual(window.left(join(window.jobs, server)), []);
    const before = window.left();
    await window.openJob(/^Server /, 'header aat-button:text("Stop")');
    await window.pictures('server');
    await window.press('Stop');
    await window.state('Stopped');
    assert.deepEqual(window.left(join(window.jobs, server)), []);
    // Nor of what the server has started, whatever that is called.
    assert.deepEqual(
      before.filter((pid) => window.left().includes(pid)),
      [],
    );
    await editor.screenshot('job-server-stopped');
    assert.deepEqual(editor.webviewErrors, []);
  });
});
