/**
 * Takes the pictures of docs/screenshots in the real VS Code. Without an argument it runs the starter task there first,
 * as a newcomer would; with one, it photographs the newest run of that workspace, which has to be done.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inRoot } from '../../scripts/lib/project.mjs';
import type { RunStatus, StageId } from '../../src/core/run/status.ts';
import { startEditor, type Theme } from './codeServer.ts';
import { runsOf } from './runsOf.ts';

const limitMs = 30 * 60_000;
const themes: Theme[] = ['light', 'dark', 'high contrast'];

const [finished] = process.argv.slice(2);
const workspace = finished === undefined ? mkdtempSync(join(tmpdir(), 'autoact-pictures-')) : resolve(finished);
const pictures = inRoot('docs', 'screenshots');
mkdirSync(pictures, { recursive: true });
const editor = await startEditor({ workspace, theme: 'dark', size: { width: 1440, height: 1000 } });
const { page } = editor;

const picture = async (name: string): Promise<void> => {
  copyFileSync(await editor.screenshot(name), join(pictures, `${name}.png`));
  console.log(`docs/screenshots/${name}.png`);
};
const status = (): RunStatus | undefined => runsOf(workspace).at(-1)?.status;
const until = async (what: string, look: (now: RunStatus) => boolean): Promise<void> => {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const now = status();
    if (now !== undefined && look(now)) return;
    if (now?.state === 'failed') throw new Error(`the run failed before this was so: ${what}`);
    if (Date.now() > deadline) throw new Error(`not so after ${limitMs / 60_000} minutes: ${what}`);
    await page.waitForTimeout(500);
  }
};
const share = (now: RunStatus, id: StageId): number => {
  const stage = now.stages.find((one) => one.id === id);
  return stage === undefined || stage.total === 0 ? 0 : stage.done / stage.total;
};

async function runStarterTask(): Promise<void> {
  await editor.runCommand('AutoAct: Open Starter Task');
  await page.locator('.tab', { hasText: 'starter.task.json' }).waitFor({ timeout: 60_000 });
  await editor.runCommand('AutoAct: Run the Whole Loop');
  await until('half of the synthesis is done', (now) => share(now, 'synthesis') > 0.5);
  await picture('synthesis');
  await until('the training is under way', (now) => share(now, 'training') > 0.6);
  await picture('training');
}

async function openNewestRun(): Promise<void> {
  await page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
  const row = page.locator('.monaco-list-row', { hasText: status()?.run ?? '' }).first();
  await row.click({ timeout: 60_000 });
}

try {
  if (finished === undefined) await runStarterTask();
  else await openNewestRun();
  await until('the run is done', (now) => now.state === 'done');
  const panel = await editor.webview('table.results', 60_000);
  await panel.locator('table.results').scrollIntoViewIfNeeded();
  for (const theme of themes) {
    await editor.setTheme(theme);
    await picture(`results-${theme.replace(' ', '-')}`);
  }
  const evaluation = panel.locator('.stage', { hasText: 'Evaluation' }).last();
  const traces = evaluation.locator('details.traces');
  await traces.locator('summary').click();
  await traces.locator('button.link').first().click();
  await page.locator('.codelens-decoration', { hasText: 'Provenance' }).first().waitFor({ timeout: 60_000 });
  await page.locator('.view-line', { hasText: 'Tool agent' }).first().waitFor();
  for (const theme of themes) {
    await editor.setTheme(theme);
    await picture(`trace-${theme.replace(' ', '-')}`);
  }
  if (editor.webviewErrors.length > 0) throw new Error(`Webviews reported errors:\n${editor.webviewErrors.join('\n')}`);
} catch (error) {
  console.error(`What the window showed: ${await editor.screenshot('screenshots-failed')}`);
  throw error;
} finally {
  await editor.close();
  if (finished === undefined) rmSync(workspace, { recursive: true, force: true });
}
