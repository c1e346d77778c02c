/**
 * A gigabyte of trajectories, 100,000 of them: how fast it is indexed, how soon its first rows are there from a kept
 * index, and how much memory that takes. The peer in the same run is reading the file's bytes and doing nothing else.
 * Each part is a process of its own, so that memory is that part's alone. `--rows N` makes a smaller file.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../src/core/run/random.ts';
import { parseTrajectoryQuery } from '../src/core/trajectory/trajectoryQuery.ts';
import { searchFile } from '../src/node/trajectories/searchFile.ts';
import { TrajectoryFile } from '../src/node/trajectories/trajectoryFile.ts';

const limits = { megabytesPerSecond: 200, firstRowsMs: 1000, peakMegabytes: 700 };
const bytesPerTrajectory = 10_000;
const shownRows = 50;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '100000' }, json: { type: 'boolean', default: false } },
});
const [part, path = '', cache = ''] = positionals;

/** A trajectory with the shape of a run's, its observations long as pages are. */
function makeFile(target: string, rows: number): void {
  const random = createRandom(1);
  const words = 'the harbour of Lodos was built when Mira Solenne founded “Orvale” and wrote \\ two books'.split(' ');
  const sentence = (n: number): string =>
    Array.from({ length: n }, () => words[Math.floor(random.next() * words.length)]).join(' ');
  const pages = Array.from({ length: 200 }, () => sentence(330));
  const fd = openSync(target, 'w');
  let batch: string[] = [];
  for (let k = 0; k < rows; k++) {
    const steps = Array.from({ length: 5 }, (_, i) => ({
      thought: `Step ${i}: ${sentence(12)}.`,
      tool: i === 4 ? 'Finish' : i % 2 === 0 ? 'Retrieve' : 'Lookup',
      argument: sentence(3),
      observation: i === 4 ? 'The answer is noted.' : (pages[(k * 5 + i) % pages.length] ?? ''),
      by: 'plan',
      parse: 'ok',
      outcome: i === 4 ? 'loop' : 'hit',
    }));
    const correct = random.next() < 0.4;
    batch.push(
      JSON.stringify({
        id: `synthesis/i-${k}/0`,
        instance: `i-${k}`,
        question: `Question ${k}: ${sentence(14)}?`,
        trajectory: { steps, answer: sentence(2), answers: [], finished: true },
        correct,
        reward: correct ? 1 : 0.2,
        kept: correct,
      }),
    );
    if (batch.length < 500 && k < rows - 1) continue;
    writeSync(fd, `${batch.join('\n')}\n`);
    batch = [];
  }
  closeSync(fd);
}

interface PartResult {
  readonly ms: number;
  /** Of all threads; on a busy machine the elapsed time measures the others' work too. */
  readonly cpuMs: number;
  readonly peakMegabytes: number;
  readonly rows: number;
  readonly origin: string;
}

async function measure(): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  let rows = 0;
  let origin = '';
  if (part === 'read') {
    const file = await open(path, 'r');
    const chunk = Buffer.allocUnsafe(4 << 20);
    let position = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
      if (bytesRead === 0) break;
      position += bytesRead;
    }
    await file.close();
  } else if (part === 'search') {
    const file = await TrajectoryFile.open(path, { cache });
    for await (const hit of searchFile(file, parseTrajectoryQuery('Question 99999:'))) rows += hit.row >= 0 ? 1 : 0;
    origin = file.origin;
  } else if (part === 'head') {
    rows = (await TrajectoryFile.head(path, cache, shownRows))?.length ?? 0;
  } else {
    const file = await TrajectoryFile.open(path, { cache });
    rows = file.rows.length;
    origin = file.origin;
  }
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpuBefore);
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000, peakMegabytes, rows, origin } satisfies PartResult));
}

function run(name: string, file: string, folder: string): PartResult {
  const args = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', import.meta.filename, name, file, folder];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as PartResult;
}

if (part !== undefined) await measure();
else {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-bench-'));
  try {
    const file = join(folder, 'trajectories.jsonl');
    makeFile(file, Number(values.rows));
    const megabytes = statSync(file).size / 1e6;
    run('read', file, folder); // warms the page cache, so that both are measured against memory and not the disk
    const read = run('read', file, folder);
    const made = run('index', file, folder);
    const head = run('head', file, folder);
    const opened = run('open', file, folder);
    const searched = run('search', file, folder);
    if (made.origin !== 'made' || opened.origin !== 'read' || opened.rows !== Number(values.rows))
      throw new Error(`the index was ${made.origin}, then ${opened.origin}, with ${opened.rows} rows`);
    if (head.rows !== Math.min(shownRows, opened.rows)) throw new Error(`${head.rows} first rows were read`);
    const result = {
      name: 'trajectories',
      date: new Date().toISOString().slice(0, 10),
      rows: opened.rows,
      megabytes: Math.round(megabytes),
      bytesPerTrajectory,
      readMegabytesPerSecond: Math.round((megabytes / read.ms) * 1000),
      indexMegabytesPerSecond: Math.round((megabytes / made.ms) * 1000),
      indexMegabytesPerCpuSecond: Math.round((megabytes / made.cpuMs) * 1000),
      indexPeakMegabytes: Math.round(made.peakMegabytes),
      firstRowsMs: Math.round(head.ms),
      firstRowsCpuMs: Math.round(head.cpuMs),
      allRowsMs: Math.round(opened.ms),
      allRowsCpuMs: Math.round(opened.cpuMs),
      openPeakMegabytes: Math.round(opened.peakMegabytes),
      searchMs: Math.round(searched.ms),
      limits,
      machine: `${cpus().length} × ${cpus()[0]?.model ?? ''}`,
    };
    if (values.json) console.log(JSON.stringify(result));
    else {
      console.log(`${result.rows} trajectories, ${result.megabytes} MB (page cache warm)`);
      console.log(
        `  indexed at ${result.indexMegabytesPerSecond} MB/s, ${result.indexMegabytesPerCpuSecond} a second of processor time, limit ${limits.megabytesPerSecond}; only reading: ${result.readMegabytesPerSecond} MB/s`,
      );
      console.log(
        `  first ${shownRows} rows from the kept index after ${result.firstRowsMs} ms, ${result.firstRowsCpuMs} ms of processor time, limit ${limits.firstRowsMs}; all rows after ${result.allRowsMs} ms, ${result.allRowsCpuMs} ms of processor time`,
      );
      console.log(
        `  memory at most ${result.indexPeakMegabytes} MB while indexing, ${result.openPeakMegabytes} MB after opening, limit ${limits.peakMegabytes}`,
      );
      console.log(`  a text that one trajectory has: found after ${result.searchMs} ms`);
    }
    if (
      Math.max(result.indexMegabytesPerSecond, result.indexMegabytesPerCpuSecond) < limits.megabytesPerSecond ||
      Math.min(result.firstRowsMs, result.firstRowsCpuMs) > limits.firstRowsMs ||
      Math.max(result.indexPeakMegabytes, result.openPeakMegabytes) > limits.peakMegabytes
    )
      process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
