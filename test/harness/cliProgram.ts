import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CliEvent } from '../../src/core/run/status.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * The command line as the build makes it, in a folder with the files that it needs beside it: it starts several times
 * faster than the sources. @returns the program's path
 */
export async function buildCli(folder: string): Promise<string> {
  const program = join(folder, 'dist', 'cli.js');
  for (const name of ['package.json', 'prompts', 'box', 'starter/starter.task.json'])
    cpSync(name, join(folder, name), { recursive: true });
  await build({
    entryPoints: ['src/cli/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['node-llama-cpp', 'cpu-features', '*.node'],
    logLevel: 'error',
    define: {
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
      'import.meta.url': 'importMetaUrl',
    },
    banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
  });
  return program;
}

/** Runs it to its end; `cancelWhen` is asked every 20 ms whether to send SIGTERM. */
export function runCli(
  program: string,
  cwd: string,
  args: readonly string[],
  cancelWhen?: () => boolean,
): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args], { cwd });
    let out = '';
    let err = '';
    child.stdout.on('data', (c: Buffer) => {
      out += c.toString();
    });
    child.stderr.on('data', (c: Buffer) => {
      err += c.toString();
    });
    const timer = setInterval(() => {
      if (cancelWhen?.() === true) child.kill('SIGTERM');
    }, 20);
    child.on('close', (code) => {
      clearInterval(timer);
      done({ code, out, err });
    });
  });
}

/** What `--json` printed, one event a line. */
export const cliEvents = (out: string): CliEvent[] =>
  out
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => CliEvent.parse(JSON.parse(line)));
