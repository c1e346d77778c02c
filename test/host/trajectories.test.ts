import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { extensionId, traceLanguage, traceScheme, trajectoriesEditor } from '../../src/contrib/ids.ts';
import { importTrajectories } from '../../src/node/data/trajectoryFolder.ts';
import { hostileText } from '../fixtures/runFolder.ts';
import { publishedLine, storedLine } from '../fixtures/trajectories.ts';
import { hostFixture, until } from './fixture.ts';
import { hostTest } from './registry.ts';

const storedTrace = (path: string, line: number): vscode.Uri =>
  vscode.Uri.from({ scheme: traceScheme, authority: 'file', path: `${vscode.Uri.file(path).path}/${line}.aatrace` });

let published: string | undefined;

/** A folder of imported trajectories in the window's workspace, and the file that it was made from. */
async function imported(): Promise<{ readonly raw: string; readonly folder: string }> {
  const { workspace } = hostFixture();
  const raw = join(workspace, 'pub-hard.jsonl');
  const folder = join(workspace, 'data', 'pub');
  if (published === undefined) {
    mkdirSync(join(workspace, 'data'), { recursive: true });
    writeFileSync(raw, Array.from({ length: 5 }, (_, k) => `${publishedLine(k, k !== 2)}\n`).join(''));
    await importTrajectories([raw], folder);
    published = folder;
  }
  return { raw, folder };
}

hostTest('a published file and an imported folder open as traces that fold and have an outline', async () => {
  const { raw, folder } = await imported();
  const texts: string[] = [];
  for (const path of [raw, join(folder, 'trajectories.jsonl')]) {
    const uri = storedTrace(path, 3);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document);
    assert.equal(document.languageId, traceLanguage);
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      uri,
    );
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ['Step 1', 'Step 2'],
    );
    const folds = await vscode.commands.executeCommand<vscode.FoldingRange[]>(
      'vscode.executeFoldingRangeProvider',
      uri,
    );
    assert.ok(folds.length >= 8, `${folds.length} folding ranges`);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri, 20);
    const commands = lenses.map(({ command }) => command?.command);
    assert.ok(commands.includes('autoact.compareTrajectories') && !commands.includes('autoact.showRequests'));
    texts.push(document.getText());
  }
  assert.match(texts[0] ?? '', /^AutoAct trace: pub-hard\/3\nFile: pub-hard\.jsonl, line 3\n/);
  assert.match(texts[0] ?? '', /\n=== End: wrong: “Lodos”\n$/);
  // The same steps, whether it was imported or not; neither tells the gold answer.
  const steps = (text = ''): string => text.slice(text.indexOf('=== Step 1'));
  assert.equal(steps(texts[0]), steps(texts[1]));
  assert.doesNotMatch(texts.join(), /CORRECT/);
});

hostTest('next and previous go along a file’s lines', async () => {
  const { raw } = await imported();
  await vscode.commands.executeCommand('autoact.nextTrajectory', storedTrace(raw, 1));
  assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), storedTrace(raw, 2).toString());
  await vscode.commands.executeCommand('autoact.previousTrajectory');
  assert.equal(vscode.window.activeTextEditor.document.uri.toString(), storedTrace(raw, 1).toString());
});

hostTest('a line that was added to a file opens, and one that is none is not found', async () => {
  const { raw } = await imported();
  await assert.rejects(async () => vscode.workspace.openTextDocument(storedTrace(raw, 6)));
  appendFileSync(raw, `${publishedLine(5)}\n`);
  const document = await vscode.workspace.openTextDocument(storedTrace(raw, 6));
  assert.match(document.getText(), /Where was person 5 born/);
});

hostTest('a hover shows the raw prompt and completion, tokens, time, seed and how it was read', async () => {
  hostFixture();
  const uri = vscode.Uri.from({ scheme: traceScheme, path: '/run-done/evaluation/autoact/q-0001/0.aatrace' });
  const document = await vscode.workspace.openTextDocument(uri);
  const line = document
    .getText()
    .split('\n')
    .findIndex((text) => text.startsWith('  Thought:'));
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    uri,
    new vscode.Position(line, 4),
  );
  const texts = hovers.flatMap(({ contents }) => contents as vscode.MarkdownString[]);
  const text = texts.map(({ value }) => value).join('\n');
  for (const part of ['210 + 18 tokens', '31 ms', 'seed 7', 'You answer questions about an archive.', 'Raw completion'])
    assert.ok(text.replaceAll('&nbsp;', ' ').replaceAll('\\', '').includes(part), `${part} in ${text}`);
  assert.ok(texts.every(({ isTrusted, supportHtml }) => isTrusted !== true && supportHtml !== true));
});

