import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFixtureTask } from '../fixtures/runFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { runsOf } from '../harness/runsOf.ts';

const canary = 'sk-canary-7f3a91';
const limitMs = 90_000;

/** Files under a folder that contain the canary. */
function filesWithCanary(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile() && readFileSync(path, 'utf8').includes(canary));
}

describe('an API key', () => {
  let workspace: string;
  let editor: Editor;
  let server: Server;
  const seen = new Set<string>();

  before(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'autoact-key-'));
    writeFixtureTask(workspace);
    let count = 0;
    server = createServer((request, response) => {
      seen.add(request.headers.authorization ?? 'none');
      request.resume();
      const word = (k: number): string => `w${count}k${k}`;
      count += 1;
      const text = `Question: ${[1, 2, 3, 4].map(word).join(' ')}?\nAnswer: ${word(5)}\n`;
      const answer = {
        object: 'text_completion',
        choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }],
        usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
      };
      setTimeout(
        () =>
          response
            .setHeader('content-type', 'application/json')
            .end(
              JSON.stringify(
                request.url === '/v1/models' ? { object: 'list', data: [{ id: 'base', object: 'model' }] } : answer,
              ),
            ),
        300,
      );
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    mkdirSync(join(workspace, '.vscode'));
    writeFileSync(
      join(workspace, '.vscode', 'settings.json'),
      JSON.stringify({
        'autoact.servers': Object.fromEntries(
          ['meta', 'plan', 'tool', 'reflect'].map((role) => [role, { url, model: 'base' }]),
        ),
        'autoact.selfInstruct.instances': 20_000,
      }),
    );
    editor = await startEditor({ workspace, size: { width: 1440, height: 900 } });
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  test('reaches the server and no file, argument, log or page', async () => {
    const { page } = editor;
    const input = page.locator('.quick-input-widget input:visible').last();
    await editor.runCommand('AutoAct: Set API Key of a Server…');
    await page.locator('.quick-input-list .label-name', { hasText: '127.0.0.1' }).first().click({ timeout: limitMs });
    await page.locator('.quick-input-title', { hasText: 'API key' }).waitFor({ timeout: limitMs });
    assert.equal(await input.getAttribute('type'), 'password');
    await input.fill(canary);
    await page.keyboard.press('Enter');
    await editor.runCommand('AutoAct: Open Dashboard');
    const panel = await editor.webview('form.configuration', limitMs);
    await panel.locator('aat-button', { hasText: 'Stored' }).first().waitFor({ timeout: limitMs });
    assert.ok(!(await panel.content()).includes(canary));
    await panel.locator('aat-button', { hasText: 'Start' }).first().click();
    const deadline = Date.now() + limitMs;
    while (!seen.has(`Bearer ${canary}`)) {
      assert.ok(Date.now() < deadline, `the server saw ${[...seen].join(', ')}`);
      await delay(100);
    }
    const [run] = runsOf(workspace);
    if (process.platform === 'linux')
      assert.ok(!readFileSync(`/proc/${String(run?.status.pid)}/cmdline`, 'utf8').includes(canary));
    assert.deepEqual(filesWithCanary(workspace), []);
    assert.ok(editor.hostLines.every((line) => !line.includes(canary)));
    assert.ok(!(await panel.content()).includes(canary));
  });
});
