/**
 * Documents that are too many for memory: the index on the disk (SQLite's full-text search) is made once, opened again,
 * and searched; beside it, in a process of its own, what holding the same documents in memory takes. Each kind is a child
 * process, so that memory is that of the kind alone.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../src/core/run/random.ts';
import { openDocuments } from '../src/node/documents/openDocuments.ts';

const limits = { residentMegabytes: 400, searchMs: 50 };
const count = process.argv.includes('--small') ? 10_000 : 100_000;
const vocabulary = 50_000;

function sentence(random: ReturnType<typeof createRandom>, words: number): string {
  // Zipf's distribution: rank r has a share of 1/r.
  const word = (): string => `w${Math.floor(Math.exp(random.next() * Math.log(vocabulary)))}`;
  return `${Array.from({ length: words }, word).join(' ')}.`;
}

/** About as long as HotpotQA's paragraphs. */
function write(path: string): void {
  const random = createRandom(1);
  const file = openSync(path, 'w');
  for (let i = 0; i < count; i++)
    writeSync(
      file,
      `${JSON.stringify({ title: `Page ${i} ${sentence(random, 2)}`, paragraphs: [sentence(random, 90)] })}\n`,
    );
  closeSync(file);
}

/** In a child process: opens the documents, asks 200 queries, and prints what it took. */
async function measure(path: string, cacheFolder: string, heldBytes: number): Promise<void> {
  const began = performance.now();
  const documents = await openDocuments(path, { cacheFolder, heldBytes, notify: () => undefined });
  documents.search('w1', 1);
  const openSeconds = (performance.now() - began) / 1000;
  const random = createRandom(2);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const query = sentence(random, 12);
    const at = performance.now();
    documents.search(query, 5);
    times.push(performance.now() - at);
  }
  times.sort((a, b) => a - b);
  const residentMegabytes = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ openSeconds, searchMs: times[100], searchMs95: times[190], residentMegabytes }));
}

const [kind, path = '', cache = ''] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (kind === 'child') await measure(path, cache, process.argv.includes('--held') ? Number.MAX_SAFE_INTEGER : 0);
else {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-documents-'));
  try {
    const file = join(folder, 'documents.jsonl');
    write(file);
    const child = (...flags: string[]): Record<string, number> => {
      const args = [
        '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
        import.meta.filename,
        'child',
        file,
        folder,
        ...flags,
      ];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 20 })) as Record<
        string,
        number
      >;
    };
    const results = { made: child(), 'opened again': child(), 'held in memory': child('--held') };
    for (const [name, result] of Object.entries(results)) {
      if (process.argv.includes('--json'))
        console.log(JSON.stringify({ name: `documents, ${name}`, count, ...result, limits }));
      else
        console.log(
          `${count} documents, ${name}: ${Object.entries(result)
            .map(([key, value]) => `${key} ${value.toPrecision(3)}`)
            .join(', ')}`,
        );
    }
    for (const result of [results.made, results['opened again']])
      if ((result['residentMegabytes'] ?? 0) > limits.residentMegabytes || (result['searchMs'] ?? 0) > limits.searchMs)
        process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
