import { spawn } from 'node:child_process';
import { PythonError } from './boxErrors.ts';

export const installAdvice =
  'Check the connection and the package index (pip config list), then try again: what was downloaded is kept. With a Python that has the packages, set AUTOACT_PYTHON to it.';

/** Shows pip's own account of each larger download, with a running total. */
export function sizesOf(onProgress: (message: string) => void): (line: string) => void {
  let total = 0;
  return (line) => {
    const match = /^\s*(Downloading|Using cached) (\S+) \((\d+(?:\.\d+)?) (kB|MB|GB)\)/.exec(line);
    if (match !== null) {
      const size = Number(match[3]) * { kB: 1e-3, MB: 1, GB: 1e3 }[match[4] as 'kB' | 'MB' | 'GB'];
      total += size;
      if (size >= 5)
        onProgress(
          `${match[1] ?? ''} ${(match[2] ?? '').split('/').at(-1) ?? ''}, ${size.toFixed(0)} MB (${total.toFixed(0)} MB so far)`,
        );
    } else if (/^Installing collected packages/.test(line)) {
      onProgress(`Unpacking ${total.toFixed(0)} MB of packages`);
    }
  };
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
  readonly cache: string;
  readonly advice: string;
  readonly onLine?: (line: string) => void;
}

/** Runs one step of an installation to its end. @throws PythonError with the end of what it said */
export function mustRun(command: string, args: readonly string[], options: RunOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let output = '';
    let rest = '';
    const take = (chunk: string): void => {
      output = (output + chunk).slice(-20_000);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) options.onLine?.(line);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
    child.on('error', (error) => {
      reject(
        error.name === 'AbortError'
          ? error
          : new PythonError('install-failed', `${command} cannot be run: ${error.message}. ${options.advice}`, {
              cause: error,
            }),
      );
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else if (/No space left on device|Errno 28|Disk quota exceeded/.test(output)) {
        reject(
          new PythonError(
            'no-space',
            `The disk of ${options.cache} became full while Python packages were installed. Free some space (5 GB for PyTorch with CUDA, 1 GB without) and try again.`,
          ),
        );
      } else {
        const lines = output
          .trim()
          .split('\n')
          .filter((line) => !/^\s*$|^WARNING/.test(line));
        reject(
          new PythonError(
            'install-failed',
            `${[command, ...args.slice(0, 3)].join(' ')} failed (exit code ${code ?? 'none'}): ${lines.slice(-4).join(' | ')} ${options.advice}`,
          ),
        );
      }
    });
  });
}
