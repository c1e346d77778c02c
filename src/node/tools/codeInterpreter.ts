import { availableParallelism } from 'node:os';
import { sep } from 'node:path';
import pLimit from 'p-limit';
import type * as z from 'zod';
import { codeTool } from '../../core/tools/library.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import type { CodeTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { ensureToolPackage, type ToolPackage } from '../packages/toolPackage.ts';
import type { ToolPlace } from './provide.ts';
import { runSandboxed } from './sandbox/runSandboxed.ts';

/** A test compares the version with package.json's, which the sandbox's tests run with. */
export const pyodidePackage: ToolPackage = {
  name: 'pyodide',
  version: '314.0.7',
  about: 'Python compiled to WebAssembly, a download of some 6 MB',
};

const startSeconds = 180;
const codeLimit = 4000;

/**
 * Python with its standard library, compiled to WebAssembly, in a process that has no network, no files, no processes
 * and limits of time and memory. Every call begins anew: nothing is left of the one before.
 */
export function codeInterpreter(entry: z.infer<typeof CodeTool>, place: ToolPlace): ToolProvider {
  // Each process holds some 200 MB and a core while it runs.
  const limit = pLimit(Math.max(1, availableParallelism() - 1));
  return {
    description: codeTool,
    provider: `Pyodide ${pyodidePackage.version}, ${entry.timeoutSeconds} s, ${entry.memoryMegabytes} MB`,
    maxChars: entry.maxChars,
    call: (argument, state, signal) =>
      limit(async () => {
        const found = await ensureToolPackage(pyodidePackage, { root: place.root, notify: place.notify, signal });
        const folder = `${found}${sep}`;
        const code = argument.trim();
        if (code === '' || code.length > codeLimit)
          return {
            text: `CodeInterpreter needs Python code of at most ${codeLimit} characters.`,
            outcome: 'miss',
            state,
          };
        const end = await runSandboxed(
          { kind: 'python', code, pyodide: folder, maxOutput: entry.maxChars * 4 },
          {
            entry: place.sandboxEntry,
            readable: [folder],
            limits: {
              startSeconds,
              runSeconds: entry.timeoutSeconds,
              wasmMegabytes: entry.memoryMegabytes,
              residentMegabytes: entry.memoryMegabytes + residentBesideWasm,
            },
            signal,
          },
        );
        switch (end.end) {
          case 'answer':
            if (end.status === 'failed') return { text: `The code failed: ${end.text}`, outcome: 'miss', state };
            return end.text === ''
              ? { text: 'The code ran and printed nothing.', outcome: 'miss', state }
              : { text: end.text, outcome: 'hit', state };
          case 'time':
            return { text: `The code was stopped after ${entry.timeoutSeconds} seconds.`, outcome: 'miss', state };
          case 'memory':
            return { text: 'The code was stopped: it used too much memory.', outcome: 'miss', state };
          case 'died':
            if (end.ready) return { text: 'The code was stopped: it ended its process.', outcome: 'miss', state };
            throw new ToolError(
              'crashed',
              `The Python sandbox did not start: ${end.said}`,
              'It needs a Node of version 20 or later with its permission model.',
            );
        }
      }),
  };
}

/** Node, Pyodide's code and Python's library, in megabytes. */
const residentBesideWasm = 500;
