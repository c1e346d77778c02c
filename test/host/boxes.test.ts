import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { boxesView, treeContext } from '../../src/contrib/ids.ts';
import { BoxPrompts } from '../../src/host/boxes/boxPrompts.ts';
import { BoxService } from '../../src/host/boxes/boxService.ts';
import { BoxesTree } from '../../src/host/boxes/boxesTree.ts';
import { hostTest } from './registry.ts';

function memory(): vscode.SecretStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get: (key) => Promise.resolve(kept.get(key)),
    store: (key, value) => Promise.resolve(void kept.set(key, value)),
    delete: (key) => Promise.resolve(void kept.delete(key)),
    onDidChange: new vscode.EventEmitter<vscode.SecretStorageChangeEvent>().event,
  };
}

hostTest(
  'the Boxes view lists the boxes of this user, connects to none of them by itself, and says what is broken',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'autoact-boxes-'));
    const before = process.env['XDG_CONFIG_HOME'];
    process.env['XDG_CONFIG_HOME'] = folder;
    const file = join(folder, 'autoact', 'boxes.json');
    const log = vscode.window.createOutputChannel('AutoAct boxes test', { log: true });
    const service = new BoxService('/nowhere/cli.js', new BoxPrompts(memory()), log);
    try {
      mkdirSync(join(folder, 'autoact'));
      writeFileSync(file, JSON.stringify({ version: 1, boxes: [{ name: 'gpu', host: 'gpu.example.org' }] }));
      const tree = new BoxesTree(service);
      const items = tree.getChildren().map((node) => tree.getTreeItem(node));
      assert.deepEqual(
        items.map(({ label, description, contextValue }) => [label, description, contextValue]),
        [['gpu', 'gpu.example.org, not connected', treeContext.boxIdle]],
      );
      assert.match(items[0]?.accessibilityInformation?.label ?? '', /gpu, gpu\.example\.org, not connected/);
      writeFileSync(file, '{');
      const [broken] = tree.getChildren().map((node) => tree.getTreeItem(node));
      assert.match(
        typeof broken?.tooltip === 'string' ? broken.tooltip : '',
        /boxes\.json does not hold a list of boxes/,
      );
    } finally {
      service.dispose();
      log.dispose();
      if (before === undefined) delete process.env['XDG_CONFIG_HOME'];
      else process.env['XDG_CONFIG_HOME'] = before;
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

hostTest('what a connection asks to keep is kept in the secret storage', async () => {
  const secrets = memory();
  const prompts = new BoxPrompts(secrets);
  await prompts.answer({ kind: 'set-secret', name: 'password:me@gpu', secret: 'geheim' });
  assert.deepEqual([...secrets.kept], [['autoact.ssh:password:me@gpu', 'geheim']]);
  assert.equal(await prompts.answer({ kind: 'get-secret', name: 'password:me@gpu' }), 'geheim');
  await prompts.answer({ kind: 'delete-secret', name: 'password:me@gpu' });
  assert.equal(await prompts.answer({ kind: 'get-secret', name: 'password:me@gpu' }), undefined);
});

hostTest('the Boxes view can be shown', async () => {
  await vscode.commands.executeCommand(`${boxesView}.focus`);
});