hostTest('hostile text in a hover is inside a code block', async () => {
  const { workspace } = hostFixture();
  const path = join(workspace, 'hostile.jsonl');
  const bad = '```\n[x](command:workbench.action.quit) <img src=x onerror=alert(1)>';
  writeFileSync(path, `${storedLine(0, `${hostileText}\n${bad}`)}\n${storedLine(1, 'y'.repeat(10 << 20))}\n`);
  const document = await vscode.workspace.openTextDocument(storedTrace(path, 1));
  assert.doesNotMatch(document.getText(), /[\u0000-\u0008\u000b-\u001f\u202a-\u202e]/);
  const long = await vscode.workspace.openTextDocument(storedTrace(path, 2));
  assert.match(long.getText(), /\[cut here: 10,481,7\d\d more characters\]/);
  const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>('vscode.executeLinkProvider', document.uri);
  assert.deepEqual(
    links.filter(({ target }) => target?.scheme === 'command'),
    [],
  );
});

hostTest('two trajectories of a question are compared with their steps aligned', async () => {
  hostFixture();
  const of = (system: string): vscode.Uri =>
    vscode.Uri.from({ scheme: traceScheme, path: `/run-done/evaluation/${system}/q-0001/0.aatrace` });
  await vscode.commands.executeCommand('autoact.compareTrajectories', of('autoact'), of('zero-shot'));
  const input = await until('a diff is open', () => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return tab instanceof vscode.TabInputTextDiff ? tab : undefined;
  });
  const [left = '', right = ''] = await Promise.all(
    [input.original, input.modified].map(async (uri) => (await vscode.workspace.openTextDocument(uri)).getText()),
  );
  const headings = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('=== Step'));
  assert.deepEqual(headings(left), headings(right));
  assert.ok(left.includes('evaluation/autoact/q-0001/0') && right.includes('evaluation/zero-shot/q-0001/0'));
});

hostTest('a file of trajectories opens as a table on request, and as text by itself', async () => {
  const { raw } = await imported();
  const uri = vscode.Uri.file(raw);
  await vscode.commands.executeCommand('vscode.openWith', uri, trajectoriesEditor);
  await until('the table is the active editor', () => {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputCustom && input.viewType === trajectoriesEditor ? true : undefined;
  });
  await vscode.commands.executeCommand('vscode.open', uri);
  await until('the text is open', () => vscode.window.activeTextEditor?.document.uri.fsPath === raw || undefined);
  await vscode.commands.executeCommand(
    'autoact.openTrajectories',
    vscode.Uri.file(join((await imported()).folder, 'trajectories.jsonl')),
  );
  await until(
    'the panel is open',
    () =>
      vscode.window.tabGroups.all.some(({ tabs }) =>
        tabs.some(
          ({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith('autoact.trajectories'),
        ),
      ) || undefined,
  );
});

hostTest('the link to a trace names its file, line and step', async () => {
  const { raw } = await imported();
  await vscode.commands.executeCommand('autoact.openTrace', storedTrace(raw, 2));
  const editor = vscode.window.activeTextEditor;
  assert.ok(editor);
  const line = editor.document.getText().split('\n').indexOf('=== Step 2');
  editor.selection = new vscode.Selection(line + 2, 0, line + 2, 0);
  await vscode.commands.executeCommand('autoact.copyLink');
  const link = vscode.Uri.parse(await vscode.env.clipboard.readText(), true);
  assert.equal(link.authority, extensionId);
  const fields = Object.fromEntries(new URLSearchParams(link.query));
  assert.deepEqual(fields, { file: raw, line: '2', step: '2' });
});

hostTest('every trajectory of the paper’s 13B runs opens, folds and has its outline', async () => {
  const data = join(vscode.extensions.getExtension(extensionId)?.extensionPath ?? '', '..', 'shared', 'data');
  if (!existsSync(data)) {
    console.log('not looked at: ../shared/data is not on this machine');
    return;
  }
  let steps = 0;
  for (const level of ['easy', 'medium', 'hard'])
    for (let line = 1; line <= 100; line++) {
      const uri = storedTrace(join(data, `reference-13b-${level}.jsonl`), line);
      const document = await vscode.workspace.openTextDocument(uri);
      const [symbols, folds] = await Promise.all([
        vscode.commands.executeCommand<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', uri),
        vscode.commands.executeCommand<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider', uri),
      ]);
      const own = document.getText().match(/^=== Step \d+$/gm)?.length ?? 0;
      assert.equal(symbols.length, own, uri.path);
      assert.ok(folds.length > own, uri.path);
      steps += own;
    }
  assert.equal(steps, 1481);
});

hostTest('imported data is found in the workspace', async () => {
  const { folder } = await imported();
  assert.ok(existsSync(join(folder, 'import.json')));
  const found = await vscode.workspace.findFiles('**/import.json');
  assert.ok(found.some(({ fsPath }) => fsPath === join(folder, 'import.json')));
});
