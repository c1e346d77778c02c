import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ApiKeys } from '../../src/host/runs/apiKeys.ts';
import type { BoxPrompts } from '../../src/host/boxes/boxPrompts.ts';
import type { LanguageModels } from '../../src/host/runs/languageModels.ts';
import type { RunIndex } from '../../src/host/runs/runIndex.ts';
import { RunnerService } from '../../src/host/runs/runnerService.ts';
import { until } from './fixture.ts';
import { hostTest } from './registry.ts';

/** A runner that has written its status file, which says its process, and has not yet told the editor its run. */
const silentRunner = `require('node:fs').writeFileSync('pid', String(process.pid));
process.on('SIGTERM', () => process.exit(143));
setInterval(() => {}, 1000);`;

hostTest('a run of this window is cancelled before its process has said which run it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-runner-'));
  const cli = join(folder, 'silent.js');
  writeFileSync(cli, silentRunner);
  const log = vscode.window.createOutputChannel('AutoAct runner test', { log: true });
  const service = new RunnerService(
    cli,
    { update: () => undefined, refresh: () => Promise.resolve() } as unknown as RunIndex,
    { get: () => Promise.resolve(undefined), environment: () => Promise.resolve({}) } as unknown as ApiKeys,
    {} as unknown as BoxPrompts,
    {} as unknown as LanguageModels,
    log,
  );
  try {
    const ended = new Promise((resolve) => service.onDidEnd(resolve));
    await service.start({
      task: { file: join(folder, 'own.task.json'), workspace: folder },
      configuration: { mode: 'fixed', seed: 1, box: '', python: '', servers: [], settings: {} },
    });
    const pidFile = join(folder, 'pid');
    const pid = Number(
      await until(
        'the runner has started',
        () => (existsSync(pidFile) ? readFileSync(pidFile, 'utf8') : '') || undefined,
      ),
    );
    assert.equal(service.cancel('another.task.json', 'run-1', pid + 1), false, 'a process of somebody else');
    assert.equal(service.cancel('own.task.json', 'run-1', pid), true);
    await ended;
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  } finally {
    service.dispose();
    log.dispose();
    rmSync(folder, { recursive: true });
  }
});
