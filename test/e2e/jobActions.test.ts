import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeFixtureTask } from '../fixtures/runFolder.ts';
import { agents, limitMs, TrainingWindow, withoutTraining } from '../harness/trainingWindow.ts';

describe('the buttons of a training job, with the starter model on a box', { skip: withoutTraining }, () => {
  let window: TrainingWindow;
  let opened: TrainingWindow | undefined;

  before(async () => {
    window = opened = await TrainingWindow.open({ epochs: 10, prepare: writeFixtureTask });
  });
  after(() => opened?.close());

  test('Cancel stops it with a checkpoint, and Resume goes on to the end of every curve', async () => {
    const { panel, job, editor } = window;
    await panel
      .locator('.curve', { hasText: /step [1-9]\d* of/ })
      .first()
      .waitFor({ timeout: limitMs });
    await window.press('Cancel');
    await window.state('Stopped');
    assert.match(readFileSync(join(job.folder, 'exit'), 'utf8'), /^75 /);
    assert.deepEqual(window.left(job.folder), []);
    await window.pictures('stopped');
    await window.press('Resume');
    await window.state('Finished');
    await panel.locator('.notices', { hasText: /goes on from step/ }).waitFor({ timeout: limitMs });
    for (const name of agents) {
      const text = (await panel.locator('.curve', { hasText: name }).first().textContent()) ?? '';
      const [, step, of] = /step (\d+) of (\d+)/.exec(text) ?? [];
      assert.ok(step !== undefined && step === of, text);
    }
    assert.deepEqual(editor.webviewErrors, []);
  });
});
