/** Runs dist-test/index.js inside a real VS Code. Argument: the file that receives the counts. Exit code: the run's. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { inRoot } from '../../scripts/lib/project.mjs';
import { startEditor } from './codeServer.ts';

const limitMs = 10 * 60_000;
const [counts] = process.argv.slice(2);
if (counts === undefined) throw new Error('usage: runHostSuite.ts COUNTS_FILE');
process.env['AUTOACT_COUNTS'] = counts;

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly lines: readonly string[];
}
const total = { passed: 0, failed: 0, skipped: 0 };
const lines: string[] = [];
// Once in a window with a folder, and once in one that has none.
for (const folder of [true, false]) await runIn(folder, counts);
writeFileSync(counts, JSON.stringify({ ...total, lines }));

async function runIn(folder: boolean, file: string): Promise<void> {
  rmSync(file, { force: true });
  const editor = await startEditor({ folder, extensionTests: inRoot('dist-test', 'index.js') });
  try {
    const late = new Promise<number>((resolve) => setTimeout(() => resolve(124), limitMs).unref());
    const code = await Promise.race([editor.testsExited, late]);
    const had: Counts = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as Counts)
      : { passed: 0, failed: 1, skipped: 0, lines: [] };
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += had[key];
    lines.push(...had.lines);
    for (const line of had.lines) console.log(`  ${line.replaceAll('\n', '\n      ')}`);
    for (const line of editor.hostLines.filter((text) => /^(?:activation|testing):/.test(text)))
      console.log(`  ${line}`);
    if (code !== 0) {
      console.log(await editor.evidence('the suite inside VS Code'));
      process.exitCode = code;
    }
  } finally {
    await editor.close();
  }
}
