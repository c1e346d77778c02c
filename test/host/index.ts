/** Entry of the host suite: VS Code calls `run()` in its extension host. Import every test file here. */
import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import './activation.test.ts';
import './commandsEmpty.test.ts';
import './traces.test.ts';
import './trajectories.test.ts';
import './boxes.test.ts';
import './views.test.ts';
import './testing.test.ts';
import './commands.test.ts';
import './runnerService.test.ts';
import './noFolder.test.ts';
import { hostTests } from './registry.ts';

const limitMs = 120_000;

async function withinLimit(body: () => Promise<void> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function run(): Promise<void> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];
  // For work on one test: a pattern of names.
  const wanted = new RegExp(process.env['AUTOACT_ONLY'] ?? '');
  const hasFolder = (vscode.workspace.workspaceFolders ?? []).length > 0;
  const chosen = hostTests.filter((test) => test.folder === hasFolder && wanted.test(test.name));
  for (const { name, body } of chosen) {
    const started = performance.now();
    try {
      await withinLimit(body);
      counts.passed += 1;
      lines.push(`✔ ${name} (${Math.round(performance.now() - started)} ms)`);
    } catch (error) {
      counts.failed += 1;
      lines.push(`✖ ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  // The file, not the console, is what the runner reads: it is complete whatever becomes of this process.
  if (process.env['AUTOACT_COUNTS'] !== undefined)
    writeFileSync(process.env['AUTOACT_COUNTS'], JSON.stringify({ ...counts, lines }));
  for (const line of lines) console.log(line);
  if (counts.failed > 0) throw new Error(`${counts.failed} of ${chosen.length} host tests failed`);
}
