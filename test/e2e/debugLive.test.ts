import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { LogEntry } from '../../src/core/run/log.ts';
import type { TraceNote } from '../../src/core/run/request.ts';
import { inRoot } from '../../scripts/lib/project.mjs';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { debugWindow, debugWindowSettings, debugWindowSize, type DebugWindow } from '../harness/debugWindow.ts';

const limitMs = 60_000;
/** A run of the starter task that ends in half a minute; nothing is trained in it. */
const small = {
  'selfInstruct.instances': '8',
  'synthesis.rollouts': '1',
  'evaluation.systems': '["zero-shot"]',
  'evaluation.perLevel': '2',
};

/** A plan of the starter task is changed in the middle, and the run's own embedded model carries it on. */
describe('debugging live in the window', () => {
  let workspace: string;
  let editor: Editor;
  let debug: DebugWindow;
  let forks: string;
  /** The argument of another plan's first action: a page that the run's tools know. */
  let otherPage = '';
  let thought = '';

  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-live-'));
    const task = join(workspace, 'starter.task.json');
    copyFileSync(inRoot('starter', 'starter.task.json'), task);
    const settings = Object.entries(small).flatMap(([name, value]) => ['--setting', `${name}=${value}`]);
    const cli = [inRoot('dist', 'cli.js'), 'run', '--task', task, '--workspace', workspace, ...settings];
    await promisify(execFile)(process.execPath, cli, { maxBuffer: 64 << 20 });
    const runs = join(workspace, '.autoact', 'runs');
    const [run = ''] = readdirSync(runs);
    forks = join(runs, run, 'forks');

    const notes = new Map<string, TraceNote[]>();
    for (const text of readFileSync(join(runs, run, 'log.jsonl'), 'utf8')
      .trim()
      .split('\n')) {
      const entry = JSON.parse(text) as LogEntry;
      if (entry.item.startsWith('evaluation/') && 'note' in entry)
        notes.set(entry.item, [...(notes.get(entry.item) ?? []), entry.note]);
    }
    const looked = (of: TraceNote[]) => of.find(({ kind, tool }) => kind === 'action' && tool === 'Retrieve')?.argument;
    const retrieving = [...notes].filter(([, of]) => looked(of.slice(0, 2)) !== undefined);
    const [[trajectory, own] = ['', []], ...others] = retrieving;
    thought = own.find(({ step, kind }) => step === 2 && kind === 'thought')?.text ?? '';
    otherPage = others.map(([, of]) => looked(of)).find((page) => page !== looked(own)) ?? '';
    assert.ok(thought !== '' && otherPage !== '', 'two plans of the run look something up first');

    mkdirSync(join(workspace, '.vscode'));
    const configurations = [{ type: 'autoact', request: 'launch', name: 'Plan live', run, trajectory, mode: 'live' }];
    writeFileSync(join(workspace, '.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
    editor = await startEditor({ workspace, theme: 'dark', size: debugWindowSize, settings: debugWindowSettings });
    debug = debugWindow(editor);
  });
  after(async () => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it is undefined when the window did not open
    await editor?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const page = () => editor.page;

  test('a plan of the starter task stops at its entry, in the trace of the run', async () => {
    await debug.start('Plan live');
    await page().locator('.debug-top-stack-frame-line').first().waitFor({ timeout: limitMs });
    await debug.line(thought).waitFor({ timeout: limitMs });
    await page()
      .locator('.codelens-decoration', { hasText: 'Resample this step' })
      .first()
      .waitFor({ timeout: limitMs });
  });

  test('it goes by the recording to a breakpoint with a condition, and back', async () => {
    await debug.addConditional(thought, 'step == 2');
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('Step 2');
    await debug.standsAt('Plan agent · thought');
    for (const place of ['Environment · observation', 'Plan agent · action']) {
      await debug.stepBack();
      await debug.standsAt(place);
    }
    await debug.standsAt('Step 1');
  });

  test('an edited argument makes a fork, which the model and the tools of the run carry on to its end', async () => {
    await debug.setVariable('argument', otherPage);
    await debug.tab('fork-1');
    await editor.runCommand('Debug: Continue');
    await debug.standsAt('Step 2'); // the breakpoint of the recording holds in the fork
    const [file = ''] = readdirSync(forks);
    assert.match(readFileSync(join(forks, file), 'utf8'), /"origin":"live"/);
    await debug.inThemes('debug-live');
    // A weak model may come to actions that a filter stops at.
    const ended = page().locator('.debug-call-stack .monaco-list-row', { hasText: 'End of the plan' }).first();
    for (let tries = 0; tries < 12 && !(await ended.isVisible()); tries++) {
      await editor.runCommand('Debug: Continue');
      await page().waitForTimeout(3000);
    }
    await ended.waitFor({ timeout: limitMs });
    await editor.screenshot('debug-live-end');
  });

  test('fork and original are compared', async () => {
    await editor.runCommand('AutoAct: Compare Fork with Original');
    const diff = page().locator('.monaco-diff-editor .editor.modified');
    await diff
      .locator('.view-line', { hasText: `Argument: ${otherPage}` })
      .first()
      .waitFor({ timeout: limitMs });
    await editor.screenshot('debug-live-compare');
    await editor.runCommand('Debug: Stop');
  });

  test('no error in the extension host', () => {
    assert.deepEqual(
      editor.hostLines.filter((line) => /autoact/i.test(line) && /error/i.test(line)),
      [],
    );
  });
});
