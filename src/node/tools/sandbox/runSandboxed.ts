import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { readyLine, type SandboxJob } from './jobs.ts';

export interface SandboxLimits {
  /** Seconds until everything is loaded; a machine under load takes long. */
  readonly startSeconds: number;
  /** Seconds of the job itself. */
  readonly runSeconds: number;
  /** Megabytes of WebAssembly memory. */
  readonly wasmMegabytes: number;
  /** Megabytes of the whole process, measured from outside. */
  readonly residentMegabytes: number;
}

export interface SandboxOptions {
  /** `dist/sandbox.js`, or the TypeScript source under Node 24. */
  readonly entry: string;
  /** Files and folders that may be read; a folder ends in a separator. */
  readonly readable: readonly string[];
  readonly limits: SandboxLimits;
  readonly signal: AbortSignal;
}

export type SandboxEnd =
  | { readonly end: 'answer'; readonly status: 'ok' | 'failed'; readonly text: string }
  | { readonly end: 'time' | 'memory' }
  /** It ended by itself without an answer. `ready`: while it did the job, not while it loaded. */
  | { readonly end: 'died'; readonly ready: boolean; readonly said: string };

const Answer = z.object({ status: z.enum(['ok', 'failed']), text: z.string() });
const heapMegabytes = 256;
/** An answer is capped inside; more than this was not written by our program. */
const maxOutput = 1_000_000;
const watchMs = 100;

/**
 * Does one job in a process of its own that can read the named files and nothing else: no other file, no process, no
 * thread, no network, no environment. It is killed when time or memory is used up; never rejects but for the signal.
 */
export async function runSandboxed(job: SandboxJob, options: SandboxOptions): Promise<SandboxEnd> {
  const { limits, signal } = options;
  signal.throwIfAborted();
  const child = spawn(process.execPath, [...nodeFlags(options), options.entry], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Windows starts no process without its own folder; the rest of the environment may hold keys.
    env: {
      ELECTRON_RUN_AS_NODE: '1',
      ...(process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] }),
    },
    windowsHide: true,
  });
  let out = '';
  let said = '';
  const seen: { ready: boolean; killed?: 'time' | 'memory' } = { ready: false };
  const kill = (why: 'time' | 'memory'): void => {
    seen.killed ??= why;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(() => kill('time'), limits.startSeconds * 1000);
  const watch = setInterval(() => {
    void residentMegabytes(child.pid).then((used) => {
      if (used !== undefined && used > limits.residentMegabytes) kill('memory');
    });
  }, watchMs);
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (out.length > maxOutput) kill('memory');
    if (!seen.ready && out.startsWith(`${readyLine}\n`)) {
      seen.ready = true;
      clearTimeout(timer);
      timer = setTimeout(() => kill('time'), limits.runSeconds * 1000);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  child.stdin.on('error', () => undefined); // It died before it read; its end says so.
  child.stdin.end(JSON.stringify(job));
  await new Promise<void>((resolve) => {
    child.once('error', (error) => {
      said = error.message;
      resolve();
    });
    child.once('close', () => resolve());
  });
  clearTimeout(timer);
  clearInterval(watch);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  const { ready, killed } = seen;
  if (killed !== undefined)
    return ready || killed === 'memory' ? { end: killed } : { end: 'died', ready, said: 'It did not start in time.' };
  const answer = Answer.safeParse(parse(out.slice(readyLine.length + 1)));
  if (answer.success) return { end: 'answer', ...answer.data };
  // V8 ends a process whose heap is full, and says so.
  if (/heap out of memory|Allocation failed|out of memory/i.test(said)) return { end: 'memory' };
  return { end: 'died', ready, said: said.trim().split('\n')[0]?.slice(0, 300) ?? '' };
}

function nodeFlags({ entry, readable, limits }: SandboxOptions): string[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const stable = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13);
  // From sources, the program's own modules are read as well, and what Node reads to know their kind.
  const own = entry.endsWith('.ts')
    ? [`${dirname(entry)}${sep}`, ...manifestsAbove(entry)]
    : [entry, ...manifestsAbove(entry)];
  return [
    stable ? '--permission' : '--experimental-permission',
    ...[...own, ...readable].map((path) => `--allow-fs-read=${path}`),
    '--disallow-code-generation-from-strings',
    `--max-old-space-size=${heapMegabytes}`,
    `--wasm-max-mem-pages=${limits.wasmMegabytes * 16}`,
    '--no-warnings',
  ];
}

function manifestsAbove(entry: string): string[] {
  const found: string[] = [];
  for (let folder = dirname(entry); dirname(folder) !== folder; folder = dirname(folder))
    found.push(`${folder}${sep}package.json`);
  return found;
}

/** undefined where the system does not say: Windows. */
async function residentMegabytes(pid: number | undefined): Promise<number | undefined> {
  if (pid === undefined) return undefined;
  try {
    if (process.platform === 'linux') {
      const pages = Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]);
      return (pages * 4096) / 2 ** 20;
    }
    if (process.platform === 'win32') return undefined;
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
    return Number(stdout) / 1024;
  } catch {
    return undefined; // It has just ended.
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
