/** Runs the starter task in the real VS Code, as a newcomer would, and takes the pictures of docs/screenshots. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot } from '../../scripts/lib/project.mjs';
import { RunStatus, type StageId } from '../../src/core/run/status.ts';
import { startEditor, type Theme } from './codeServer.ts';

const limitMs = 30 * 60_000;
const themes: Theme[] = ['light', 'dark', 'high contrast'];

const workspace = mkdtempSync(join(tmpdir(), 'autoact-pictures-'));
const pictures = inRoot('docs', 'screenshots');
mkdirSync(pictures, { recursive: true });
const editor = await startEditor({ workspace, theme: 'dark', size: { width: 1440, height: 1000 } });
const { page } = editor;

const picture = async (name: string): Promise<void> => {
  copyFileSync(await editor.screenshot(name), join(pictures, `${name}.png`));
  console.log(`docs/screenshots/${name}.png`);
};
const status = (): RunStatus | undefined => {
  const runs = join(workspace, '.autoact', 'runs');
  const [run] = existsSync(runs) ? readdirSync(runs) : [];
  const file = join(runs, run ?? '', 'status.json');
  return run !== undefined && existsSync(file) ? RunStatus.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
};
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

try {
  await editor.runCommand('AutoAct: Open Starter Task');
  await page.locator('.tab', { hasText: 'starter.task.json' }).waitFor({ timeout: 60_000 });
  await editor.runCommand('AutoAct: Run the Whole Loop');
  await until('half of the synthesis is done', (now) => share(now, 'synthesis') > 0.5);
  await picture('synthesis');
  await until('the training is under way', (now) => share(now, 'training') > 0.6);
  await picture('training');
  await until('the run is done', (now) => now.state === 'done');
  const panel = await editor.webview('table.results', 60_000);
  await panel.locator('table.results').scrollIntoViewIfNeeded();
  for (const theme of themes) {
    await editor.setTheme(theme);
    await picture(`results-${theme.replace(' ', '-')}`);
  }
  const evaluation = panel.locator('.stage', { hasText: 'Evaluation' });
  await evaluation.locator('details.traces summary').click();
  await evaluation.locator('button.link').first().click();
  await page.locator('.codelens-decoration', { hasText: 'Provenance' }).first().waitFor({ timeout: 60_000 });
  await page.locator('.view-line', { hasText: 'Tool agent' }).first().waitFor();
  for (const theme of themes) {
    await editor.setTheme(theme);
    await picture(`trace-${theme.replace(' ', '-')}`);
  }
  if (editor.webviewErrors.length > 0) throw new Error(`Webviews reported errors:\n${editor.webviewErrors.join('\n')}`);
} finally {
  await editor.close();
  rmSync(workspace, { recursive: true, force: true });
}
