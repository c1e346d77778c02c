import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from 'playwright-core';
import { RunStatus } from '../../src/core/run/status.ts';
import { scriptedRun, type ScriptedRun } from '../doubles/scriptedRun.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';

const limitMs = 90_000;

/** A stage of a real run that is done is run again: the question before it, both its answers, and what comes of them. */
describe('a stage that is run again', () => {
  let workspace: string;
  let editor: Editor;
  let run: ScriptedRun;
  let panel: Frame;
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    run = await scriptedRun(workspace);
    editor = await startEditor({ workspace, theme: 'light', size: { width: 1440, height: 1000 } });
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await editor.page.locator('.monaco-list-row', { hasText: run.id }).first().click({ timeout: limitMs });
    panel = await editor.webview('button[aria-label="Run Evaluation only"]', limitMs);
  });
  after(async () => {
    await run.server.stop();
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const file = (name: string): string => readFileSync(join(workspace, '.autoact', 'runs', run.id, name), 'utf8');
  const status = (): RunStatus => RunStatus.parse(JSON.parse(file('status.json')));
  const dialog = () => editor.page.locator('.monaco-dialog-box');
  const runAgain = async (): Promise<void> => {
    await panel.locator('button[aria-label="Run Evaluation only"]').click();
    await dialog().waitFor({ timeout: limitMs });
    assert.match((await dialog().textContent()) ?? '', /Evaluation of this run is done\. Run it again\?/);
  };

  test('Cancel leaves everything as it was', async () => {
    const [before, log] = [file('status.json'), file('log.jsonl')];
    await runAgain();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await dialog().waitFor({ state: 'detached', timeout: limitMs });
    await delay(2000);
    assert.equal(file('status.json'), before);
    assert.equal(file('log.jsonl'), log);
  });

  test('Run It Again runs the stage in a process of its own, and asks nothing that the log has answers to', async () => {
    const before = status();
    const asked = run.server.asked.length;
    await runAgain();
    await editor.screenshot('run-again');
    await dialog().getByRole('button', { name: 'Run It Again' }).click();
    const end = Date.now() + limitMs;
    while (!(status().updatedAt > before.updatedAt && ['done', 'failed'].includes(status().state))) {
      if (Date.now() > end)
        assert.fail(`the stage did not end: ${status().state}, ${await editor.screenshot('run-again-failed')}`);
      await delay(200);
    }
    const { state, stages } = status();
    assert.equal(state, 'done');
    const evaluation = stages.find(({ id }) => id === 'evaluation');
    assert.deepEqual([evaluation?.state, evaluation?.earlier, evaluation?.again], ['done', undefined, undefined]);
    const again = run.server.asked.slice(asked).filter(({ prompt }) => prompt.includes('Where does traveller'));
    assert.equal(again.length, 0, 'answers of the log are not asked again');
    assert.match(file('log.jsonl').trim().split('\n').at(-1) ?? '', /"item":"run"/);
    const shown = panel.locator('dd.state');
    await shown.getByText('Evaluation done, Report waiting').waitFor({ timeout: limitMs });
    await editor.screenshot('run-again-done');
  });
});
