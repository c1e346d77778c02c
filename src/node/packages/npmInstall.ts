import { spawn } from 'node:child_process';

/**
 * Installs what the package.json in a folder names, without running any install script. The arguments are constant and
 * the folder is the working directory, so that Windows' shell, which npm needs there, sees no path.
 * @throws what `failed` makes of the reason when npm cannot be started or fails; the signal's reason when cancelled
 */
export function npmInstall(
  folder: string,
  failed: (why: string) => Error,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const [program, words] =
    process.platform === 'win32' ? ['cmd.exe', ['/d', '/s', '/c', 'npm.cmd', ...args]] : ['npm', args];
  return new Promise((resolve, reject) => {
    let said = '';
    const child = spawn(program, words, {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.once('error', (error) => {
      if (signal?.aborted === true) reject(signal.reason as Error);
      else reject(failed(`npm cannot be started (${error.message}). Install Node.js with npm`));
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else if (signal?.aborted === true) reject(signal.reason as Error);
      else
        reject(
          failed(
            `npm ended with code ${code ?? 'none'}: ${said.trim().split('\n').slice(0, 3).join(' ')} Check the network and the disk, then try again`,
          ),
        );
    });
  });
}
