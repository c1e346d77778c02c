import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { RunIndex } from '../../src/host/runs/runIndex.ts';
import { RunsTree, pageSize } from '../../src/host/views/runsTree.ts';
import type { RunsNode } from '../../src/host/views/runsTree.ts';
import { fixtureTask } from '../fixtures/runFolder.ts';
import { hostFixture, until } from './fixture.ts';
import { hostTest } from './registry.ts';

/** The tree's own classes in this bundle, over the same files that the extension reads. */
async function withTree(use: (tree: RunsTree, index: RunIndex) => Promise<void>): Promise<void> {
  const log = vscode.window.createOutputChannel('AutoAct test', { log: true });
  const index = new RunIndex(log);
  try {
    await index.refresh();
    await use(new RunsTree(index, () => new vscode.Disposable(() => undefined)), index);
  } finally {
    index.dispose();
    log.dispose();
  }
}

const find = <K extends RunsNode['kind']>(
  nodes: readonly RunsNode[],
  kind: K,
  test: (node: Extract<RunsNode, { kind: K }>) => boolean = () => true,
) =>
  nodes.find(
    (node): node is Extract<RunsNode, { kind: K }> =>
      node.kind === kind && test(node as Extract<RunsNode, { kind: K }>),
  );

hostTest('a run is read again where its end was not reported yet, and a newer report is not taken back', async () => {
  const { workspace } = hostFixture();
  await withTree(async (_tree, index) => {
    const run = index.find('run-done');
    assert.ok(run);
    const stages = run.status.stages.map((stage) => ({ ...stage, state: 'running' as const }));
    const report = (updatedAt: string): void => {
      index.update(run.folder, workspace, { ...run.status, state: 'running', stages, updatedAt });
    };
    report('2000-01-01T00:00:00.000Z');
    assert.equal((await index.reread(run)).status.state, 'done');
    assert.equal(index.find('run-done')?.status.state, 'done');
    report('2999-01-01T00:00:00.000Z');
    assert.equal((await index.reread(run)).status.state, 'running');
  });
});

hostTest('the view shows tasks, runs, stages and trajectories in pages', async () => {
  hostFixture();
  await withTree(async (tree) => {
    const task = find(await tree.getChildren(), 'task', (node) => node.task.name === fixtureTask.name);
    assert.ok(task);
    const runs = await tree.getChildren(task);
    assert.deepEqual(runs.map((node) => (node.kind === 'run' ? node.run.id : '')).sort(), [
      'run-cut',
      'run-done',
      'run-live',
    ]);
    const live = find(runs, 'run', (node) => node.run.id === 'run-live');
    assert.ok(live);
    const stages = await tree.getChildren(live);
    assert.equal(stages.length, 7);
    const synthesis = find(stages, 'stage', (node) => node.stage.id === 'synthesis');
    assert.ok(synthesis);
    const pages = await tree.getChildren(synthesis);
    assert.equal(pages.length, 3);
    const [page] = pages;
    assert.ok(page);
    const rows = await tree.getChildren(page);
    assert.equal(rows.length, pageSize);
    const item = rows[0] === undefined ? undefined : tree.getTreeItem(rows[0]);
    assert.match(String(item?.description), /^right: “Harth”/);
    assert.match(item?.accessibilityInformation?.label ?? '', /Trajectory i-0001\/0, right/);
    const evaluation = find(stages, 'stage', (node) => node.stage.id === 'evaluation');
    assert.ok(evaluation);
    assert.deepEqual(
      (await tree.getChildren(evaluation)).map((node) => (node.kind === 'system' ? node.system : node.kind)),
      ['autoact', 'zero-shot'],
    );
    const selfInstruct = find(stages, 'stage', (node) => node.stage.id === 'selfInstruct');
    assert.ok(selfInstruct);
    assert.equal((await tree.getChildren(selfInstruct)).filter((node) => node.kind === 'dropped').length, 3);
  });
});

hostTest('a run whose process is gone is interrupted and can be resumed', async () => {
  await withTree((tree, index) => {
    const run = index.find('run-cut');
    assert.equal(run?.status.state, 'interrupted');
    assert.equal(index.find('run-live')?.status.state, 'running');
    const item = tree.getTreeItem({ kind: 'run', run });
    assert.equal(item.contextValue, 'autoact.run.resumable');
    assert.match(String(item.description), /^interrupted, \d+ %/);
    return Promise.resolve();
  });
});

hostTest('a damaged status file is one item that says so, and the others stay', async () => {
  const { done } = hostFixture();
  const file = join(done.folder, 'status.json');
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, '{"version":1');
  try {
    await withTree(async (tree) => {
      const broken = find(await tree.getChildren(), 'broken');
      assert.equal(broken?.broken.id, 'run-done');
      assert.ok(broken.broken.problem.includes('status.json cannot be read'));
    });
  } finally {
    writeFileSync(file, good);
  }
});

hostTest('a change of a status file reaches the view by itself', async () => {
  const { done } = hostFixture();
  await withTree(async (_tree, index) => {
    done.status.seed = 77;
    done.saveStatus();
    await until('the run’s seed is 77', () => index.find('run-done')?.status.seed === 77 || undefined);
  });
});

hostTest('a task card is checked while it is written', async () => {
  const { workspace } = hostFixture();
  const file = join(workspace, 'wrong.task.json');
  writeFileSync(
    file,
    JSON.stringify({ name: 'Wrong', description: 'x', examples: [], metric: 'bleu', tols: [] }, null, 2),
  );
  const uri = vscode.Uri.file(file);
  await vscode.window.showTextDocument(uri);
  const messages = await until('the card has diagnostics', () => {
    const found = vscode.languages.getDiagnostics(uri).map((diagnostic) => diagnostic.message);
    return found.length >= 3 ? found : undefined;
  });
  assert.ok(
    messages.some((message) => /bleu|valid values|"f1"/.test(message)),
    messages.join('; '),
  );
  assert.ok(
    messages.some((message) => message.includes('tols')),
    messages.join('; '),
  );
  const good = vscode.Uri.file(hostFixture().task);
  await vscode.window.showTextDocument(good);
  assert.deepEqual(vscode.languages.getDiagnostics(good), []);
});

hostTest('the editor completes a card’s fields and explains them', async () => {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(hostFixture().task));
  const at = document.positionAt(document.getText().indexOf('"metric"') + 2);
  const hovers = await until('the JSON editor has loaded the schema', async () => {
    const found = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, at);
    return found.length > 0 ? found : undefined;
  });
  const text = hovers
    .flatMap((hover) =>
      hover.contents.map((content) => (content instanceof vscode.MarkdownString ? content.value : '')),
    )
    .join('\n');
  assert.match(text, /How an answer is scored/);
});

hostTest('the dashboard opens once a run', async () => {
  const { done } = hostFixture();
  const run = { id: 'run-done', folder: done.folder, workspace: hostFixture().workspace, status: done.status };
  await vscode.commands.executeCommand('autoact.openDashboard', { kind: 'run', run });
  await vscode.commands.executeCommand('autoact.openDashboard', { kind: 'run', run });
  const panels = await until('a dashboard is open', () => {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const found = tabs.filter(
      (tab) => tab.input instanceof vscode.TabInputWebview && tab.input.viewType.endsWith('autoact.dashboard'),
    );
    return found.length > 0 ? found : undefined;
  });
  assert.equal(panels.length, 1);
  assert.match(panels[0]?.label ?? '', /run-done/);
});
