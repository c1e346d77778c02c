import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { runsOf } from '../harness/runsOf.ts';

const limitMs = 60_000;

/** Another extension's model, reached through the real `vscode.lm`. */
describe('a run on a language model of the editor', () => {
  let workspace: string;
  let editor: Editor;

  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-lm-'));
    writeFileSync(
      join(workspace, 'pages.jsonl'),
      `${JSON.stringify({ title: 'Arden', paragraphs: ['Arden is a town.'] })}\n`,
    );
    writeFileSync(
      join(workspace, 'questions.jsonl'),
      ['Arden', 'Velm']
        .map((answer, i) => `${JSON.stringify({ id: `q${i}`, question: `Who is ${i}?`, answer, level: 'easy' })}\n`)
        .join(''),
    );
    writeFileSync(
      join(workspace, 'small.task.json'),
      JSON.stringify({
        ...{ name: 'small', description: 'You answer questions.', metric: 'f1', levels: ['easy'] },
        examples: [{ question: 'Where was Ada born?', answer: 'Arden' }],
        ...{ documents: 'pages.jsonl', questions: 'questions.jsonl' },
        settings: {
          servers: { editor: { kind: 'vscode' } },
          roles: { default: { server: 'editor', model: 'autoact-test/small' } },
          selfInstruct: { instances: 2, perAnswerCap: 100, similarity: 1 },
          evaluation: { systems: ['zero-shot'] },
        },
      }),
    );
    editor = await startEditor({
      workspace,
      extensions: [resolve('test/fixtures/modelProvider')],
      settings: { 'chat.disableAIFeatures': false },
      size: { width: 1440, height: 900 },
    });
  });
  after(async () => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const status = () => runsOf(workspace)[0]?.status;

  test('goes to its table, and says that nobody can reproduce it', async () => {
    await editor.openFile('small.task.json');
    await editor.runCommand('AutoAct: Open Dashboard');
    const panel = await editor.webview('form.configuration', limitMs);
    await panel.locator('aat-button', { hasText: 'Start' }).first().click();
    const allow = editor.page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Allow' }).first();
    const deadline = Date.now() + limitMs;
    while (status()?.state !== 'done') {
      if (await allow.isVisible()) await allow.click(); // Where the window asks for consent.
      const now = status();
      assert.notEqual(now?.state, 'failed', JSON.stringify(now?.stages.flatMap(({ error }) => error ?? [])));
      if (Date.now() > deadline) assert.fail(`${await editor.screenshot('editor-models')}: ${JSON.stringify(now)}`);
      await delay(200);
    }
    const report = readFileSync(join(runsOf(workspace)[0]?.folder ?? '', 'report.md'), 'utf8');
    assert.match(report, /not reproducible|cannot be reproduced/i);
    const [result] = status()?.results ?? [];
    assert.equal(result?.levels.at(-1)?.score, 0.5, 'one of the two answers is right');
    assert.ok((status()?.ledger?.asked ?? 0) > 10);
  });
});
