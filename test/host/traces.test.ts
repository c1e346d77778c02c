import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { traceLanguage, traceScheme } from '../../src/contrib/ids.ts';
import { trajectoryNotes } from '../fixtures/runFolder.ts';
import { hostFixture, until } from './fixture.ts';
import { hostTest } from './registry.ts';

const traceOf = (run: string, item: string): vscode.Uri =>
  vscode.Uri.from({ scheme: traceScheme, path: `/${run}/${item}.aatrace` });

hostTest('a trace opens as a read-only document with the agents told apart', async () => {
  hostFixture();
  const document = await vscode.workspace.openTextDocument(traceOf('run-done', 'evaluation/autoact/q-0001/0'));
  await vscode.window.showTextDocument(document);
  assert.equal(document.languageId, traceLanguage);
  const text = document.getText();
  for (const heading of ['=== Step 1', 'Plan agent', 'Tool agent', 'Reflect agent', 'Environment'])
    assert.ok(text.includes(`\n${heading}\n`), heading);
  assert.match(text, /=== End: right: “Lodos”/);
  assert.equal(vscode.workspace.fs.isWritableFileSystem(traceScheme), false);
});

hostTest('a trace has folding, an outline and lenses', async () => {
  const uri = traceOf('run-done', 'evaluation/autoact/q-0001/0');
  const folds = await vscode.commands.executeCommand<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider', uri);
  const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
    'vscode.executeDocumentSymbolProvider',
    uri,
  );
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri, 20);
  assert.ok(folds.length >= 10, `${folds.length} folding ranges`);
  assert.deepEqual(
    symbols.map((symbol) => symbol.name),
    ['Step 1', 'Step 2', 'Step 3'],
  );
  assert.deepEqual(
    symbols[0]?.children.map((symbol) => symbol.name),
    ['Plan agent', 'Tool agent', 'Environment'],
  );
  assert.deepEqual(
    symbols[0].children[0]?.children.map((symbol) => symbol.name),
    ['Thought', 'Action'],
  );
  const commands = lenses.map((lens) => lens.command?.command);
  for (const id of [
    'autoact.nextTrajectory',
    'autoact.previousTrajectory',
    'autoact.showProvenance',
    'autoact.showRequests',
  ])
    assert.ok(commands.includes(id), id);
});

hostTest('a trace grows while its run is live', async () => {
  const { live } = hostFixture();
  const item = 'evaluation/autoact/q-grows/0';
  const notes = trajectoryNotes(2);
  const write = (index: number): void => {
    const note = notes[index];
    if (note !== undefined) live.note(item, index, note);
  };
  write(0);
  const document = await vscode.workspace.openTextDocument(traceOf('run-live', item));
  await vscode.window.showTextDocument(document);
  assert.match(document.getText(), /\.\.\. running: the next answer is pending/);
  assert.ok(!document.getText().includes('Tool agent'));
  write(1);
  write(2);
  await until(
    'the tool agent’s argument is in the open document',
    () => document.getText().includes('  Argument: Ilan Tereu') || undefined,
  );
  notes.slice(3).forEach((_, index) => {
    write(index + 3);
  });
  live.append({ item, result: { answer: 'Umsun', finished: true } });
  await until(
    'the end is in the open document',
    () => document.getText().includes('=== End: answered “Umsun”') || undefined,
  );
});

hostTest('next and previous go to the neighbours of the same system', async () => {
  const uri = traceOf('run-done', 'evaluation/autoact/q-0001/0');
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
  await vscode.commands.executeCommand('autoact.nextTrajectory');
  const path = (): string | undefined => vscode.window.activeTextEditor?.document.uri.path;
  assert.equal(path(), '/run-done/evaluation/autoact/q-0002/0.aatrace');
  await vscode.commands.executeCommand('autoact.previousTrajectory', vscode.window.activeTextEditor?.document.uri);
  assert.equal(path(), '/run-done/evaluation/autoact/q-0001/0.aatrace');
});

hostTest('hostile text is shown, not obeyed', async () => {
  const document = await vscode.workspace.openTextDocument(traceOf('run-done', 'evaluation/autoact/q-0003/0'));
  const text = document.getText();
  assert.ok(text.includes('<script>') && text.includes('\\u{001B}[31m') && text.includes('\\u{202E}'));
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u202a-\u202e]/);
});

hostTest('provenance leads from an answer to the seed examples', async () => {
  await vscode.commands.executeCommand('autoact.showProvenance', traceOf('run-done', 'synthesis/i-0011/0'));
  const document = vscode.window.activeTextEditor?.document;
  assert.ok(document);
  const text = document.getText();
  assert.match(text, /Trajectory `synthesis\/i-0011\/0`/);
  assert.match(text, /seed example `seed-1`/);
  assert.match(text, /`plan:synthesis\/i-0011\/0#1-thought`/);
  const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>('vscode.executeLinkProvider', document.uri);
  assert.ok(links.some((link) => link.target?.scheme === traceScheme));
});

hostTest('a reason leads to the list of what was dropped', async () => {
  const { done } = hostFixture();
  await vscode.commands.executeCommand('autoact.whyDropped', {
    kind: 'dropped',
    run: { id: 'run-done', folder: done.folder, status: done.status },
    stage: { id: 'selfInstruct' },
    reason: 'near-duplicate',
  });
  const text = vscode.window.activeTextEditor?.document.getText() ?? '';
  assert.match(text, /12 found in its log/);
  assert.match(text, /near-duplicate/);
});

hostTest('prompts and raw completions of a trajectory can be read', async () => {
  await vscode.commands.executeCommand('autoact.showRequests', traceOf('run-done', 'evaluation/autoact/q-0001/0'));
  const text = vscode.window.activeTextEditor?.document.getText() ?? '';
  assert.match(text, /=== Request 0: thought, asked of plan, model base/);
  assert.match(text, /--- prompt\nYou answer questions about an archive\./);
  assert.match(text, /210 \+ 18 tokens/);
});
