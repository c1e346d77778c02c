import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { foldLabels } from '../../src/core/annotate/labels.ts';
import { readAnnotations } from '../../src/node/annotate/annotations.ts';
import { StudyFolder } from '../../src/node/annotate/studyFolder.ts';
import { scriptedRun, type ScriptedRun } from '../doubles/scriptedRun.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { Keyboard } from '../harness/keyboard.ts';

const limitMs = 60_000;

/** A researcher's whole way in the window: a study of two runs, its labels, what became of them. */
describe('a study of two runs, from New Study to the revealed key', () => {
  let workspace: string;
  let editor: Editor;
  let keyboard: Keyboard;
  let runs: ScriptedRun[];
  let folder: StudyFolder;
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    runs = [await scriptedRun(workspace, 'first'), await scriptedRun(workspace, 'second')];
    folder = new StudyFolder(join(workspace, 'two-runs.study.json'));
    editor = await startEditor({ workspace, theme: 'dark', size: { width: 1400, height: 950 } });
    keyboard = new Keyboard(editor, limitMs);
  });
  after(async () => {
    await editor.close();
    for (const { server } of runs) await server.stop();
    rmSync(workspace, { recursive: true, force: true });
  });

  const idOf = (at: number): string => runs[at]?.id ?? '';
  const panel = (): Promise<Frame> => editor.webview('main.annotate header h1', limitMs);
  const labelsOf = (rater: string) => foldLabels(folder.annotator(rater).records(), 'two-runs');

  test('the guided command asks for all that a study needs', async () => {
    await editor.runCommand('AutoAct: New Study…');
    await keyboard.type('(1 of 8)', 'two-runs');
    await keyboard.tick('(2 of 8)', new RegExp(`zero-shot.*${idOf(0)}`), new RegExp(`zero-shot.*${idOf(1)}`));
    await keyboard.pick('(3 of 8)', 'All methods together');
    await keyboard.tick('(4 of 8)', 'Number of rounds', 'Logical correctness', 'Action types', 'Action parameters');
    await keyboard.type('(5 of 8)', '');
    // Eight answers would be lost if a name were refused only when the study is written.
    await keyboard.type('(6 of 8)', 'ann, Ben Berg');
    await editor.page.getByText('“Ben Berg”: letters, digits').waitFor({ timeout: limitMs });
    await keyboard.type('(6 of 8)', 'ann, ben');
    await keyboard.pick('(7 of 8)', 'All annotators');
    await keyboard.pick('(8 of 8)', 'Somebody else decides');
    await keyboard.type('who decides', 'cleo');
    await editor.page.locator('.tab', { hasText: 'two-runs.study.json' }).waitFor({ timeout: limitMs });
    const study = folder.study();
    assert.deepEqual(
      study.methods
        .map(({ id, run, system }) => [id, run, system])
        .sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))
        .map((m) => m[2]),
      ['zero-shot', 'zero-shot'],
    );
    assert.deepEqual(new Set(study.methods.map((m) => m.run)), new Set([idOf(0), idOf(1)]));
    assert.deepEqual(
      study.aspects.map((a) => a.id),
      ['coherence'],
    );
    assert.deepEqual([study.raters, study.ties, study.adjudicator], [['ann', 'ben'], 'adjudicate', 'cleo']);
    await editor.screenshot('study-file');
  });

  test('it is prepared, and its notification leads on to labelling', async () => {
    await editor.runCommand('AutoAct: Prepare Study');
    const told = await keyboard.notified('4 questions are prepared');
    assert.ok(existsSync(folder.sealedKey) && !folder.revealed);
    await editor.screenshot('study-prepared');
    const sealed = folder.commitment();
    await keyboard.command('AutoAct: Prepare Study');
    const dialog = editor.page.locator('.monaco-dialog-box', { hasText: 'is prepared already' });
    await dialog.waitFor({ timeout: limitMs });
    await editor.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(folder.commitment(), sealed, 'nobody agreed to prepare it again');
    await told.locator('.monaco-button', { hasText: 'Start Labelling' }).click();
    await keyboard.pick('Who are you', 'ann');
    const frame = await panel();
    await frame.locator('.pace', { hasText: '0 of 8 done' }).waitFor({ timeout: limitMs });
  });

  /** Holds one method's trajectory for the best of every question, by keyboard. */
  const judgeAll = async (rater: string, method: string, total: number): Promise<void> => {
    const frame = await panel();
    await frame.locator('.title', { hasText: rater }).waitFor({ timeout: limitMs });
    const key = folder.key();
    const own = folder.plan().raters.find((r) => r.name === rater)?.presentations;
    for (let n = 1; n <= total; n++) {
      const place = Number(/Item (\d+)/.exec((await frame.textContent('.pace')) ?? '')?.[1]);
      const order = own?.[place - 1]?.order;
      const best = order?.findIndex((c) => key?.candidates[c]?.method === method) ?? 0;
      await keyboard.pressIn(frame, String(Math.max(best, 0) + 1));
      await frame.locator('.choice[aria-pressed=true]').first().waitFor({ timeout: limitMs });
      await keyboard.pressIn(frame, 'Enter');
      await frame.locator('.pace', { hasText: `${n} of` }).waitFor({ timeout: limitMs });
    }
  };
  const start = async (rater: string): Promise<void> => {
    await editor.runCommand('AutoAct: Start Labelling');
    await keyboard.pick('Who are you', rater);
  };
  /** Waits until the queue shows this annotator first with the list open, and that one next with it closed. */
  const queueIs = async (current: string, next: string): Promise<void> => {
    for (const [place, rater, open] of [
      [1, current, true],
      [2, next, false],
    ] as const)
      await editor.page
        .locator(`.monaco-list-row[aria-level="2"][aria-posinset="${place}"][aria-expanded="${String(open)}"]`)
        .filter({ hasText: new RegExp(`^${rater}\\d+ of`) })
        .waitFor({ timeout: limitMs });
  };

  test('two annotators are of two minds, and the third decides, all blind', async () => {
    const [first = '', second = ''] = folder.study().methods.map((m) => m.id);
    await judgeAll('ann', first, 8);
    await queueIs('ann', 'ben');
    await start('ben');
    await queueIs('ben', 'ann');
    await judgeAll('ben', second, 8);
    assert.deepEqual([labelsOf('ann').done.size, labelsOf('ann').guesses.size], [4, 4]);
    await start('cleo');
    const frame = await panel();
    await frame.locator('.pace', { hasText: '0 of 4 done' }).waitFor({ timeout: limitMs });
    const shown = (await frame.textContent('main')) ?? '';
    for (const tell of [idOf(0), idOf(1), 'zero-shot', 'ann', 'ben', 'Retrieve', 'Finish'])
      assert.ok(!new RegExp(`\\b${tell}\\b`).test(shown), tell);
    await editor.screenshot('annotate-adjudication');
    for (let n = 1; n <= 4; n++) {
      await keyboard.pressIn(frame, '1');
      await frame.locator('.choice[aria-pressed=true]').first().waitFor({ timeout: limitMs });
      await keyboard.pressIn(frame, 'Enter');
      await frame.locator('.pace', { hasText: `${n} of 4 done` }).waitFor({ timeout: limitMs });
    }
    assert.equal(labelsOf('cleo').done.size, 4);
  });

  test('the report counts what was decided; the key is revealed and holds; labels go to three formats', async () => {
    await editor.runCommand('AutoAct: Analyse Study');
    const report = await editor.webview('h2#win-rates', limitMs);
    await report.locator('table', { hasText: 'Win rate' }).first().waitFor({ timeout: limitMs });
    await editor.screenshot('annotate-report-runs');
    const { aspects } = JSON.parse(readFileSync(join(folder.path, 'report.json'), 'utf8')) as {
      aspects: { decided: number; undecided: number }[];
    };
    assert.deepEqual([aspects[0]?.decided, aspects[0]?.undecided], [4, 0]);
    await editor.runCommand('AutoAct: Reveal Key of Study');
    await keyboard.notified('is now beside its labels');
    assert.ok(folder.revealed && folder.verify(folder.labels()).holds);
    for (const [label, file] of [
      ['CSV', 'labels.csv'],
      ['Label Studio', 'labels.label-studio.json'],
      ['Argilla', 'labels.argilla.json'],
    ] as const) {
      await editor.runCommand('AutoAct: Export Labels…');
      await keyboard.pick('Export the labels', label);
      await editor.page.locator('.tab', { hasText: file }).waitFor({ timeout: limitMs });
      assert.ok(existsSync(join(folder.path, file)), file);
    }
    assert.equal(readFileSync(join(folder.path, 'labels.csv'), 'utf8').trim().split('\n').length, 1 + 8);
  });

  test('a step of a trace is commented on in the editor; the comment is in the annotator’s file and can be taken back', async () => {
    const { page } = editor;
    await editor.runCommand('View: Close All Editors');
    await page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await page
      .locator('.monaco-list-row', { hasText: idOf(0) })
      .first()
      .click({ timeout: limitMs });
    const dashboard = await editor.webview('table.results', limitMs);
    const traces = dashboard.locator('.stage', { hasText: 'Evaluation' }).locator('details.traces');
    await traces.locator('summary').click();
    await traces.locator('button.link').first().click();
    const step = page.locator('.view-line', { hasText: 'Arden' }).first();
    await step.click({ timeout: limitMs });
    await editor.runCommand('Comments: Add Comment on Current Selection');
    const box = page.locator('.review-widget .comment-form .monaco-editor').first();
    await box.click({ timeout: limitMs });
    await page.keyboard.type('The page says more than this.');
    await page
      .locator('.review-widget .form-actions .monaco-button', { hasText: 'Add Comment to Step' })
      .first()
      .click({ timeout: limitMs });
    await keyboard.type('Under which name', 'ann');
    const comments = () =>
      [...(readAnnotations(workspace).get('ann')?.targets.values() ?? [])].flatMap((t) => t.comments);
    const until = async (what: string, holds: () => boolean): Promise<void> => {
      const end = Date.now() + limitMs;
      while (!holds()) {
        if (Date.now() > end) throw new Error(`never so: ${what}`);
        await page.waitForTimeout(100);
      }
    };
    await until('the comment is written', () => comments().length === 1);
    assert.equal(comments()[0]?.text, 'The page says more than this.');
    assert.ok((comments()[0]?.step ?? 0) >= 1);
    await page
      .locator('.comment-range-glyph.comment-thread, .comment-range-glyph.comment-thread-unresolved')
      .first()
      .click({ timeout: limitMs });
    const shown = page.locator('.review-widget .review-comment', { hasText: 'The page says more than this.' }).first();
    await shown.waitFor({ timeout: limitMs });
    await editor.screenshot('trace-comment');
    await shown.hover();
    await shown.locator('[aria-label*="Remove Comment"]').first().click({ timeout: limitMs });
    await until('the comment is taken back', () => comments().length === 0);
    assert.deepEqual(
      editor.webviewErrors.filter((line) => /annotate|Content Security/.test(line)),
      [],
    );
  });
});
