import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { gatherJudgements } from '../../src/core/annotate/judgements.ts';
import { foldLabels } from '../../src/core/annotate/labels.ts';
import { readAnnotations } from '../../src/node/annotate/annotations.ts';
import { StudyFolder } from '../../src/node/annotate/studyFolder.ts';
import { scriptedRun, type ScriptedRun } from '../doubles/scriptedRun.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { Keyboard } from '../harness/keyboard.ts';

const limitMs = 60_000;
const questions = 4;
const pairs = 3;

/** The designs that are not the paper's: two methods at a time, and one trajectory at a time for training. */
describe('studies of pairs and of single trajectories, by keyboard', () => {
  let workspace: string;
  let editor: Editor;
  let keyboard: Keyboard;
  let runs: ScriptedRun[];
  const folderOf = (name: string): StudyFolder => new StudyFolder(join(workspace, `${name}.study.json`));
  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-e2e-'));
    runs = [];
    for (const name of ['first', 'second', 'third']) runs.push(await scriptedRun(workspace, name));
    editor = await startEditor({ workspace, theme: 'dark', size: { width: 1400, height: 950 } });
    keyboard = new Keyboard(editor, limitMs);
    await keyboard.watchPointer();
  });
  after(async () => {
    await editor.close();
    for (const { server } of runs) await server.stop();
    rmSync(workspace, { recursive: true, force: true });
  });

  const idOf = (at: number): string => runs[at]?.id ?? '';
  const labelsOf = (study: string, rater: string) => foldLabels(folderOf(study).annotator(rater).records(), study);
  const panelOf = async (study: string): Promise<Frame> => {
    const frame = await editor.webview('main.annotate header h1', limitMs);
    await frame.locator('h1', { hasText: study }).waitFor({ timeout: limitMs });
    await frame.locator('.pace', { hasText: ' 0 of ' }).waitFor({ timeout: limitMs });
    return frame;
  };

  test('two methods at a time: every pair of three is shown, labelled and counted', async () => {
    await keyboard.command('AutoAct: New Study…');
    await keyboard.type('(1 of 8)', 'pairs');
    await keyboard.tick('(2 of 8)', ...[0, 1, 2].map((n) => new RegExp(`zero-shot.*${idOf(n)}`)));
    await keyboard.pick('(3 of 8)', 'Two at a time');
    await keyboard.tick('(4 of 8)', 'Number of rounds', 'Logical correctness', 'Action types', 'Action parameters');
    await keyboard.type('(5 of 8)', '');
    await keyboard.type('(6 of 8)', 'ann, ben');
    await keyboard.pick('(7 of 8)', 'All annotators');
    await keyboard.pick('(8 of 8)', 'Nobody wins');
    await editor.page.locator('.tab', { hasText: 'pairs.study.json' }).waitFor({ timeout: limitMs });
    assert.equal(folderOf('pairs').study().design, 'pairwise');
    await keyboard.command('AutoAct: Prepare Study');
    await keyboard.notified('questions are prepared');
    await keyboard.command('AutoAct: Start Labelling');
    await keyboard.pick('Who are you', 'ann');
    const frame = await panelOf('pairs');
    await editor.screenshot('annotate-pairs');
    const total = Number(/of (\d+) done/.exec((await frame.textContent('.pace')) ?? '')?.[1]);
    assert.ok(total >= pairs * questions, String(total));
    for (let n = 1; n <= total; n++) {
      assert.equal(await frame.locator('.choice:not(.none)').count(), 2);
      await keyboard.pressIn(frame, '1');
      await frame.locator('.choice[aria-pressed=true]').first().waitFor({ timeout: limitMs });
      await keyboard.pressIn(frame, 'Enter');
      await frame.locator('.pace', { hasText: `${n} of ${total} done` }).waitFor({ timeout: limitMs });
    }
    const key = folderOf('pairs').key();
    const shown = folderOf('pairs')
      .plan()
      .raters.find((r) => r.name === 'ann')
      ?.presentations.filter((p) => p.order.length === 2)
      .map((p) =>
        p.order
          .map((c) => key?.candidates[c]?.method)
          .sort()
          .join(' and '),
      );
    assert.equal(new Set(shown).size, pairs);
    const { choices, guesses } = labelsOf('pairs', 'ann');
    assert.ok(choices.size >= pairs * questions);
    assert.equal(choices.size + guesses.size, total);
  });

  test('labels from elsewhere come in through a dialog, once', async () => {
    const own =
      folderOf('pairs')
        .plan()
        .raters.find((r) => r.name === 'ben')?.presentations ?? [];
    const rows = own
      .filter((p) => p.order.length === 2)
      .map((p) => ['ben', p.id, p.unit, 'coherence', p.order[0] ?? '', 'not for me'].join(','));
    const file = join(workspace, 'from-ben.csv');
    writeFileSync(file, ['rater,presentation,unit,aspect,best,reason', ...rows].join('\n'));
    for (const added of [/[1-9]\d* new records/, /0 new records/]) {
      await keyboard.command('AutoAct: Import Labels…');
      await keyboard.pick('Import labels for pairs', 'CSV');
      await keyboard.file('Labels of pairs from CSV', file);
      const told = await keyboard.notified(`${rows.length} choices`);
      assert.match((await told.textContent()) ?? '', added);
      await keyboard.command('Notifications: Clear All Notifications');
    }
    const labels = labelsOf('pairs', 'ben');
    assert.equal(labels.opened, folderOf('pairs').commitment().commitment);
    assert.equal(labels.choices.size, rows.length);
  });

  test('one trajectory at a time: verdicts on what a run synthesised go into training once the key is revealed', async () => {
    await keyboard.command('AutoAct: New Study…');
    await keyboard.type('(1 of 8)', 'fit');
    await keyboard.tick('(2 of 8)', new RegExp(`Synthesised trajectories.*${idOf(0)}`));
    await keyboard.type('(5 of 8)', '');
    await keyboard.type('(6 of 8)', 'ann');
    await editor.page.locator('.tab', { hasText: 'fit.study.json' }).waitFor({ timeout: limitMs });
    const onFit = async (title: string): Promise<void> => {
      await keyboard.command(`AutoAct: ${title}`);
      await keyboard.pick('Which study?', 'fit');
    };
    await onFit('Prepare Study');
    await keyboard.notified('2 questions are prepared');
    await onFit('Start Labelling');
    const frame = await panelOf('fit');
    await editor.screenshot('annotate-single');
    for (const [n, key] of ['a', 'x'].entries()) {
      await keyboard.pressIn(frame, '1');
      await frame.locator('.verdict.good').first().waitFor({ timeout: limitMs });
      await keyboard.pressIn(frame, key);
      await frame.locator('.whole .choice[aria-pressed=true]').first().waitFor({ timeout: limitMs });
      await keyboard.pressIn(frame, 'Enter');
      await frame.locator('.pace', { hasText: `${n + 1} of ` }).waitFor({ timeout: limitMs });
    }
    await onFit('Use Labels for Training');
    await keyboard.notified('is still blind');
    assert.equal(readAnnotations(workspace).size, 0, 'nothing is written while the study is blind');
    await onFit('Reveal Key of Study');
    await keyboard.notified('is now beside its labels');
    await onFit('Use Labels for Training');
    await keyboard.notified('2 trajectories were accepted or rejected');
    const judged = gatherJudgements(readAnnotations(workspace));
    assert.deepEqual(judged.map((j) => j.accepted).sort(), [false, true]);
    for (const { item } of judged) assert.match(item, /^synthesis\//);
    assert.equal(keyboard.pointerPresses, 0, 'all of it went without a mouse');
    assert.deepEqual(
      editor.webviewErrors.filter((line) => /annotate|Content Security/.test(line)),
      [],
    );
  });
});
