import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { scriptedRun, type ScriptedRun } from '../doubles/scriptedRun.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { debugWindow, debugWindowSettings, debugWindowSize, type DebugWindow } from '../harness/debugWindow.ts';
import { writePublished } from '../unit/dap/scenario.ts';

const limitMs = 60_000;

/** An imported trajectory is taken apart in replay: stopped, stepped back, edited, resumed on a fork, compared. */
describe('debugging plans in the window', () => {
  let workspace: string;
  let editor: Editor;
  let run: ScriptedRun;
  let debug: DebugWindow;

  before(async () => {
    ({ workspace } = writePublished());
    run = await scriptedRun(workspace);
    mkdirSync(join(workspace, '.vscode'));
    const configurations = [
      { type: 'autoact', request: 'launch', name: 'Replay the plan', file: join(workspace, 'plans.jsonl'), line: 1 },
    ];
    writeFileSync(join(workspace, '.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
    editor = await startEditor({ workspace, theme: 'dark', size: debugWindowSize, settings: debugWindowSettings });
    debug = debugWindow(editor);
  });
  after(async () => {
    await run.server.stop();
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  afterEach(async (context) => {
    if ('passed' in context && !context.passed)
      await editor.screenshot(`debug-failed-${context.name.slice(0, 20).replace(/\W+/g, '-')}`);
  });

  const page = () => editor.page;

  test('a published trajectory is replayed: it stops at its entry, in its trace', async () => {
    await debug.start('Replay the plan');
    await debug.standsAt('Which town is the harbour');
    await debug.tab('plans.jsonl:1');
    await page().locator('.debug-top-stack-frame-line').first().waitFor({ timeout: limitMs });
    await editor.screenshot('debug-entry');
  });

  test('a tool that fails stops it: that filter is on from the start', async () => {
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('answered Retrieve[Sarn]');
    await page().getByText('The tool Retrieve failed.').first().waitFor({ timeout: limitMs });
    await editor.screenshot('debug-tool-error');
  });

  test('a breakpoint stops it where its condition is met, and not where it is not', async () => {
    await page().locator('.tab', { hasText: 'plans.jsonl:1' }).click();
    await debug.addConditional('I look again.', 'step > 90');
    await debug.addConditional('That is the answer.', 'step >= 4 && contains(thought, "answer")');
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('Step 4');
    await debug.standsAt('Plan agent · thought');
    await debug.inThemes('debug-breakpoint');
  });

  test('stepped back, an argument is edited: the plan goes on as a fork', async () => {
    for (const place of ['Environment · observation', 'Plan agent · action']) {
      await debug.stepBack();
      await debug.standsAt(place);
      await debug.standsAt('Step 3');
    }
    await debug.setVariable('argument', 'map of the coast');
    await debug.tab('fork-1');
    await debug.line('Argument: map of the coast').waitFor({ timeout: limitMs });
    assert.equal(
      await debug.remark('Argument: map of the coast', 'Orvale'),
      'before: harbour of Orvale',
      'what the value was stands beside it',
    );
    await debug.inThemes('debug-fork');
    // What was imported has no models: its fork offers to be debugged, and not to be asked again.
    const lens = (text: string) => page().locator('.codelens-decoration', { hasText: text });
    await lens('Debug from here').first().waitFor({ timeout: limitMs });
    assert.equal(await lens('Resample this step').count(), 0);
  });

  test('resumed, it asks for the answer that no recording has, and goes on to its end', async () => {
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('asking Search[map of the coast]');
    await editor.screenshot('debug-unanswered');
    await debug.setVariable('answer', 'Sarn lies at the sea.');
    await debug.standsAt('answered Search[map of the coast]');
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('Step 4'); // the breakpoint of the recording holds in the fork
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('End of the plan');
    const forks = join(workspace, '.autoact', 'forks', 'plans');
    const [file = ''] = readdirSync(forks);
    assert.match(readFileSync(join(forks, file), 'utf8'), /Sarn lies at the sea/);
  });

  test('fork and original are compared side by side', async () => {
    await editor.runCommand('AutoAct: Compare Fork with Original');
    const diff = page().locator('.monaco-diff-editor');
    await diff.waitFor({ timeout: limitMs });
    const has = (side: string, text: string) =>
      diff.locator(`.editor.${side} .view-line`, { hasText: text }).first().waitFor({ timeout: limitMs });
    await has('modified', 'Argument: map of the coast');
    await has('original', 'Argument: harbour of Orvale');
    // Both are laid out by each other: every step has its heading on both sides, also where one lacks it.
    const sides = ['original', 'modified'].map((side) => diff.locator(`.editor.${side}`));
    for (const [k, side] of sides.entries())
      assert.equal(await side.locator(`[data-uri*="/compare/${k === 0 ? 'left' : 'right'}/"]`).count(), 1);
    const headings = await Promise.all(
      sides.map((side) => side.locator('.view-line', { hasText: '=== Step' }).allTextContents()),
    );
    assert.ok((headings[0]?.length ?? 0) > 0);
    assert.deepEqual(headings[0], headings[1]);
    await debug.inThemes('debug-compare');
    await editor.runCommand('Debug: Stop');
  });

  test('questions are in the Testing view, with recorded answers that cost nothing', async () => {
    const asked = run.server.asked.length;
    await editor.runCommand('Testing: Focus on Test Explorer View');
    const row = (text: string) => page().locator('.test-explorer .monaco-list-row', { hasText: text }).first();
    await row('travellers').waitFor({ timeout: limitMs });
    await editor.runCommand('Test: Run All Tests');
    await row('travellers').click();
    await page().keyboard.press('ArrowRight');
    await row('easy').click();
    await page().keyboard.press('ArrowRight');
    await row('Where does traveller 1 live').waitFor({ timeout: limitMs });
    await page()
      .locator('.test-explorer .testing-run-failed, .test-explorer .codicon-testing-failed-icon')
      .first()
      .waitFor({ timeout: limitMs });
    await row('Where does traveller 1 live').click();
    await editor.screenshot('testing');
    assert.equal(run.server.asked.length, asked);
  });

  test('no error in the extension host', () => {
    assert.deepEqual(
      editor.hostLines.filter((line) => /autoact/i.test(line) && /error/i.test(line)),
      [],
    );
  });
});
