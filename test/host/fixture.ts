/** What the host tests look at: a task card and three runs of it in the window's workspace folder. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { writeFixtureTask, writeRunFolder } from '../fixtures/runFolder.ts';
import type { RunWriter } from '../fixtures/runFolder.ts';

export interface HostFixture {
  readonly workspace: string;
  readonly task: string;
  readonly live: RunWriter;
  readonly done: RunWriter;
  readonly interrupted: RunWriter;
}

let made: HostFixture | undefined;

export function hostFixture(): HostFixture {
  if (made !== undefined) return made;
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'the window has no folder');
  const workspace = folder.uri.fsPath;
  made = {
    workspace,
    task: writeFixtureTask(workspace),
    live: writeRunFolder({ workspace, run: 'run-live', state: 'live', trajectories: 250, questions: 40 }),
    done: writeRunFolder({ workspace, run: 'run-done', state: 'done', trajectories: 20, questions: 30 }),
    interrupted: writeRunFolder({ workspace, run: 'run-cut', state: 'interrupted', trajectories: 20, questions: 30 }),
  };
  return made;
}

/** Waits until the condition holds; fails with the description when it does not. */
export async function until<T>(
  description: string,
  look: () => Promise<T | undefined> | T | undefined,
  limitMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) assert.fail(`not so after ${limitMs} ms: ${description}`);
    await delay(50);
  }
}
