import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { localJob, startLocalJob } from '../../src/node/box/localJob.ts';
import { cancelJob } from '../../src/node/box/job.ts';
import { writeFixtureTask } from '../fixtures/runFolder.ts';
import { startEditor } from '../harness/codeServer.ts';
import type { Editor } from '../harness/codeServer.ts';
import { makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import { writeConfig } from '../ssh/support.ts';

const source = join(import.meta.dirname, '..', '..', 'box');
const limitMs = 90_000;
const passphrase = 'canary passphrase 83';
const themes = ['light', 'dark', 'high contrast'] as const;
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();

/** Stands in for the trainer: steps that come slowly, until it is told to stop. */
const trainer = `
import json, os, signal, sys, time
os.chdir(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
def emit(**fields):
    with open('events.jsonl', 'a') as file: file.write(json.dumps({'t': time.time(), **fields}) + '\\n')
emit(type='start', adapters={'plan': {'steps': 900, 'examples': 9, 'heldOut': 1, 'mode': 'tree', 'resumedAt': 0}}, device='cpu', precision='float32')
for n in range(1, 900):
    emit(type='step', adapter='plan', step=n, steps=900, epoch=n / 300, loss=2 / (1 + n / 40), lr=0.1, secondsLeft=900 - n)
    print('step', n, '<b>of 900</b>', flush=True)
    time.sleep(0.02 if n < 60 else 1)
`;

describe('a box in the window', { skip: withoutSshd }, () => {
  let folder: string;
  let server: Sshd;
  let editor: Editor;
  let opened: Editor | undefined;
  let home = '';
  let job: { python: string; boxFolder: string; jobFolder: string };

  before(async () => {
    folder = sshFolder();
    const workspace = join(folder, 'workspace');
    mkdirSync(workspace);
    writeFixtureTask(workspace);
    const key = makeKey(join(folder, 'key'), { passphrase });
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key] });
    const sshConfig = writeConfig(folder, [{ alias: 'box', port: server.port, lines: [`IdentityFile ${key}`] }]);
    // A job that runs on the box already.
    const remote = join(folder, 'remote');
    const boxFolder = join(folder, 'stand-in');
    mkdirSync(boxFolder);
    for (const name of ['supervisor.py', 'processes.py']) copyFileSync(join(source, name), join(boxFolder, name));
    writeFileSync(join(boxFolder, 'train.py'), trainer);
    job = { python, boxFolder, jobFolder: join(remote, 'jobs', 'live-1') };
    await startLocalJob({ ...job, spec: { base: '/models/tiny', adapters: { plan: { data: 'x' } } }, data: {} });
    delete process.env['XDG_CONFIG_HOME'];
    editor = opened = await startEditor({
      ...{ workspace, theme: 'light', size: { width: 1440, height: 1000 } },
      prepareHome: (at) => {
        home = at;
        mkdirSync(join(at, '.config', 'autoact'), { recursive: true });
        const boxes = [{ name: 'gpu', host: 'box', sshConfig, folder: remote, python }];
        writeFileSync(join(at, '.config', 'autoact', 'boxes.json'), JSON.stringify({ version: 1, boxes }));
      },
    });
    await editor.page.getByRole('tab', { name: 'AutoAct', exact: true }).click();
    await editor.page.locator('.pane-header', { hasText: 'Boxes' }).click({ timeout: limitMs });
  });
  after(async () => {
    await opened?.close();
    await cancelJob(localJob(job)).catch(() => undefined);
    await server.stop();
    removeFolder(folder);
  });

  const row = (text: string | RegExp) => editor.page.locator('.monaco-list-row', { hasText: text }).first();
  const dialog = () => editor.page.locator('.monaco-dialog-box');
  const input = () => editor.page.locator('.quick-input-widget input:visible').last();
  const connect = async (): Promise<void> => {
    await row(/^gpu/).hover();
    await row(/^gpu/).getByRole('button', { name: 'Connect to Box' }).click({ timeout: limitMs });
  };
  const knownHosts = (): string => {
    const path = join(home, '.config', 'autoact', 'known_hosts');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };

  test('a host that nobody knows is shown with its fingerprint, and not logged in to while nobody accepts it', async () => {
    await row(/^gpu/).waitFor({ timeout: limitMs });
    await connect();
    await dialog().waitFor({ timeout: limitMs });
    const text = (await dialog().textContent()) ?? '';
    const shown =
      execFileSync('ssh-keygen', ['-lf', `${server.hostKey}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
    assert.match(text, /The host box is not known yet/);
    assert.ok(text.includes(shown), text);
    await editor.screenshot('box-host-key');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await row(/gpu.*is not known and was not accepted/).waitFor({ timeout: limitMs });
    assert.equal(knownHosts(), '');
    assert.doesNotMatch(server.log, /Accepted|Failed/);
  });

  test('accepted, its key is kept; a passphrase is asked for until it is right, and shows its jobs', async () => {
    await connect();
    await dialog().getByRole('button', { name: 'It Is This Host' }).click({ timeout: limitMs });
    const title = editor.page.locator('.quick-input-title', { hasText: 'log in to' });
    await title.waitFor({ timeout: limitMs });
    assert.equal(await input().getAttribute('type'), 'password');
    await input().fill('wrong');
    await editor.page.keyboard.press('Enter');
    await editor.page
      .locator('.quick-input-message', { hasText: 'The last answer was wrong' })
      .waitFor({ timeout: limitMs });
    await editor.screenshot('box-passphrase');
    await input().fill(passphrase);
    await editor.page.keyboard.press('Enter');
    await row('Training live-1').waitFor({ timeout: limitMs });
    assert.match(knownHosts(), /ssh-ed25519/);
    assert.match(server.log, /Accepted publickey/);
    // Kept in the editor's secret storage and nowhere else.
    for (const at of [home, editor.workspace])
      for (const name of readdirSync(at, { recursive: true })) {
        const path = join(at, String(name));
        if (statSync(path).isFile()) assert.ok(!readFileSync(path, 'utf8').includes(passphrase), path);
      }
    assert.ok(editor.hostLines.every((line) => !line.includes(passphrase)));
  });

  test('a job opens with its curve and its log, and is stopped from there', async () => {
    await row('Training live-1').click();
    const panel: Frame = await editor.webview('pre.log', limitMs);
    await panel.locator('pre.log', { hasText: 'step 60 <b>of 900</b>' }).waitFor({ timeout: limitMs });
    await panel.locator('.curve', { hasText: /step \d+ of 900/ }).waitFor({ timeout: limitMs });
    await panel.locator('.facts', { hasText: /Running.*gpu \(box\).*cpu, float32/ }).waitFor({ timeout: limitMs });
    for (const theme of themes) {
      await editor.setTheme(theme);
      await editor.screenshot(`job-window-${theme.replace(' ', '-')}`);
    }
    await panel.locator('aat-button', { hasText: 'Cancel' }).click();
    await panel.locator('.facts', { hasText: 'Stopped' }).waitFor({ timeout: limitMs });
    await panel.locator('.notices', { hasText: 'GPU' }).waitFor({ timeout: limitMs });
    await panel.locator('aat-button', { hasText: 'Resume' }).waitFor({ timeout: limitMs });
    assert.match(readFileSync(join(job.jobFolder, 'exit'), 'utf8'), /^75 /);
    assert.deepEqual(editor.webviewErrors, []);
  });

  test('later it is asked for neither; a host with another key is refused without a question', async () => {
    const disconnect = async (): Promise<void> => {
      await editor.runCommand('AutoAct: Disconnect from Box');
      await editor.page
        .locator('.quick-input-list .label-name', { hasText: 'gpu' })
        .first()
        .click({ timeout: limitMs });
      await row(/gpu.*not connected/).waitFor({ timeout: limitMs });
    };
    await disconnect();
    await connect();
    await row('Training live-1').waitFor({ timeout: limitMs });
    assert.equal(await dialog().count(), 0);
    await disconnect();
    const before = knownHosts();
    const port = server.port;
    await server.stop();
    const other = makeKey(join(folder, 'other_host_key'));
    server = await Sshd.start({ folder: join(folder, 'impostor'), keys: [join(folder, 'key')], hostKey: other, port });
    await connect();
    await row(/gpu.*another one is known/).waitFor({ timeout: limitMs });
    assert.equal(await dialog().count(), 0);
    assert.equal(knownHosts(), before);
    assert.doesNotMatch(server.log, /Accepted|Failed/);
  });
});
