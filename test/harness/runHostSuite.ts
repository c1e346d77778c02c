/** Runs dist-test/index.js inside a real VS Code. Argument: the file that receives the counts. Exit code: the run's. */
import { existsSync, readFileSync } from 'node:fs';
import { inRoot } from '../../scripts/lib/project.mjs';
import { startEditor } from './codeServer.ts';

const limitMs = 10 * 60_000;
const [counts] = process.argv.slice(2);
if (counts === undefined) throw new Error('usage: runHostSuite.ts COUNTS_FILE');
process.env['AUTOACT_COUNTS'] = counts;

const editor = await startEditor({ extensionTests: inRoot('dist-test', 'index.js') });
try {
  const late = new Promise<number>((resolve) => setTimeout(() => resolve(124), limitMs).unref());
  const code = await Promise.race([editor.testsExited, late]);
  const { lines } = existsSync(counts)
    ? (JSON.parse(readFileSync(counts, 'utf8')) as { lines: string[] })
    : { lines: [] };
  for (const line of lines) console.log(`  ${line.replaceAll('\n', '\n      ')}`);
  for (const line of editor.hostLines.filter((text) => text.startsWith('activation:'))) console.log(`  ${line}`);
  if (code !== 0) {
    const quiet =
      /connection token|socket|grace time|AgentHost|AccountPolicyGate|Service Worker|open-vsx|authentication provider/;
    console.log(
      editor.hostLines
        .filter((line) => !quiet.test(line))
        .slice(-40)
        .join('\n'),
    );
    console.log(`picture: ${await editor.screenshot('host-suite-failed')}`);
  }
  process.exitCode = code;
} finally {
  await editor.close();
}
