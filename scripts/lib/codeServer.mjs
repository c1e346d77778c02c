// A real VS Code from npm: code-server, used by the host and end-to-end tests and by `npm run code`.
// npm's own install would run every package's scripts; only these few native modules are needed, and kerberos does not
// build without its system library.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { childEnv, inRoot, mustRun, node24, onWindows, say, SetupError } from './project.mjs';

export const codeServerVersion = '4.139.1';
// sqlite3 takes minutes to compile and only chat histories use it; node-pty comes ready-made.
const native = ['@vscode/spdlog', '@vscode/native-watchdog', '@vscode/deviceid', '@vscode/fs-copyfile'];

const home = inRoot('.vscode-test', 'code-server');
/** Folder of VS Code's server: out/server-main.js lies in it. */
export const vscodeServer = join(home, 'node_modules', 'code-server', 'lib', 'vscode');
const stamp = join(home, 'installed');

export function hasCodeServer() {
  return (
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === codeServerVersion &&
    existsSync(join(vscodeServer, 'out', 'server-main.js'))
  );
}

export async function ensureCodeServer() {
  if (hasCodeServer()) return false;
  if (onWindows)
    throw new SetupError(
      'code-server does not run on Windows; use VS Code itself: npm run code, npm run test:electron.',
    );
  say(
    `VS Code (code-server ${codeServerVersion} from npm): about 200 MB to download, 600 MB on disk, about a minute …`,
  );
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true}\n');
  // The native modules are compiled against the headers that the npm package carries: nothing else is downloaded.
  const headers = dirname(
    dirname(inRoot('node_modules', 'node', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')),
  );
  const env = childEnv({ extra: { npm_config_nodedir: headers, npm_config_jobs: 'max' } });
  const advice = 'Needs npm, a C++ compiler, make and Python 3. Then run the same command again.';
  const npm = (cwd, ...args) =>
    mustRun('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd, env, advice });
  await npm(home, 'install', `code-server@${codeServerVersion}`, '--ignore-scripts');
  await npm(vscodeServer, 'install', '--omit=dev', '--ignore-scripts');
  await npm(vscodeServer, 'rebuild', ...native, '--ignore-scripts=false');
  if (!existsSync(node24)) throw new SetupError('Node 24 is missing: run node scripts/setup.mjs first.');
  writeFileSync(stamp, codeServerVersion);
  return true;
}

/**
 * Starts VS Code's server on a free loopback port, in a process group of its own (a negative pid ends everything that it
 * started). Resolves when it listens.
 * @param {{ dataDir: string, trusted?: boolean, home?: string }} options dataDir: settings, extensions, state
 * @returns {Promise<{ server: import('node:child_process').ChildProcess, port: number }>}
 */
export async function startCodeServer({ dataDir, trusted = true, home: homeDir }) {
  // The editor must not inherit the switches of whatever started it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(NODE_(?!EXTRA_CA)|VSCODE_|npm_|CI$)/.test(key)),
  );
  const args = [
    'out/server-main.js',
    ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
    // Without the smoke-test driver a built VS Code ignores the development extension named in the page's address.
    ...['--telemetry-level', 'off', '--enable-smoke-test-driver'],
    ...(trusted ? ['--disable-workspace-trust'] : []),
    ...['--server-data-dir', dataDir, '--extensions-dir', join(dataDir, 'extensions')],
  ];
  const server = spawn(node24, args, {
    cwd: vscodeServer,
    env: homeDir === undefined ? env : { ...env, HOME: homeDir },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const port = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`VS Code's server ${why}:\n${output}`));
    const timer = setTimeout(() => fail('did not listen within 180 s'), 180_000);
    server.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-20_000);
        const listening = /Extension host agent listening on (\d+)/.exec(output)?.[1];
        if (listening === undefined) return;
        clearTimeout(timer);
        resolve(Number(listening));
      });
  });
  return { server, port };
}

/** Address of a window on `folder` with the extension at `extension`; for a test run also its entry file. */
export function windowAddress(port, folder, extension, extensionTests) {
  const remote = (path) => `vscode-remote://127.0.0.1:${port}${path}`;
  const payload = [['extensionDevelopmentPath', remote(extension)]];
  if (extensionTests !== undefined) payload.push(['extensionTestsPath', remote(extensionTests)]);
  const opened = folder === undefined ? { ew: 'true' } : { folder };
  return `http://127.0.0.1:${port}/?${new URLSearchParams({ ...opened, payload: JSON.stringify(payload) })}`;
}
