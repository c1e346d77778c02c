// A real VS Code from npm: code-server, used by the host and end-to-end tests and by `npm run code`.
// npm's own install would run every package's scripts; only these few native modules are needed, and kerberos does not
// build without its system library.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir, childEnv, inRoot, mustRun, node24, onWindows, say, SetupError } from './project.mjs';

export const codeServerVersion = '4.139.1';
const native = ['@vscode/spdlog', '@vscode/native-watchdog', '@vscode/sqlite3', '@vscode/deviceid', '@vscode/fs-copyfile', 'node-pty'];

const home = inRoot('.vscode-test', 'code-server');
/** Folder of VS Code's server: out/server-main.js lies in it. */
export const vscodeServer = join(home, 'node_modules', 'code-server', 'lib', 'vscode');
const stamp = join(home, 'installed');

export function hasCodeServer() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === codeServerVersion && existsSync(join(vscodeServer, 'out', 'server-main.js'));
}

export async function ensureCodeServer() {
  if (hasCodeServer()) return false;
  if (onWindows) throw new SetupError('code-server does not run on Windows; use VS Code itself: npm run code, npm run test:electron.');
  say(`VS Code (code-server ${codeServerVersion} from npm): about 200 MB to download, 600 MB on disk, 2 to 4 minutes …`);
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true}\n');
  // The native modules are compiled against the headers that the npm package carries: nothing else is downloaded.
  const headers = dirname(dirname(inRoot('node_modules', 'node', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')));
  const env = childEnv({ extra: { npm_config_nodedir: headers, npm_config_jobs: 'max' } });
  if (!existsSync(join(cacheDir))) mkdirSync(cacheDir);
  const advice = 'Needs npm, a C++ compiler, make and Python 3. Then run the same command again.';
  const npm = (cwd, ...args) => mustRun('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd, env, advice });
  await npm(home, 'install', `code-server@${codeServerVersion}`, '--ignore-scripts');
  await npm(vscodeServer, 'install', '--omit=dev', '--ignore-scripts');
  await npm(vscodeServer, 'rebuild', ...native, '--ignore-scripts=false');
  if (!existsSync(node24)) throw new SetupError('Node 24 is missing: run node scripts/setup.mjs first.');
  writeFileSync(stamp, codeServerVersion);
  return true;
}
