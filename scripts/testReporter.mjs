// node:test reporter: one line a file, failures in full. The counts go to the file named by AUTOACT_COUNTS, because
// what a test prints must never be mistaken for them.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { inspect, stripVTControlCharacters } from 'node:util';

const short = (file) => (file === undefined ? '' : relative(process.cwd(), file));

function describeError(error) {
  const cause = error?.cause ?? error;
  // A file whose process ended badly after its tests had passed has nothing else to tell.
  const { exitCode, signal } = error ?? {};
  if (exitCode !== undefined || signal !== undefined)
    return `      its process ended with ${signal ?? `exit code ${exitCode}`}`;
  return stripVTControlCharacters(cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause))
    .split('\n')
    .filter((line) => !/node:internal|\(node:/.test(line))
    .map((line) => `      ${line}`)
    .join('\n');
}

export default async function* testReporter(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const files = new Map();
  const of = (file) => {
    if (!files.has(file)) files.set(file, { passed: 0, failed: 0, skipped: 0, ms: 0 });
    return files.get(file);
  };
  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') {
      // A suite is the sum of its tests, and fails by itself only when its own body or hooks throw.
      const isSuite = data.details?.type === 'suite';
      const ownFailure = type === 'test:fail' && data.details?.error?.failureType !== 'subtestsFailed';
      if (data.nesting === 0) of(data.file).ms += data.details?.duration_ms ?? 0;
      if (isSuite && !ownFailure) continue;
      if (type === 'test:fail' && !ownFailure) continue;
      const skipped = type === 'test:pass' && (data.skip !== undefined || data.todo !== undefined);
      const outcome = skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
      counts[outcome] += 1;
      of(data.file)[outcome] += 1;
      if (outcome === 'failed') yield `  ✖ ${short(data.file)}: ${data.name}\n${describeError(data.details?.error)}\n`;
      if (outcome === 'skipped')
        yield `  - ${short(data.file)}: ${data.name}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}\n`;
    } else if (type === 'test:diagnostic' && data.message.startsWith('Error:')) {
      // What went wrong after a test had ended: nothing else tells why its process then fails.
      yield `  ✖ ${short(data.file)}: ${data.message}\n`;
    } else if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
  }
  for (const [file, { passed, failed, skipped, ms }] of files)
    yield `  ${failed > 0 ? '✖' : '✔'} ${short(file)} ${passed}${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''} (${Math.round(ms)} ms)\n`;
  if (process.env.AUTOACT_COUNTS) writeFileSync(process.env.AUTOACT_COUNTS, JSON.stringify(counts));
}
